"""Streams of servers that are nearly like the vendor's, and streams for clients whatever the events are."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from twoapi.ir import (
    Attach,
    Base64,
    Citation,
    Delta,
    End,
    Event,
    Failed,
    Fault,
    Finish,
    KeepAlive,
    Loss,
    Media,
    Opaque,
    Origin,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Response,
    Start,
    StopReason,
    Text,
    ToolCall,
    UrlSource,
    Usage,
    UsageUpdate,
)
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.protocols.sealing import PLAIN
from twoapi.wire.http import Incoming

CODEC = OpenAIChat()
DONE = b"data: [DONE]\n\n"
START = Start(id="msg_1", model="claude", protocol="anthropic-messages")
STOP = Finish(0, StopReason(kind="stop"))


def frame(delta: Any = None, finish: str | None = None, index: int | None = 0, **fields: Any) -> bytes:
    choice: dict[str, Any] = {"delta": {} if delta is None else delta, "finish_reason": finish}
    if index is not None:
        choice["index"] = index
    chunk = {"id": "c1", "created": 1, "model": "m", "choices": [choice], **fields}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def events(*pieces: bytes) -> list[Event]:
    decoder = CODEC.stream_decoder(Restore())
    found = [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()
    assert violations(found) == []
    return found


def answer(*pieces: bytes) -> Response:
    return fold(events(*pieces))


def told(response: Response) -> list[tuple[Any, ...]]:
    """What an answer says, without ids and places."""
    found: list[tuple[Any, ...]] = []
    for candidate in response.candidates:
        for part in candidate.parts:
            if isinstance(part, ToolCall):
                found.append((part.name, part.arguments))
            elif isinstance(part, Text | Reasoning | Refusal):
                found.append((type(part).__name__, part.text))
        found.append(("stop", candidate.stop and candidate.stop.kind))
    return found


def encode(found: list[Event], losses: list[Loss] | None = None, **fields: Any) -> bytes:
    body = {"model": "alias", "messages": [], "stream": True, **fields}
    request = CODEC.decode_request(Incoming("/", {}, json.dumps(body).encode()))
    encoder = CODEC.stream_encoder(AnswerContext(request, 1790000000, "abc"), [] if losses is None else losses)
    return encoder.feed(found) + encoder.close()


def chunks(stream: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in stream.decode().split("\n\n") if line.startswith("data: {")]


def call(index: int | None, **fields: Any) -> dict[str, Any]:
    wire: dict[str, Any] = {} if index is None else {"index": index}
    if "call_id" in fields:
        wire["id"] = fields.pop("call_id")
    return {"tool_calls": [{**wire, "function": fields}]}


SAID = [("Text", "hello"), ("stop", "stop")]
CALLED = [("f", '{"a":1}'), ("g", '{"b":2}'), ("stop", "tool_use")]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([frame({"content": "hell"}), frame({"content": "o"}), frame(finish="stop")], SAID, id="no-done"),
        pytest.param([frame({"content": "hello"}), DONE], SAID, id="no-finish-but-done"),
        pytest.param([frame({"content": "hello"}, finish=""), frame(finish="stop"), DONE], SAID, id="empty-finish"),
        pytest.param([frame({"content": "hello"}, index=None, finish="eos"), DONE], SAID, id="no-index"),
        pytest.param([frame({"content": ""}), frame({"content": "hello"}, "stop")], SAID, id="finish-with-text"),
        pytest.param([frame({"content": "hello", "tool_calls": []}), frame(finish="stop")], SAID, id="empty-calls"),
        pytest.param([frame({"content": "hello"}), frame({"content": None}, "stop"), DONE[:-2]], SAID, id="cut-done"),
        pytest.param(
            [
                b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n',
                frame({"content": "hello"}, "stop"),
            ],
            SAID,
            id="azure-prompt-filter",
        ),
        pytest.param(
            [frame({"content": [{"type": "text", "text": "hell"}]}), frame({"content": "o"}, "stop")],
            SAID,
            id="list-content",
        ),
        pytest.param(
            [frame({"reasoning_content": "th"}), frame({"reasoning": "ink"}), frame({"content": "hello"}, "stop")],
            [("Reasoning", "think"), *SAID],
            id="reasoning",
        ),
        pytest.param(
            [
                frame({"reasoning": "think", "reasoning_details": [{"type": "reasoning.text", "text": "think"}]}),
                frame({"content": "hello"}, "stop"),
            ],
            [("Reasoning", "think"), *SAID],
            id="reasoning-told-twice",
        ),
        pytest.param(
            [
                frame({"reasoning_details": [{"type": "reasoning.text", "text": "think"}]}),
                frame({"content": "hello"}, "stop"),
            ],
            [("Reasoning", "think"), *SAID],
            id="reasoning-in-details-only",
        ),
        pytest.param(
            [
                frame({"content": "a"}),
                frame(call(0, call_id="x", name="f", arguments="{}")),
                frame({"content": "b"}, "stop"),
            ],
            [("Text", "a"), ("f", "{}"), ("Text", "b"), ("stop", "tool_use")],
            id="text-after-call",
        ),
        pytest.param(
            [
                frame(call(0, call_id="x", name="f", arguments='{"a"')),
                frame(call(1, call_id="y", name="g", arguments='{"b"')),
                frame(call(0, arguments=":1}")),
                frame(call(1, arguments=":2}")),
                frame(finish="stop"),
            ],
            CALLED,
            id="interleaved-calls",
        ),
        pytest.param(
            [
                frame(call(None, call_id="x", name="f", arguments='{"a"')),
                frame(call(None, arguments=":1}")),
                frame(call(None, call_id="y", name="g", arguments='{"b":2}')),
                frame(finish="tool_calls"),
            ],
            CALLED,
            id="no-call-index",
        ),
        pytest.param(
            [
                frame(call(0, call_id="x", name="f", arguments='{"a":1}')),
                frame(call(0, call_id="y", name="g", arguments='{"b":2}')),
                frame(finish="tool_calls"),
            ],
            CALLED,
            id="all-calls-numbered-0",
        ),
        pytest.param(
            [
                frame(call(0, call_id="x", name="f", arguments='{"a"')),
                frame(call(0, call_id="x", name="f", arguments=":1}")),
                frame(call(1, call_id="y")),
                frame(call(1, name="g")),
                frame(call(1, arguments={"b": 2})),
                frame(finish="function_call"),
            ],
            CALLED,
            id="ids-and-names-repeated-or-late",
        ),
        pytest.param(
            [
                frame(
                    {"tool_calls": [{"index": 0, "id": "x", "type": "custom", "custom": {"name": "f", "input": "a "}}]}
                ),
                frame({"tool_calls": [{"index": 0, "custom": {"input": "b"}}]}),
                frame(finish="tool_calls"),
            ],
            [("f", "a b"), ("stop", "tool_use")],
            id="custom-call",
        ),
        pytest.param(
            [
                frame({"function_call": {"name": "f"}}),
                frame({"function_call": {"arguments": "{}"}}),
                frame(finish="function_call"),
            ],
            [("f", "{}"), ("stop", "tool_use")],
            id="deprecated-call",
        ),
        pytest.param(
            [frame({"refusal": "no"}), frame(finish="stop")], [("Refusal", "no"), ("stop", "refusal")], id="refusal"
        ),
    ],
)
def test_what_servers_send_is_understood(pieces: list[bytes], expected: list[tuple[Any, ...]]) -> None:
    response = answer(*pieces)

    assert told(response) == expected
    assert response.fault is None


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        pytest.param([], "upstream_error", id="nothing"),
        pytest.param([DONE], "upstream_error", id="only-done"),
        pytest.param([frame({"content": "hell"})], "upstream_error", id="cut-between-frames"),
        pytest.param([frame({"content": "hell"}), b'data: {"id":"c1","cho'], "upstream_error", id="cut-in-a-frame"),
        pytest.param([frame({"content": "hell"}), b"data: [1]\n\n"], "upstream_error", id="not-an-object"),
        pytest.param([frame({"content": "a"}), frame(finish="error")], "upstream_error", id="finish-error"),
        pytest.param([b'data: {"error":{"message":"x","code":429}}\n\n'], "rate_limited", id="error-first"),
        pytest.param(
            [b'data: {"choices":[],"error":{"code":"overloaded"}}\n\n'], "overloaded", id="error-beside-choices"
        ),
        pytest.param(
            [frame({"content": "a"}), b'data: {"error":"dead"}\n\n', DONE], "upstream_error", id="error-later"
        ),
        pytest.param(
            [frame({"content": "a"}, "stop"), frame({"content": "b"}, index=1)], "upstream_error", id="one-cut"
        ),
    ],
)
def test_a_broken_stream_fails_and_never_ends(pieces: list[bytes], kind: str) -> None:
    last = events(*pieces)[-1]

    assert isinstance(last, Failed)
    assert last.fault.kind == kind


@pytest.mark.parametrize(
    "pieces",
    [
        [frame({"content": "x"}, "stop"), frame(choices=[], usage={"prompt_tokens": 10, "completion_tokens": 2}), DONE],
        [
            frame({"content": "x"}, usage={"prompt_tokens": 10}),
            frame(finish="stop", usage={"prompt_tokens": 10, "completion_tokens": 2}),
        ],
        [
            frame({"content": "x"}),
            frame(
                choices=[{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}]
            ),
        ],
    ],
    ids=["own-chunk", "every-chunk", "in-the-choice"],
)
def test_usage_is_found_wherever_it_stands(pieces: list[bytes]) -> None:
    usage = answer(*pieces).usage

    assert usage is not None
    assert (usage.input, usage.output) == (10, 2)


def test_a_cut_call_is_not_complete() -> None:
    response = answer(frame(call(0, call_id="x", name="f", arguments='{"a')), frame(finish="length"))

    assert response.candidates[0].parts == [
        ToolCall(id="x", name="f", arguments='{"a', complete=False, at="/choices/0/message/tool_calls/0")
    ]


def test_audio_is_told_whole_when_it_ends() -> None:
    response = answer(
        frame({"audio": {"id": "a1", "transcript": "he"}}),
        frame({"audio": {"data": "AAAA", "transcript": "llo"}}),
        frame(finish="stop"),
        frame({"audio": {"expires_at": 9}}),
        DONE,
    )

    assert response.candidates[0].parts == [
        Media(
            kind="audio",
            source=Base64("AAAA"),
            audio_id="a1",
            transcript="hello",
            expires_at=9,
            at="/choices/0/message/audio",
        )
    ]


def test_unknown_fields_are_kept_once_for_the_same_protocol() -> None:
    response = answer(
        frame({"content": "a"}, provider="p"), frame({"content": "b"}, provider="p"), frame(finish="stop", cost=1)
    )

    assert {pointer: bytes(value) for pointer, value in response.extras.items()} == {"/provider": b'"p"', "/cost": b"1"}
    assert told(response) == [("Text", "ab"), ("stop", "stop")]


def test_the_learned_frame_never_swallows_what_differs() -> None:
    learned = [frame({"content": "a"}), frame({"content": "b\n\"'é\u2028"}), frame({"content": ""})]

    assert told(answer(*learned, frame({"content": '"},"logprobs":null'}), frame({"content": "c"}, "stop"))) == [
        ("Text", 'ab\n"\'é\u2028"},"logprobs":nullc'),
        ("stop", "stop"),
    ]
    assert told(answer(*learned, frame({"content": "z"}, index=1), frame(finish="stop"), DONE))[-2:] == [
        ("Text", "z"),
        ("stop", "stop"),
    ]


FRAMES = [
    frame({"content": "x"}),
    frame({"content": "y"}, index=1),
    frame({"reasoning_content": "r"}),
    frame({"reasoning_details": [{"data": "d"}, {"signature": "s"}]}),
    frame({"refusal": "n"}),
    frame({"audio": {"id": "a"}}),
    frame({"function_call": {"arguments": "x"}}),
    frame(call(0, call_id="a", name="f", arguments="{")),
    frame(call(None, arguments="}")),
    frame(finish="stop"),
    frame(finish="stop", index=1),
    DONE,
    b"data: {}\n\n",
    b": ping\n\n",
    b"data: nul",
    b"\xff",
    b'data: {"choices":[null]}\n\n',
    b'data: {"choices":[{"index":-1,"delta":{"content":"x"}}]}\n\n',
]


@given(st.lists(st.sampled_from(FRAMES), max_size=12))
def test_any_stream_gives_legal_events(pieces: list[bytes]) -> None:
    events(*pieces)


HEADERS = [
    Text(), Refusal(), Reasoning(), ToolCall(id="a", name="f"), ToolCall(id="b", name="c", kind="custom"),
    Media(kind="audio", source=Base64("")), Media(kind="image", source=Base64("")),
]  # fmt: skip
PLACES = st.tuples(st.integers(0, 1), st.integers(0, 3))
EVENTS = st.one_of(
    st.builds(lambda place, header: PartStart(place[0], place[1], header), PLACES, st.sampled_from(HEADERS)),
    st.builds(lambda place, text: Delta(place[0], place[1], text), PLACES, st.text(max_size=3)),
    st.builds(lambda place: Attach(place[0], place[1], Opaque("signature", "s", Origin("p"))), PLACES),
    st.builds(lambda place: Attach(place[0], place[1], Citation(UrlSource("u"))), PLACES),
    st.builds(lambda place: PartEnd(place[0], place[1]), PLACES),
    st.builds(Finish, st.integers(0, 1), st.sampled_from([StopReason(kind="stop"), StopReason(kind="max_tokens")])),
    st.sampled_from([START, End(), Failed(Fault("overloaded", "x")), KeepAlive(), UsageUpdate(Usage(input=1))]),
)


@given(found=st.lists(EVENTS, max_size=12), usage=st.booleans())
def test_any_events_give_a_stream_of_the_vendors_grammar(*, found: list[Event], usage: bool) -> None:
    stream = encode(found, stream_options={"include_usage": usage})

    assert stream.endswith(b"\n\n")
    greeted: set[int] = set()
    finished: set[int] = set()
    said = chunks(stream)
    for number, chunk in enumerate(said):
        if "error" in chunk:
            assert number == len(said) - 1
            assert DONE not in stream
            return
        assert {"id", "object", "created", "model", "choices"} <= chunk.keys()
        for choice in chunk["choices"]:
            index = choice["index"]
            assert ("role" in choice["delta"]) == (index not in greeted)
            assert index not in finished
            greeted.add(index)
            if choice["finish_reason"]:
                finished.add(index)
    assert greeted == finished != set()
    assert stream.endswith(DONE)


def test_a_foreign_answer_streams_in_the_vendors_form() -> None:
    seal = Opaque("signature", "sig", Origin("anthropic-messages"))
    losses: list[Loss] = []
    stream = encode(
        [
            START,
            PartStart(0, 0, Reasoning()),
            Delta(0, 0, "th"),
            Attach(0, 0, seal),
            PartEnd(0, 0),
            PartStart(0, 1, Text()),
            Delta(0, 1, "héllo"),
            Attach(0, 1, Citation(UrlSource("https://x", "T"))),
            PartEnd(0, 1),
            PartStart(0, 2, ToolCall(id="toolu_1", name="f")),
            PartEnd(0, 2),
            UsageUpdate(Usage(input=6, cache_read=4, cache_write=2, output=5, reasoning=3)),
            Finish(0, StopReason(kind="tool_use")),
            End({"/container": Raw(b"{}")}),
        ],
        losses,
        stream_options={"include_usage": True},
    )

    *answered, last = chunks(stream)
    deltas = [chunk["choices"][0]["delta"] for chunk in answered]
    cited = {"start_index": 0, "end_index": 5, "title": "T", "url": "https://x"}
    function = {"name": "f", "arguments": ""}
    carrier = PLAIN.seal((seal,), "anthropic-messages")
    detail = {"type": "reasoning.text", "text": "th", "signature": carrier, "format": "anthropic-messages", "index": 0}
    assert deltas == [
        {"role": "assistant", "content": None, "refusal": None},
        {"reasoning_content": "th"},
        {"reasoning_details": [detail]},
        {"content": "héllo"},
        {"annotations": [{"type": "url_citation", "url_citation": cited}]},
        {"tool_calls": [{"index": 0, "id": "toolu_1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert answered[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert (last["id"], last["model"], last["created"], last["choices"]) == ("chatcmpl-abc", "claude", 1790000000, [])
    assert last["usage"] == {
        "prompt_tokens": 12,
        "completion_tokens": 8,
        "total_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert [(loss.path, loss.kind) for loss in losses] == [("/container", "dropped")]


def test_the_deprecated_form_is_answered_in_the_deprecated_form() -> None:
    found: list[Event] = [
        START,
        PartStart(0, 0, ToolCall(id="a", name="f")),
        Delta(0, 0, "{}"),
        PartEnd(0, 0),
        STOP,
        End(),
    ]

    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(encode(found, functions=[{"name": "f"}]))]

    assert deltas[1:3] == [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]


def test_a_stream_that_breaks_ends_with_an_error_and_without_the_end_mark() -> None:
    found: list[Event] = [START, PartStart(0, 0, Text()), Delta(0, 0, "x")]

    assert chunks(encode(found))[-1]["error"]["type"] == "server_error"
    assert chunks(encode([*found, Failed(Fault("overloaded", "busy"))]))[-1] == {
        "error": {"message": "busy", "type": "server_error", "param": None, "code": "overloaded"}
    }
    assert DONE not in encode(found)


def test_what_the_vendor_has_no_word_for_is_reported() -> None:
    losses: list[Loss] = []
    start = Start(id="x", model="m", tier="standard", protocol="anthropic-messages")
    stop = Finish(0, StopReason(kind="stop_sequence", sequence="END"))

    answered = chunks(encode([start, PartStart(0, 0, Text()), Delta(0, 0, "x"), PartEnd(0, 0), stop, End()], losses))

    assert {chunk["service_tier"] for chunk in answered} == {"default"}
    assert [(loss.path, loss.kind) for loss in losses] == [("/stop_sequence", "dropped")]


def test_a_client_that_asked_for_usage_gets_its_chunk_even_when_nobody_knows_it() -> None:
    losses: list[Loss] = []

    *_, last = chunks(encode([START, STOP, End()], losses, stream_options={"include_usage": True}))

    assert (last["choices"], last["usage"]) == ([], {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
    assert [(loss.path, loss.kind) for loss in losses] == [("/usage", "synthesized")]
