"""Tests of vibedom/ssh."""
