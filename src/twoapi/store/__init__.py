"""What outlives a request and a process: sealed state, conversations, keys. Ports, and an engine for SQLite."""
