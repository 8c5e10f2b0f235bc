"""One file per command; only render.py prints."""
