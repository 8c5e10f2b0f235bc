"""Records it: one file per sink."""
