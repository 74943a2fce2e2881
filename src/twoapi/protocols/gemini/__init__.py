"""Google Gemini generateContent (gemini), both sides; NOTES.md has the vendor's rules that it relies on."""

from twoapi.protocols.gemini.codec import Gemini

__all__ = ["Gemini"]
