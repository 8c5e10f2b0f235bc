"""The full-screen review, driven by its keys."""
