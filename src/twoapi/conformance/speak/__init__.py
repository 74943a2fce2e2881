"""Speakers: one answer as the vendor of each protocol writes it."""

from collections.abc import Callable, Mapping

import msgspec

from twoapi.conformance.reply import Fault, Json, Reply, Spoken
from twoapi.conformance.speak import chat, gemini, messages, responses


class Speaker(msgspec.Struct, frozen=True, kw_only=True):
    """How a protocol says an answer, an HTTP error's body, and an error in a stream."""

    say: Callable[[Reply, str], Spoken]
    fail: Callable[[Fault], Json]
    break_off: Callable[[Fault], bytes]


SPEAKERS: Mapping[str, Speaker] = {
    "openai-chat": Speaker(say=chat.say, fail=chat.fail, break_off=chat.break_off),
    "openai-responses": Speaker(say=responses.say, fail=responses.fail, break_off=responses.break_off),
    "anthropic-messages": Speaker(say=messages.say, fail=messages.fail, break_off=messages.break_off),
    "gemini": Speaker(say=gemini.say, fail=gemini.fail, break_off=gemini.break_off),
}
