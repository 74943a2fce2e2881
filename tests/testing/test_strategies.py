"""The strategies, judged by the vendors' rules, the grammars and the reference folds."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoapi.ir.grammar import violations
from twoapi.testing.frames import frames_of
from twoapi.testing.grammars import stream_problems
from twoapi.testing.normal import fold_stream, normal_request, normal_response
from twoapi.testing.strategies.chat_answers import chat_answer_bodies, chat_streams
from twoapi.testing.strategies.chat_requests import chat_bodies, chat_requests
from twoapi.testing.strategies.events import legal_events
from twoapi.testing.strategies.hostile import same_stream
from twoapi.testing.strategies.messages_answers import messages_answer_bodies, messages_streams
from twoapi.testing.strategies.messages_requests import messages_bodies, messages_requests
from twoapi.testing.strategies.values import cuts
from twoapi.testing.strict import refusal_reasons

REQUESTS = {"openai-chat": chat_bodies, "anthropic-messages": messages_bodies}
SPELLED = {"openai-chat": chat_requests, "anthropic-messages": messages_requests}
ANSWERS = {"openai-chat": chat_answer_bodies, "anthropic-messages": messages_answer_bodies}
STREAMS = {"openai-chat": chat_streams, "anthropic-messages": messages_streams}
each_protocol = pytest.mark.parametrize("protocol", sorted(REQUESTS))


@each_protocol
@given(data=st.data())
def test_the_vendor_would_take_every_request(protocol: str, data: st.DataObject) -> None:
    assert refusal_reasons(protocol, data.draw(REQUESTS[protocol]())) == []


@each_protocol
@given(data=st.data())
def test_a_body_with_unknown_fields_is_refused_for_these_alone(protocol: str, data: st.DataObject) -> None:
    body = json.loads(data.draw(SPELLED[protocol](unknown=True)))
    reasons = refusal_reasons(protocol, body)
    assert reasons != []
    assert {reason for _, reason in reasons} <= {"unknown parameter", "Extra inputs are not permitted"}


@each_protocol
@given(data=st.data())
def test_a_stream_folds_to_the_answer_it_was_made_from(protocol: str, data: st.DataObject) -> None:
    body = data.draw(ANSWERS[protocol]())
    stream = data.draw(STREAMS[protocol](body))
    assert normal_response(protocol, fold_stream(protocol, stream)) == normal_response(protocol, body)


@each_protocol
@given(data=st.data())
def test_a_stream_is_in_the_grammar_of_its_protocol(protocol: str, data: st.DataObject) -> None:
    body = data.draw(ANSWERS[protocol]())
    stream = data.draw(STREAMS[protocol](body))
    asked = body.get("usage") is not None
    assert stream_problems(protocol, stream, include_usage=asked) == []


@each_protocol
@given(data=st.data())
def test_another_spelling_of_a_stream_has_the_same_events(protocol: str, data: st.DataObject) -> None:
    stream = data.draw(STREAMS[protocol](data.draw(ANSWERS[protocol]())))
    assert _values(data.draw(same_stream(stream))) == _values(stream)


def _values(stream: bytes) -> list[Any]:
    return [(name, text if text == "[DONE]" else json.loads(text)) for name, text in frames_of(stream)]


@each_protocol
@given(data=st.data())
def test_cuts_lose_nothing(protocol: str, data: st.DataObject) -> None:
    stream = data.draw(STREAMS[protocol](data.draw(ANSWERS[protocol]())))
    assert b"".join(data.draw(cuts(stream))) == stream


@given(legal_events())
def test_legal_events_are_legal(events: list) -> None:
    assert violations(events) == []


@each_protocol
@given(data=st.data())
def test_a_canonical_form_is_its_own(protocol: str, data: st.DataObject) -> None:
    form = normal_request(protocol, data.draw(SPELLED[protocol](unknown=True)))
    assert normal_request(protocol, form) == form


CHAT_CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
ROLE = CHAT_CHUNK % b'{"index":0,"delta":{"role":"assistant"},"finish_reason":null}'
TEXT = CHAT_CHUNK % b'{"index":0,"delta":{"content":"x"},"finish_reason":null}'
STOP = CHAT_CHUNK % b'{"index":0,"delta":{},"finish_reason":"stop"}'
DONE = b"data: [DONE]\n\n"
FRAME = b"event: %b\ndata: {%b}\n\n"
MESSAGE = (
    b'"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":1,"output_tokens":1}'
)
BEGIN = FRAME % (b"message_start", b'"type":"message_start","message":{%b}' % MESSAGE)
OPEN = FRAME % (
    b"content_block_start",
    b'"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}',
)
SHUT = FRAME % (b"content_block_stop", b'"type":"content_block_stop","index":0')
TOLD = FRAME % (
    b"message_delta",
    b'"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}',
)
LAST = FRAME % (b"message_stop", b'"type":"message_stop"')
THOUGHT = FRAME % (
    b"content_block_delta",
    b'"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"x"}',
)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(ROLE + TEXT + STOP, id="no [DONE]"),
        pytest.param(ROLE + TEXT + DONE, id="no finish"),
        pytest.param(TEXT + STOP + DONE, id="no role"),
        pytest.param(ROLE + ROLE + STOP + DONE, id="two roles"),
        pytest.param(ROLE + STOP + TEXT + DONE, id="text after the finish"),
        pytest.param(ROLE + STOP + DONE + DONE, id="two ends"),
        pytest.param(ROLE + STOP + DONE[:-1], id="no blank line"),
        pytest.param(ROLE + TEXT.replace(b'"c"', b'"d"') + STOP + DONE, id="another id"),
        pytest.param(ROLE + b"event: ping\ndata: {}\n\n" + STOP + DONE, id="a ping"),
        pytest.param(ROLE + b'data: {"error":{"message":"x"}}\n\n', id="half an error"),
        pytest.param(ROLE + TEXT.replace(b'"content":"x"', b'"tool_calls":[{"index":1}]') + STOP + DONE, id="call 1"),
    ],
)
def test_the_chat_grammar_refuses(stream: bytes) -> None:
    assert stream_problems("openai-chat", ROLE + TEXT + STOP + DONE, include_usage=False) == []
    assert stream_problems("openai-chat", stream, include_usage=False) != []


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(BEGIN + OPEN + TOLD + LAST, id="an open block"),
        pytest.param(BEGIN + OPEN + OPEN + SHUT + TOLD + LAST, id="two open blocks"),
        pytest.param(BEGIN + OPEN.replace(b":0", b":1") + SHUT + TOLD + LAST, id="a gap"),
        pytest.param(BEGIN + BEGIN + TOLD + LAST, id="two starts"),
        pytest.param(OPEN + SHUT + TOLD + LAST, id="no start"),
        pytest.param(BEGIN + LAST, id="no message_delta"),
        pytest.param(BEGIN + TOLD, id="no message_stop"),
        pytest.param(BEGIN + TOLD + LAST + LAST, id="two ends"),
        pytest.param(BEGIN + OPEN + THOUGHT + SHUT + TOLD + LAST, id="thinking in a text block"),
        pytest.param(BEGIN + TOLD.split(b"\n", 1)[1] + LAST, id="no event line"),
        pytest.param(DONE, id="[DONE]"),
    ],
)
def test_the_messages_grammar_refuses(stream: bytes) -> None:
    assert stream_problems("anthropic-messages", BEGIN + OPEN + SHUT + TOLD + LAST) == []
    assert stream_problems("anthropic-messages", stream) != []
