"""Tests that need a Docker Engine of this machine."""
