"""Readers of answers: what a client of each protocol understands, and what its protocol does not allow."""

from collections.abc import Callable, Mapping

import msgspec

from twoapi.conformance.answer import Answer, Json
from twoapi.conformance.hear import chat, gemini, messages, responses


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """How a client of a protocol takes a whole answer, a stream, and the body of an HTTP error.

    `refusal` gives the message of an error, or raises ValueError with what is wrong with its format.
    """

    whole: Callable[[Json], Answer]
    stream: Callable[[bytes], Answer]
    refusal: Callable[[Json, int], str]


LISTENERS: Mapping[str, Listener] = {
    "openai-chat": Listener(whole=chat.whole, stream=chat.stream, refusal=chat.refusal),
    "openai-responses": Listener(whole=responses.whole, stream=responses.stream, refusal=chat.refusal),
    "anthropic-messages": Listener(whole=messages.whole, stream=messages.stream, refusal=messages.refusal),
    "gemini": Listener(whole=gemini.whole, stream=gemini.stream, refusal=gemini.refusal),
}
