"""Signatures of requests, one module for each scheme: pure functions of the request, the secret and the time."""
