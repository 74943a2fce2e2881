"""Readers of requests: what an upstream of each protocol understands of a body."""
