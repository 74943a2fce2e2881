"""L22: the vendors' own SDKs read what is written for their clients, and have types for what goes to their services."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from google.genai import types as genai
from hypothesis import given, note
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter
from tests.laws.protocols import ALL, each, few, fewest, others

from twoapi.ir import FaultError
from twoapi.protocols.base import Codec, Restore
from twoapi.protocols.registry import CODECS
from twoapi.testing.frames import frames_of
from twoapi.testing.laws.subject import answer_of, decoded, encoded, events_of, stream_of
from twoapi.testing.strategies.payloads import ANSWER_BODIES, ANSWERS, REQUESTS, STREAMS
from twoapi.testing.strict import refusal_reasons

WHOLE: dict[str, Any] = {
    "openai-chat": ChatCompletion,
    "openai-responses": Response,
    "anthropic-messages": Message,
    "gemini": genai.GenerateContentResponse,
}
EVENT: dict[str, Any] = {
    "openai-chat": ChatCompletionChunk,
    "openai-responses": ResponseStreamEvent,
    "anthropic-messages": RawMessageStreamEvent,
    "gemini": genai.GenerateContentResponse,
}
# Frames that the SDKs take off the stream before their types see them.
FULL = "context_length_exceeded"  # a code that clients look for, and that the types lack
UNTYPED = {"ping", "error"}


@cache
def reader(kind: Any) -> Callable[[Any], Any]:
    if kind is genai.GenerateContentResponse:
        return lambda document: kind._from_response(response=document, kwargs={})  # as its client does
    return TypeAdapter(kind).validate_python


@each
@few
@given(data=st.data())
def test_l22_the_sdk_reads_whole_answers_of_every_upstream(codec: Codec, data: st.DataObject) -> None:
    upstream = data.draw(st.sampled_from(ALL))
    note(f"{upstream.name} to {codec.name}")
    try:
        response = upstream.decode_response(data.draw(ANSWERS[upstream.name]()), Restore())
        body = answer_of(codec, response)
    except FaultError:
        return
    reader(WHOLE[codec.name])(json.loads(body))


@each
@few
@given(data=st.data())
def test_l22_the_sdk_reads_streams_of_every_upstream(codec: Codec, data: st.DataObject) -> None:
    upstream = data.draw(st.sampled_from(ALL))
    note(f"{upstream.name} to {codec.name}")
    stream = data.draw(ANSWER_BODIES[upstream.name]().flatmap(STREAMS[upstream.name]))
    for name, frame in frames_of(stream_of(codec, [events_of(upstream, [stream])])):
        if frame == "[DONE]" or name in UNTYPED or frame.startswith('{"error"'):
            continue
        if (
            '"type":"custom"' not in frame
        ):  # a chunk's call of a free-text tool, which the types have in whole answers only
            reader(EVENT[codec.name])(json.loads(frame.replace(FULL, "server_error")))


@pytest.mark.parametrize("codec", others(CODECS["openai-responses"]), ids=lambda codec: codec.name)
@fewest
@given(data=st.data())
def test_l22_the_sdk_has_a_type_for_requests_to_responses(codec: Codec, data: st.DataObject) -> None:
    responses = CODECS["openai-responses"]
    try:
        body, _, _ = encoded(responses, decoded(codec, data.draw(REQUESTS[codec.name]())))
    except FaultError:
        return
    if b'"input_audio"' in body:
        return  # which the service documents, and the SDK's types of a conversation lack
    document = json.loads(body)
    document.pop("stream", None)
    for item in document["input"] if isinstance(document.get("input"), list) else []:
        item.setdefault("id", "msg_1")  # which the types want of refusals, and the service does not
    found = reader(ResponseCreateParamsNonStreaming)(document)
    assert list(found.get("tools") or []) == (document.get("tools") or [])


@each
@few
@given(data=st.data())
def test_an_unknown_member_is_all_that_a_strict_service_refuses(codec: Codec, data: st.DataObject) -> None:
    reasons = refusal_reasons(codec.name, json.loads(data.draw(REQUESTS[codec.name](unknown=True))))
    assert reasons
    assert len({reason.partition(":")[0] for _, reason in reasons}) == 1
