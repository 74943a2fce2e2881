"""Ollama's own chat, as an upstream speaks it."""

from twoapi.protocols.ollama.codec import Ollama

__all__ = ["Ollama"]
