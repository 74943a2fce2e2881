"""OpenAI Chat Completions (openai-chat), both sides; NOTES.md has the vendor's rules that it relies on."""

from twoapi.protocols.openai_chat.codec import OpenAIChat

__all__ = ["OpenAIChat"]
