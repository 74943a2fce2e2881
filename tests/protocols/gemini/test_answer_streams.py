"""Streams: what the reference's examples fold to, and how events become frames."""

import json
from typing import Any

import pytest
from tests.protocols.gemini.answers import (
    CODEC,
    context,
    document,
    events_of,
    fixture,
    foreign,
    frames,
    parts_of,
    signature,
    sse,
    stream_of,
)

from twoapi import ir
from twoapi.ir.assemble import fold, unfold
from twoapi.protocols.base import Restore
from twoapi.protocols.sealing import PLAIN, from_base64
from twoapi.testing.normal import fold_stream, normal_response

FOLDS = ["text", "prompt-blocked", "tools-stop-separate", "two-candidates"]


def failure(events: list[ir.Event]) -> ir.Fault:
    assert isinstance(events[-1], ir.Failed)
    return events[-1].fault


def piece(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    """A frame that does not finish, if it is not said."""
    frame = document(*parts, **candidate)
    if "finishReason" not in candidate:
        del frame["candidates"][0]["finishReason"]
    return frame


END = piece({"text": ""}, finishReason="STOP")


@pytest.mark.parametrize("name", FOLDS)
def test_an_example_amounts_to_its_fold(name: str) -> None:
    stream = fixture(f"stream.{name}.sse")
    expected = normal_response("gemini", fixture(f"fold.{name}.json"))
    whole = CODEC.encode_response(fold(events_of(stream)), context(), [])
    assert normal_response("gemini", whole) == expected
    assert normal_response("gemini", fold_stream("gemini", stream_of(events_of(stream)))) == expected


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("name", [*FOLDS, "error-midway"])
def test_an_example_may_come_in_any_pieces(name: str, size: int) -> None:
    stream = fixture(f"stream.{name}.sse")
    decoder = CODEC.stream_decoder(Restore())
    events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
    assert events + decoder.close() == events_of(stream)


# --- Decoding ------------------------------------------------------------------------------------


def test_an_error_in_the_middle_ends_in_it() -> None:
    fault = failure(events_of(fixture("stream.error-midway.sse")))
    assert (fault.kind, fault.status, fault.message) == ("overloaded", 503, "The model is overloaded.")


def test_an_error_that_is_no_event_ends_in_it() -> None:
    error = b'{\n  "error": {\n    "code": 503,\n    "message": "busy",\n    "status": "UNAVAILABLE"\n  }\n}\n'
    for stream in (error, sse(piece({"text": "a"})) + error, b"[" + error.strip() + b"]"):
        for size in (1, stream.index(b"{\n") or 5, len(stream)):
            decoder = CODEC.stream_decoder(Restore())
            events = [event for at in range(0, len(stream), size) for event in decoder.feed(stream[at : at + size])]
            fault = failure(events + decoder.close())
            assert (fault.kind, fault.message) == ("overloaded", "busy")


def test_a_stream_without_a_finish_reason_was_cut() -> None:
    for stream in (b"", sse(piece({"text": "a"})), b"[" + json.dumps(piece({"text": "a"})).encode()):
        fault = failure(events_of(stream))
        assert (fault.kind, fault.whose) == ("upstream_error", "upstream")


def test_every_candidate_must_finish() -> None:
    other = piece({"text": "b"}, index=1)
    assert failure(events_of(sse(piece({"text": "a"}), other, END))).kind == "upstream_error"


def test_an_ending_that_is_a_failure_is_one() -> None:
    fault = failure(events_of(sse(piece({"text": "a"}), piece(finishReason="MALFORMED_FUNCTION_CALL"))))
    assert (fault.code, fault.retryable) == ("MALFORMED_FUNCTION_CALL", True)


def test_usage_replaces_what_was_told_before() -> None:
    early = piece({"text": "a"}) | {"usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9}}
    late = END | {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13}}
    events = events_of(sse(early, late))
    assert isinstance(events[0], ir.Start)
    assert events[0].usage is not None
    assert (events[0].usage.input, events[0].usage.output) == (9, 0)
    usage = fold(events).usage
    assert usage is not None
    assert (usage.input, usage.output) == (9, 4)


def test_a_signature_behind_words_belongs_to_them() -> None:
    words = piece({"text": "a", "thought": True})
    seal = piece({"text": "", "thought": True, "thoughtSignature": "AAAA"})
    parts = fold(events_of(sse(words, words, seal, piece({"text": "b"}), END))).candidates[0].parts
    assert [(type(part), part.opaque) for part in parts] == [(ir.Reasoning, (signature("AAAA"),)), (ir.Text, ())]


def test_calls_without_ids_have_those_of_the_whole_answer() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    streamed = fold(events_of(sse(piece(call), piece(call), END))).candidates[0].parts
    whole = CODEC.decode_response(json.dumps(document(call, call)).encode(), Restore()).candidates[0].parts
    assert [part.id for part in streamed if isinstance(part, ir.ToolCall)] == [
        part.id for part in whole if isinstance(part, ir.ToolCall)
    ]
    assert len(streamed) == 2


def test_grounding_that_repeats_counts_once() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [{"segment": {"endIndex": 6, "text": "北京"}, "groundingChunkIndices": [0]}],
    }
    stream = sse(
        piece({"text": "北"}, groundingMetadata={}),
        piece({"text": "京"}, groundingMetadata=grounding),
        piece({"text": ""}, finishReason="STOP", groundingMetadata=grounding),
    )
    (text,) = fold(events_of(stream)).candidates[0].parts
    assert isinstance(text, ir.Text)
    assert [(one.start, one.end) for one in text.citations] == [(0, 2)]


