"""Anthropic Messages, both sides."""

from twoapi.protocols.anthropic_messages.codec import AnthropicMessages

__all__ = ["AnthropicMessages"]
