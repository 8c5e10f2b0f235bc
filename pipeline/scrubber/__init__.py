"""Scrubs secrets and PII out of bytes: rules, engine, structure-aware scrubbing, streams."""
