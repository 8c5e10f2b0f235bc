"""The local pages: a server on loopback that only the person who started it can talk to."""
