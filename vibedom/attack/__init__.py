"""The attack table: what a hostile agent tries from inside a sandbox, and how each attempt has to fail."""
