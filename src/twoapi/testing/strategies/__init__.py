"""Hypothesis strategies: wire payloads that the vendors' references allow, canonical events, and broken streams."""
