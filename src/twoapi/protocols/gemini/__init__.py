"""Google Gemini generateContent, both sides."""

from twoapi.protocols.gemini.codec import Gemini

__all__ = ["Gemini"]
