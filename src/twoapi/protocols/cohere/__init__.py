"""Cohere's own chat (v2), as an upstream speaks it."""

from twoapi.protocols.cohere.codec import Cohere

__all__ = ["Cohere"]
