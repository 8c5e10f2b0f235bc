"""Reads what the sessions of many machines sent to one stream."""
