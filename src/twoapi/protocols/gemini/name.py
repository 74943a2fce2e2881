"""The protocol's name and what its error paths share."""

from twoapi.protocols.refusing import broken, refuse

NAME = "gemini"

__all__ = ["NAME", "broken", "refuse"]
