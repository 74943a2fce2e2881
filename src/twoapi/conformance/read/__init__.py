"""Readers of requests: what an upstream of each protocol understands of a body."""

from collections.abc import Callable, Mapping

from twoapi.conformance.asked import Asked, Json
from twoapi.conformance.read import chat, gemini, messages, responses

# They raise LookupError, TypeError, AttributeError or ValueError for a body that is not of the protocol.
READERS: Mapping[str, Callable[[Json], Asked]] = {
    "openai-chat": chat.read,
    "openai-responses": responses.read,
    "anthropic-messages": messages.read,
    "gemini": gemini.read,
}
