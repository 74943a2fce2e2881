"""Streams: legal for any bytes, in the grammar for any events, accepted by the vendor's own SDK."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.protocols.anthropic_messages.wire import CODEC, context, events_of, fixture, frames, settled, stream_of

from twoapi import ir
from twoapi.ir.assemble import fold, unfold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Restore
from twoapi.protocols.sealing import PLAIN


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    lines = [f"event: {e['type']}\n" if named else "" for e in events]
    return "".join(f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, events, strict=True)).encode()


START = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": {"input_tokens": 7}}}
STOP = {"type": "message_stop"}


def block(index: int, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, kind: str, **content: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **content}}


def end(reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def parts_of(*events: dict[str, Any], restore: Restore | None = None) -> list[ir.Part]:
    decoded = events_of(sse(*events), restore)
    assert violations(decoded) == []
    return fold(decoded).candidates[0].parts


# --- decoding


def test_frames_without_event_lines_are_read() -> None:
    stream = [START, block(0, type="text", text=""), delta(0, "text_delta", text="a"), end(), STOP]

    assert settled(events_of(sse(*stream, named=False))) == settled(events_of(sse(*stream)))


def test_blocks_that_were_never_opened_open_by_their_deltas() -> None:
    parts = parts_of(
        START,
        delta(5, "thinking_delta", thinking="t"),
        delta(5, "signature_delta", signature="s"),
        delta(5, "text_delta", text="a"),
        end(),
        STOP,
    )

    assert parts == [
        ir.Reasoning(text="t", at="/content/0", opaque=(ir.Opaque("signature", "s", ir.Origin("anthropic-messages")),)),
        ir.Text(text="a", at="/content/1"),
    ]


def test_a_call_without_input_has_empty_arguments() -> None:
    parts = parts_of(
        START,
        block(0, type="tool_use", id="a", name="f", input={}),
        {"type": "content_block_stop", "index": 0},
        block(1, type="tool_use", id="b", name="g", input={"x": 1}),
        delta(1, "input_json_delta", partial_json=""),
        end("tool_use"),
        STOP,
    )

    assert parts == [
        ir.ToolCall(id="a", name="f", arguments="{}", at="/content/0"),
        ir.ToolCall(id="b", name="g", arguments='{"x": 1}', at="/content/1"),
    ]


def test_names_and_free_texts_are_given_back() -> None:
    parts = parts_of(
        START,
        block(0, type="tool_use", id="a", name="short", input={}),
        delta(0, "input_json_delta", partial_json='{"inp'),
        delta(0, "input_json_delta", partial_json='ut": "*** Begin"}'),
        end("tool_use"),
        STOP,
        restore=Restore(names={"short": "the.long one"}, custom=frozenset({"the.long one"})),
    )

    assert parts == [ir.ToolCall(id="a", name="the.long one", arguments="*** Begin", kind="custom", at="/content/0")]


def test_usage_is_overwritten_field_by_field() -> None:
    stream = [START, START, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 3}}, end(output_tokens=5)]

    usage = fold(events_of(sse(*stream, STOP))).usage

    assert usage == ir.Usage(input=7, output=5)


def test_a_plain_end_after_a_call_is_a_call() -> None:
    events = events_of(sse(START, block(0, type="tool_use", id="a", name="f", input={}), end(), STOP))

    assert events[-2] == ir.Finish(0, ir.StopReason(kind="tool_use", raw="end_turn"))


def test_unknown_events_and_deltas_and_a_foreign_end_mark_are_passed_over() -> None:
    stream = sse(START, {"type": "weather"}, block(0, type="text", text="a"), delta(0, "mood_delta", mood="x"))
    events = events_of(stream + b"data: [DONE]\n\n" + sse(end(), STOP))

    assert fold(events).candidates[0].parts == [ir.Text(text="a", at="/content/0")]


def test_a_server_tools_block_is_kept_whole() -> None:
    parts = parts_of(
        START,
        block(0, type="mcp_tool_use", id="a", name="f", server_name="s", input={}),
        delta(0, "input_json_delta", partial_json='{"q":1}'),
        {"type": "content_block_stop", "index": 0},
        block(1, type="compaction", content=None),
        delta(1, "compaction_delta", content="sum"),
        end(),
        STOP,
    )

    assert [settled(part.raw) for part in parts if isinstance(part, ir.ServerTool)] == [
        {"type": "mcp_tool_use", "id": "a", "name": "f", "server_name": "s", "input": {"q": 1}},
        {"type": "compaction", "content": "sum"},
    ]


@pytest.mark.parametrize("reason", [None, "end_turn"])
def test_a_stream_without_its_last_event_is_complete_only_with_a_stop_reason(reason: str | None) -> None:
    last = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 1}}

    events = events_of(sse(START, block(0, type="text", text="a"), last))

    assert violations(events) == []
    assert isinstance(events[-1], ir.End if reason else ir.Failed)


def test_an_error_as_the_first_event_is_a_fault() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "r"}

    (failed,) = events_of(sse(error))

    assert isinstance(failed, ir.Failed)
    assert (failed.fault.kind, failed.fault.whose) == ("overloaded", "upstream")


EVENTS = st.one_of(
    st.sampled_from([START, STOP, end(), end("max_tokens", output_tokens=3), {"type": "ping"}, {"type": "x"}, {}]),
    st.builds(
        block,
        st.integers(0, 2),
        type=st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "new"]),
        text=st.sampled_from(["", "a"]),
        data=st.just("d"),
        signature=st.sampled_from(["", "s"]),
        input=st.sampled_from([{}, {"a": 1}]),
    ),
    st.builds(
        delta,
        st.integers(0, 2),
        st.sampled_from(["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta"]),
        text=st.just("t"),
        thinking=st.just("h"),
        partial_json=st.sampled_from(["", '{"', "{}"]),
        citation=st.sampled_from([{}, {"type": "new"}]),
        signature=st.just("s"),
    ),
    st.builds(lambda i: {"type": "content_block_stop", "index": i}, st.integers(0, 2)),
)


@given(st.lists(EVENTS, max_size=12))
def test_any_order_of_events_decodes_to_a_legal_list(stream: list[dict[str, Any]]) -> None:
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in stream)

    assert violations(events_of(data)) == []


@given(st.binary(max_size=80), st.integers(0, 2000))
def test_any_bytes_decode_to_a_legal_list(junk: bytes, place: int) -> None:
    stream = fixture("anthropic.stream.thinking-tools.sse")

    assert violations(events_of(stream[:place] + junk + stream[place:])) == []


# --- encoding

SIGNED = ir.Opaque("signature", "s", ir.Origin("anthropic-messages"))
HEADERS = st.sampled_from(
    [
        ir.Text(),
        ir.Refusal(),
        ir.Reasoning(),
        ir.Reasoning(form="hidden", opaque=(ir.Opaque("redacted", "d", ir.Origin("anthropic-messages")),)),
        ir.ToolCall(id="a.b", name="f"),
        ir.ToolCall(id="c", name="g", kind="custom"),
        ir.ServerTool(
            protocol="anthropic-messages",
            raw=Raw(b'{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}'),
        ),
        ir.ServerTool(protocol="gemini", raw=Raw(b"{}")),
        ir.Media(kind="image", source=ir.Base64("")),
    ]
)
ITEMS = st.sampled_from(
    [
        SIGNED,
        ir.Opaque("redacted", "d", ir.Origin("anthropic-messages")),
        ir.Opaque("encrypted_reasoning", "e", ir.Origin("openai-responses")),
        ir.Citation(ir.UrlSource("https://w.example", "W"), 0, 1, "q"),
        [ir.TokenLogprob("t", -1.0)],
    ]
)
NUMBERS = st.integers(0, 3)
CANDIDATES = st.sampled_from([0, 0, 0, 1])
IR_EVENTS = st.one_of(
    st.builds(ir.PartStart, CANDIDATES, NUMBERS, HEADERS),
    st.builds(ir.Delta, CANDIDATES, NUMBERS, st.sampled_from(["", "a", '"é\n'])),
    st.builds(ir.Attach, CANDIDATES, NUMBERS, ITEMS),
    st.builds(ir.PartEnd, CANDIDATES, NUMBERS),
    st.builds(ir.UsageUpdate, st.builds(ir.Usage, input=st.none() | NUMBERS, output=st.none() | NUMBERS)),
    st.builds(
        ir.Finish,
        CANDIDATES,
        st.builds(ir.StopReason, kind=st.sampled_from(["stop", "refusal", "malformed_call", "other"])),
    ),
    st.builds(ir.Start, id=st.just("i"), model=st.just("m"), protocol=st.sampled_from(["", "anthropic-messages"])),
    st.just(ir.End()),
    st.just(ir.KeepAlive()),
    st.just(ir.Failed(ir.Fault("overloaded", "busy"))),
)


GRAMMAR = re.compile(
    r"(message_start (ping )*"
    r"((content_block_start (\d+) (content_block_delta \5 |ping )*content_block_stop \5 )|ping )*"
    r"message_delta message_stop |(message_start (ping |content_block_\w+ \d+ )*)?error )"
)


def spelled(sent: list[dict[str, Any]]) -> str:
    """The types and indices of the events, as one line."""
    return "".join(f"{e['type']} " + (f"{e['index']} " if "index" in e else "") for e in sent)


@given(st.lists(IR_EVENTS, max_size=14))
def test_any_list_of_events_is_encoded_in_the_grammar(events: list[ir.Event]) -> None:
    sent = frames(stream_of(events))

    assert GRAMMAR.fullmatch(spelled(sent)), spelled(sent)
    starts = [event["index"] for event in sent if event["type"] == "content_block_start"]
    assert starts == list(range(len(starts)))


def test_interleaved_parts_are_sent_one_after_the_other() -> None:
    events: list[ir.Event] = [
        ir.Start(id="", model="m"),
        ir.PartStart(0, 0, ir.ToolCall(id="a", name="f")),
        ir.PartStart(0, 1, ir.ToolCall(id="b", name="g")),
        ir.Delta(0, 0, '{"x":'),
        ir.Delta(0, 1, '{"y":1'),
        ir.Delta(0, 0, "1}"),
        ir.Delta(0, 1, "}"),
        ir.PartEnd(0, 1),
        ir.PartEnd(0, 0),
        ir.Finish(0, ir.StopReason(kind="stop")),
        ir.UsageUpdate(ir.Usage(input=6, cache_read=4, output=2, reasoning=1)),
        ir.End(),
    ]

    sent = frames(stream_of(events))

    assert [
        (event["index"], event["delta"]["partial_json"]) for event in sent if event["type"] == "content_block_delta"
    ] == [(0, '{"x":'), (0, "1}"), (1, '{"y":1'), (1, "}")]
    assert sent[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 6,
            "cache_creation_input_tokens": None,
            "cache_read_input_tokens": 4,
            "output_tokens": 3,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    }


def test_foreign_reasoning_carries_an_envelope_that_stays_closed() -> None:
    sealed = ir.Opaque("encrypted_reasoning", "blob", ir.Origin("openai-responses"))
    answer = ir.Response(
        protocol="openai-responses",
        id="r",
        model="m",
        candidates=[ir.Candidate(0, [ir.Reasoning(text="t", opaque=(sealed,))], ir.StopReason(kind="stop"))],
    )

    folded = fold(events_of(stream_of(list(unfold(answer)))))

    assert folded.candidates[0].parts == [
        ir.Reasoning(text="t", at="/content/0", opaque=(ir.Opaque("other", PLAIN.seal((sealed,), "openai-responses")),))
    ]


def test_a_ping_comes_only_inside_the_message() -> None:
    encoder = CODEC.stream_encoder(context(), [])

    before = encoder.keep_alive()
    encoder.feed([ir.Start(id="", model="m")])
    inside = encoder.keep_alive()
    encoder.feed([ir.End()])

    assert (before, inside, encoder.keep_alive()) == (b"", b'event: ping\ndata: {"type":"ping"}\n\n', b"")


def test_an_answer_that_breaks_off_ends_in_an_error() -> None:
    sent = frames(stream_of([ir.Start(id="", model="m"), ir.PartStart(0, 0, ir.Text()), ir.Delta(0, 0, "a")]))

    assert sent[-1] == {
        "type": "error",
        "error": {
            "type": "api_error",
            "message": "the answer broke off",
            "details": {"error_code": "stream_truncated"},
        },
        "request_id": "x",
    }


def test_other_candidates_are_left_out_and_reported_once() -> None:
    losses: list[ir.Loss] = []
    events: list[ir.Event] = [ir.Start(id="", model="m"), ir.UsageUpdate(ir.Usage(input=1, output=1))]
    for candidate in (0, 1):
        events += [
            ir.PartStart(candidate, 0, ir.Text()),
            ir.Delta(candidate, 0, "a"),
            ir.PartEnd(candidate, 0),
            ir.Finish(candidate, ir.StopReason(kind="stop")),
        ]

    sent = frames(stream_of([*events, ir.End()], losses))

    assert [event["delta"]["text"] for event in sent if event["type"] == "content_block_delta"] == ["a"]
    assert [(loss.path, loss.kind) for loss in losses] == [("/choices/1", "dropped")]


@given(st.lists(IR_EVENTS, max_size=10))
def test_the_vendors_types_take_every_event(events: list[ir.Event]) -> None:
    from anthropic.types import RawMessageStreamEvent
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    for event in frames(stream_of(events)):
        if event["type"] not in ("ping", "error"):
            adapter.validate_python(event)


def test_the_vendors_sdk_reads_a_converted_stream() -> None:
    import anthropic
    import httpx2

    events: list[ir.Event] = [
        ir.Start(id="chatcmpl-1", model="m", protocol="openai-chat"),
        ir.PartStart(0, 0, ir.Reasoning()),
        ir.Delta(0, 0, "hm"),
        ir.PartEnd(0, 0),
        ir.KeepAlive(),
        ir.PartStart(0, 1, ir.Text()),
        ir.Delta(0, 1, "Grüß\u2028"),
        ir.PartEnd(0, 1),
        ir.PartStart(0, 2, ir.ToolCall(id="call:1", name="f")),
        ir.PartEnd(0, 2),
        ir.Finish(0, ir.StopReason(kind="tool_use")),
        ir.End(),
    ]
    stream = stream_of(events)

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    client = anthropic.Anthropic(
        api_key="k", base_url="http://x.test", http_client=httpx2.Client(transport=httpx2.MockTransport(answer))
    )
    with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as opened:
        message = opened.get_final_message()

    thinking, text, call = message.content
    assert (thinking.type, text.type, call.type) == ("thinking", "text", "tool_use")
    assert text.text == "Grüß\u2028"
    assert (call.input, call.id, message.stop_reason) == ({}, "tw_Y2FsbDox", "tool_use")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (0, 0)
