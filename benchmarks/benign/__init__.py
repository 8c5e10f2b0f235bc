"""Text without secrets, and what the rules find in it all the same."""
