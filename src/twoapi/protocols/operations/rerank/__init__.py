"""Rerank: documents in the order in which they answer a query."""
