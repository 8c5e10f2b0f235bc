"""The control socket of a session: what other commands, the dashboard among them, may ask its supervisor."""
