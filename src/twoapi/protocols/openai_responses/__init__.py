"""OpenAI Responses (openai-responses), both sides."""

from twoapi.protocols.openai_responses.codec import OpenAIResponses

__all__ = ["OpenAIResponses"]
