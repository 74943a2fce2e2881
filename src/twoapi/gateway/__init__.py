"""The data plane: one request from a client's bytes to the client's bytes."""
