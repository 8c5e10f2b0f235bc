"""What makes a sandbox: one protocol, one file per runtime."""
