"""The strategies of every protocol's payloads, by the protocol's name."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from twoapi.testing.replies import Json
from twoapi.testing.strategies.chat_answers import chat_answer_bodies, chat_answers, chat_streams
from twoapi.testing.strategies.chat_requests import chat_requests
from twoapi.testing.strategies.gemini_answers import gemini_answer_bodies, gemini_answers, gemini_streams
from twoapi.testing.strategies.gemini_requests import gemini_requests
from twoapi.testing.strategies.messages_answers import messages_answer_bodies, messages_answers, messages_streams
from twoapi.testing.strategies.messages_requests import messages_requests
from twoapi.testing.strategies.responses_answers import responses_answer_bodies, responses_answers, responses_streams
from twoapi.testing.strategies.responses_requests import responses_requests

# Keyword `portable`: only what every protocol has; `unknown`: with members that no vendor documents.
REQUESTS: dict[str, Callable[..., st.SearchStrategy[bytes]]] = {
    "openai-chat": chat_requests,
    "openai-responses": responses_requests,
    "anthropic-messages": messages_requests,
    "gemini": gemini_requests,
}
# Whole answers as plain values, the same as bytes in some spelling, and the stream of such a value.
ANSWER_BODIES: dict[str, Callable[..., st.SearchStrategy[dict[str, Json]]]] = {
    "openai-chat": chat_answer_bodies,
    "openai-responses": responses_answer_bodies,
    "anthropic-messages": messages_answer_bodies,
    "gemini": gemini_answer_bodies,
}
ANSWERS: dict[str, Callable[..., st.SearchStrategy[bytes]]] = {
    "openai-chat": chat_answers,
    "openai-responses": responses_answers,
    "anthropic-messages": messages_answers,
    "gemini": gemini_answers,
}
STREAMS: dict[str, Callable[[Any], st.SearchStrategy[bytes]]] = {
    "openai-chat": chat_streams,
    "openai-responses": responses_streams,
    "anthropic-messages": messages_streams,
    "gemini": gemini_streams,
}