def test_only_the_text_that_still_runs_can_be_cited() -> None:
    def grounded(part: int, start: int, end: int) -> dict[str, Any]:
        segment = {"partIndex": part, "startIndex": start, "endIndex": end}
        return {
            "groundingChunks": [{"web": {"uri": "https://a.example"}}],
            "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
        }

    call = piece({"functionCall": {"name": "f"}})
    ahead = sse(piece({"text": "北"}), call, piece({"text": "京 x"}))
    events = events_of(ahead + sse(piece(finishReason="STOP", groundingMetadata=grounded(2, 4, 5))))
    text = fold(events).candidates[0].parts[2]
    assert isinstance(text, ir.Text)
    assert [(one.start, one.end) for one in text.citations] == [(2, 3)]
    events = events_of(ahead + sse(piece(finishReason="STOP", groundingMetadata=grounded(0, 0, 3))))
    assert isinstance(events[-1], ir.End)
    assert list(events[-1].extras) == ["/candidates/0/groundingMetadata"]
    assert not any(isinstance(event, ir.Attach) for event in events)


def test_an_unknown_member_of_a_part_is_kept_by_its_place() -> None:
    events = events_of(sse(piece({"text": "a"}), piece({"text": "b", "xNew": [1]}), END | {"xOther": 2}))
    assert isinstance(events[-1], ir.End)
    assert {at: bytes(raw) for at, raw in events[-1].extras.items()} == {
        "/candidates/0/content/parts/0/xNew": b"[1]",
        "/xOther": b"2",
    }


# --- Encoding ------------------------------------------------------------------------------------

STATE = ir.Opaque("signature", "EqQB", ir.Origin("anthropic-messages"))


def start(protocol: str = "openai-chat") -> ir.Start:
    return ir.Start(id="x", model="m", protocol=protocol)


def finish(kind: Any = "stop") -> list[ir.Event]:
    return [ir.Finish(0, ir.StopReason(kind=kind)), ir.End()]


