"""Git over SSH from inside a sandbox: keys, known hosts, the agent that signs, and what the sandbox is given for it."""
