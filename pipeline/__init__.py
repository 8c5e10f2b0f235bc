"""Judges it: stages that turn a captured flow into a decision and a record. No Docker, no CLI, no files."""