def test_words_go_out_as_they_come_and_the_end_in_one_frame() -> None:
    encoder = CODEC.stream_encoder(context(), [])
    assert encoder.feed([start(), ir.PartStart(0, 0, ir.Text())]) == b""
    head = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}],'
    assert encoder.feed([ir.Delta(0, 0, "a")]) == head + b'"modelVersion":"m","responseId":"id-1"}\n\n'
    assert encoder.keep_alive() == b"\n"
    assert encoder.feed([ir.PartEnd(0, 0), ir.Finish(0, ir.StopReason(kind="max_tokens"))]) == b""
    assert encoder.feed([ir.UsageUpdate(ir.Usage(input=1, output=2))]) == b""
    (end,) = frames(encoder.feed([ir.End()]))
    assert end["candidates"] == [
        {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}
    ]
    assert end["usageMetadata"] == {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    assert (encoder.keep_alive(), encoder.close()) == (b"", b"")


def test_calls_go_out_whole_and_in_order() -> None:
    events: list[ir.Event] = [
        start(),
        ir.PartStart(0, 0, ir.ToolCall(id="1", name="f")),
        ir.PartStart(0, 1, ir.ToolCall(id="2", name="g")),
        ir.Delta(0, 1, '{"y":'),
        ir.Delta(0, 0, '{"x":\n'),
        ir.Delta(0, 1, "2}"),
        ir.PartEnd(0, 1),
        ir.Delta(0, 0, "1}"),
        ir.PartEnd(0, 0),
        *finish("tool_use"),
    ]
    first, second, end = frames(stream_of(events))
    assert parts_of(first) == [{"functionCall": {"name": "f", "id": "1", "args": {"x": 1}}}]
    assert parts_of(second) == [{"functionCall": {"name": "g", "id": "2", "args": {"y": 2}}}]
    assert end["candidates"][0]["finishReason"] == "STOP"


def test_words_that_come_beside_others_wait_for_them() -> None:
    events: list[ir.Event] = [
        start(),
        ir.PartStart(0, 0, ir.Reasoning()),
        ir.PartStart(0, 1, ir.Text()),
        ir.Delta(0, 1, "b"),
        ir.Delta(0, 0, "a"),
        ir.Delta(0, 1, "c"),
        ir.PartEnd(0, 0),
        ir.Delta(0, 1, "d"),
        ir.PartEnd(0, 1),
        *finish(),
    ]
    said = [part for frame in frames(stream_of(events)) for part in parts_of(frame)]
    assert [part["text"] for part in said] == ["a", "", "bc", "d", ""]
    assert [part.get("thought") for part in said] == [True, True, None, None, None]


@pytest.mark.parametrize("kind", ["max_tokens", "content_filter"])
def test_a_call_that_was_cut_is_left_out(kind: str) -> None:
    call: list[ir.Event] = [ir.PartStart(0, 0, ir.ToolCall(id="1", name="f")), ir.Delta(0, 0, '{"a'), ir.PartEnd(0, 0)]
    losses: list[ir.Loss] = []
    (end,) = frames(stream_of([start(), *call, *finish(kind)], losses))
    assert parts_of(end) == [{"text": ""}]
    assert [loss.kind for loss in losses] == ["dropped"]


def test_a_call_that_is_broken_is_an_error() -> None:
    call: list[ir.Event] = [ir.PartStart(0, 0, ir.ToolCall(id="1", name="f")), ir.Delta(0, 0, '{"a'), ir.PartEnd(0, 0)]
    (error,) = frames(stream_of([start(), *call, *finish("tool_use")]))
    assert error["error"]["code"] == 502


def test_foreign_state_goes_out_sealed_behind_the_words_and_on_the_next_call() -> None:
    response = foreign(
        ir.Reasoning(text="hm", opaque=(STATE,)),
        ir.ToolCall(id="1", name="f", arguments="{}"),
        ir.ToolCall(id="2", name="f", arguments="{}"),
        kind="tool_use",
        protocol="anthropic-messages",
    )
    said = [part for frame in frames(stream_of(list(unfold(response)))) for part in parts_of(frame)]
    assert [part.get("text") for part in said] == ["hm", "", None, None, ""]
    seals = [part["thoughtSignature"] for part in said if "thoughtSignature" in part]
    assert len(seals) == 2
    for seal in seals:
        carrier = from_base64(seal)
        assert carrier is not None
        assert PLAIN.open(carrier) == (STATE,)
    assert "thoughtSignature" in said[1]
    assert "thoughtSignature" in said[2]


def test_citations_stand_where_a_reader_puts_the_words_together() -> None:
    cited = [ir.Citation(ir.UrlSource("https://a.example"))]
    response = foreign(ir.Reasoning(text="hm"), ir.Text(text="Grüß "), ir.Text(text="北京", citations=cited))
    end = frames(stream_of(list(unfold(response))))[-1]
    (support,) = end["candidates"][0]["groundingMetadata"]["groundingSupports"]
    assert support["segment"] == {"partIndex": 1, "startIndex": 7, "endIndex": 13, "text": "北京"}


def test_an_array_is_one_document() -> None:
    response = foreign(ir.Text(text="a"), ir.ToolCall(id="1", name="f", arguments="{}"), kind="tool_use")
    found = json.loads(stream_of(list(unfold(response)), array=True))
    assert [parts_of(frame) for frame in found] == [
        [{"text": "a"}],
        [{"functionCall": {"name": "f", "id": "1", "args": {}}}],
        [{"text": ""}],
    ]


@pytest.mark.parametrize("before", [[], [start(), ir.PartStart(0, 0, ir.Text()), ir.Delta(0, 0, "a")]])
def test_an_array_that_fails_is_one_document(before: list[ir.Event]) -> None:
    fault = ir.Fault("overloaded", "busy")
    found = json.loads(stream_of([*before, ir.Failed(fault)], array=True))
    assert found[-1] == {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
    assert json.loads(stream_of(before, array=True))[-1]["error"]["status"] == "INTERNAL"


def test_a_refused_prompt_has_no_candidates() -> None:
    stream = fixture("stream.prompt-blocked.sse")
    (frame,) = frames(stream_of(events_of(stream)))
    assert "candidates" not in frame
    assert frame["promptFeedback"] == {"blockReason": "SAFETY"}


def test_what_cannot_be_said_of_parts_any_more_is_reported() -> None:
    losses: list[ir.Loss] = []
    stream_of(events_of(sse(piece({"text": "b", "xNew": 1}), END | {"modelStatus": {"modelStage": "STABLE"}})), losses)
    assert [(loss.path, loss.kind) for loss in losses] == [("/candidates/0/content/parts/0/xNew", "dropped")]


def test_no_line_but_data_and_blank_ones() -> None:
    response = foreign(ir.Text(text="data: x\n\n: y\r\n\u2028event: z"))
    stream = CODEC.silence + stream_of([*list(unfold(response))[:-1], ir.KeepAlive(), ir.End()])
    lines = stream.decode().split("\n")
    assert all(not line or line.startswith("data: {") for line in lines)
    assert "\r" not in stream.decode()


# --- Arguments in pieces -------------------------------------------------------------------------


def arguments(*pieces: dict[str, Any], **call: Any) -> dict[str, Any]:
    return piece({"functionCall": {"partialArgs": list(pieces), "willContinue": True, **call}})


def test_arguments_that_come_in_pieces_are_put_together() -> None:
    stream = sse(
        piece({"functionCall": {"name": "f", "id": "1", "willContinue": True}, "thoughtSignature": "AAAA"}),
        arguments({"jsonPath": "$.city", "stringValue": "北", "willContinue": True}),
        arguments({"jsonPath": "$.city", "stringValue": "京"}, {"jsonPath": "$.days[0].n", "numberValue": 1.50}),
        arguments({"jsonPath": "$.days[0]['a b']", "boolValue": False}, {"jsonPath": "$.days[1]", "nullValue": None}),
        piece({"functionCall": {}}),
        piece({"functionCall": {"name": "g", "args": {}}}),
        END,
    )
    one, two = fold(events_of(stream)).candidates[0].parts
    assert isinstance(one, ir.ToolCall)
    assert (one.id, one.name, one.opaque, one.complete) == ("1", "f", (signature("AAAA"),), True)
    assert json.loads(one.arguments) == {"city": "北京", "days": [{"n": 1.5, "a b": False}, None]}
    assert isinstance(two, ir.ToolCall)
    assert (two.name, two.arguments) == ("g", "{}")


def test_a_call_that_begins_ends_the_one_before() -> None:
    calls = [piece({"functionCall": {"name": name, "willContinue": True}}) for name in ("f", "g")]
    last = piece({"functionCall": {"name": "h"}})
    parts = fold(events_of(sse(*calls, last, END))).candidates[0].parts
    assert [part.name for part in parts if isinstance(part, ir.ToolCall)] == ["f", "g", "h"]


def test_a_call_whose_pieces_never_end_was_cut() -> None:
    stream = sse(
        piece({"functionCall": {"name": "f", "willContinue": True}}),
        arguments({"jsonPath": "$.a", "stringValue": "b", "willContinue": True}),
        piece(finishReason="MAX_TOKENS"),
    )
    (call,) = fold(events_of(stream)).candidates[0].parts
    assert isinstance(call, ir.ToolCall)
    assert (call.complete, call.arguments) == (False, '{"a":"b"}')


def test_pieces_of_a_call_without_a_name_are_the_upstreams_fault() -> None:
    stream = sse(arguments({"jsonPath": "$.a", "stringValue": "b"}), END)
    assert failure(events_of(stream)).kind == "upstream_error"


@pytest.mark.parametrize("path", ["", "$", "a", "$[0]", "$.a[9]", "$.a[x]", "$.a['b", "$.s.t", "$" + ".a" * 100])
def test_a_piece_without_a_place_is_the_upstreams_fault(path: str) -> None:
    call = {"name": "f", "willContinue": True}
    first = arguments({"jsonPath": "$.s", "stringValue": "x"}, **call)
    fault = failure(events_of(sse(first, arguments({"jsonPath": path, "stringValue": "x"}), END)))
    assert (fault.kind, fault.whose) == ("upstream_error", "upstream")
