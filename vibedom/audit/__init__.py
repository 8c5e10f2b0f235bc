"""Reads audit logs: exports them into formats of other tools, and answers questions in SQL."""
