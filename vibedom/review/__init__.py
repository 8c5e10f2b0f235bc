"""The full-screen terminal view of a review."""
