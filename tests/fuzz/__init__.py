"""Coverage-guided fuzzing of the scrubber with atheris: `python -m tests.fuzz NAME [seconds]`."""
