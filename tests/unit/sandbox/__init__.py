"""Tests of the sandbox runtimes."""
