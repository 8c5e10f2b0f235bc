"""The user's project: overlay, changes, review, apply."""
