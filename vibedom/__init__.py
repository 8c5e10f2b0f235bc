"""Runs it: command line, settings, session supervisor, proxy, sandbox runtimes, workspace, pre-flight."""

__version__ = "0.1.0"
