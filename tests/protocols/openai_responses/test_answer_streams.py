"""Streams of upstreams that keep the protocol loosely, and what clients are sent of other protocols' answers."""

import json
from typing import Any

import pytest
from tests.protocols.openai_responses.answers import (
    NAME,
    context,
    documents,
    events_of,
    folded,
    judged,
    sse,
    stream_of,
)

from twoapi import ir
from twoapi.ir.assemble import unfold
from twoapi.protocols.base import Restore
from twoapi.protocols.openai_responses.items import is_minted
from twoapi.protocols.sealing import PLAIN

CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 5, "output": []}}


def delta(text: str, index: int = 0, **place: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": text, **place}


def message(text: str, item_id: str = "msg_1", **members: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": content, **members}


def call(arguments: Any = "{}", **members: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": arguments, **members}


def added(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(item: dict[str, Any], index: int = 0) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def completed(*output: dict[str, Any], status: str = "completed", **members: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"id": "resp_1", "status": status, "output": output, **members}}


def texts(response: ir.Response) -> list[str]:
    return [ir.plain(part.text) for part in response.candidates[0].parts if isinstance(part, ir.Text)]


# --- decoding


def test_a_terminal_event_alone_is_a_whole_answer() -> None:
    response = folded(completed(message("hi"), call('{"a":1}')))

    assert texts(response) == ["hi"]
    assert response.candidates[0].stop == ir.StopReason(kind="tool_use", raw="completed")


@pytest.mark.parametrize("item_id", ["msg_1", "msg_other"])
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_repeated_is_not_said_twice(item_id: str, *, whole: bool) -> None:
    events = [CREATED, added(message("", content=[])), delta("a"), delta("b")]
    if whole:
        events += [{"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "ab"}]
        events += [done(message("ab"))]

    response = folded(*events, completed(message("ab", item_id)))

    assert texts(response) == ["ab"]


def test_a_call_that_is_repeated_is_one_call() -> None:
    fragment = {
        "type": "response.function_call_arguments.delta",
        "item_id": "fc_1",
        "output_index": 0,
        "delta": '{"a":1}',
    }
    again = call('{"a":1}', id="fc_new")

    response = folded(CREATED, added(call("")), fragment, done(call('{"a":1}')), completed(again))

    (found,) = response.candidates[0].parts
    assert isinstance(found, ir.ToolCall)
    assert (found.id, found.arguments) == ("call_1", '{"a":1}')


def test_an_empty_terminal_output_keeps_what_was_streamed() -> None:
    response = folded(CREATED, added(message("", content=[])), delta("a"), done(message("a")), completed())

    assert texts(response) == ["a"]


def test_an_item_that_is_done_without_its_text_keeps_what_was_streamed() -> None:
    hollow = message("", content=[])

    assert texts(folded(CREATED, added(hollow), delta("a"), done(hollow), completed(hollow))) == ["a"]
    blank = message("")
    assert texts(folded(CREATED, added(hollow), delta("a"), done(blank), completed(blank))) == ["a"]


def test_deltas_without_items_are_read() -> None:
    response = folded(delta("a", item_id="x"), delta("b", item_id="x"), completed())

    assert texts(response) == ["ab"]


def test_what_was_cut_in_the_deltas_is_completed_from_the_end() -> None:
    assert texts(folded(CREATED, added(message("", content=[])), delta("a"), completed(message("abc")))) == ["abc"]


def test_frames_without_event_lines_and_a_foreign_end_mark_are_read() -> None:
    stream = sse(CREATED, delta("a"), {"type": "response.new_thing"}, completed(), named=False)

    events = events_of(stream + b"data: [DONE]\n\n")

    assert isinstance(events[-1], ir.End)


def test_items_may_be_open_at_the_same_time_and_all_have_one_index() -> None:
    one, two = message("", "msg_1", content=[]), message("", "msg_2", content=[])
    events = [added(one), added(two), delta("a", item_id="msg_1"), delta("b", item_id="msg_2")]
    events += [delta("a", item_id="msg_1"), done(message("aa", "msg_1")), done(message("bb", "msg_2"))]

    assert texts(folded(CREATED, *events, completed())) == ["aa", "bb"]


@pytest.mark.parametrize("arguments", [{"a": 1}, None])
def test_arguments_that_are_no_text_are_spelled(arguments: Any) -> None:
    response = folded(completed(call(arguments, call_id=None)))

    (found,) = response.candidates[0].parts
    assert isinstance(found, ir.ToolCall)
    assert (found.id, found.arguments) == ("fc_1", json.dumps(arguments) if arguments else "")


def test_arguments_of_a_call_that_never_began_are_a_failure() -> None:
    fragment = {"type": "response.function_call_arguments.delta", "item_id": "fc_9", "delta": "{}"}

    events = events_of(sse(CREATED, fragment, completed()))

    assert isinstance(events[-1], ir.Failed)


def test_a_stream_without_its_terminal_event_has_failed() -> None:
    events = events_of(sse(CREATED, added(message("", content=[])), delta("a"), done(message("a"))))

    assert isinstance(events[-1], ir.Failed)
    assert events[-1].fault.code == "stream_truncated"


@pytest.mark.parametrize(
    ("event", "kind", "message_"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "slow"}, "rate_limited", "slow"),
        ({"type": "error", "error": {"type": "server_error", "message": "x"}}, "upstream_error", "x"),
        ({"type": "error", "code": "context_length_exceeded", "message": "long"}, "context_length", "long"),
        (completed(status="failed", error={"code": "server_is_overloaded", "message": "o"}), "overloaded", "o"),
        (completed(status="failed", error={"code": "insufficient_quota", "message": "q"}), "quota_exhausted", "q"),
        (completed(status="completed", error={"code": "invalid_prompt", "message": "p"}), "invalid_request", "p"),
    ],
)
def test_errors_are_faults(event: dict[str, Any], kind: str, message_: str) -> None:
    failed = events_of(sse(CREATED, event))[-1]

    assert isinstance(failed, ir.Failed)
    assert (failed.fault.kind, failed.fault.message) == (kind, message_)


@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ({"reason": "max_output_tokens"}, "max_tokens"),
        ({"reason": "content_filter"}, "content_filter"),
        (None, "other"),
    ],
)
def test_an_incomplete_answer_says_why_and_what_it_cost(details: Any, kind: str) -> None:
    usage = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3}
    end = completed(message("a"), status="incomplete", incomplete_details=details, usage=usage)

    response = folded(CREATED, delta("a"), end)

    assert response.candidates[0].stop is not None
    assert response.candidates[0].stop.kind == kind
    assert response.usage is not None
    assert (response.usage.input, response.usage.cache_read, response.usage.output) == (5, 4, 3)


def test_names_ids_and_free_texts_are_given_back() -> None:
    restore = Restore(names={"short": "the long one"}, custom=frozenset({"the long one"}), call_ids={"call_1": "toolu"})
    fragment = {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 0, "delta": '{"in'}
    whole = call('{"input":"*** Begin"}', name="short")

    streamed = folded(added(call("", name="short")), fragment, done(whole), completed(whole), restore=restore)

    assert streamed.candidates[0].parts == folded(completed(whole), restore=restore).candidates[0].parts
    (found,) = streamed.candidates[0].parts
    assert isinstance(found, ir.ToolCall)
    assert (found.id, found.name, found.kind, found.arguments) == ("toolu", "the long one", "custom", "*** Begin")


def test_sealed_reasoning_comes_from_the_end_of_its_item() -> None:
    begun = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAA-partial"}
    ended = {**begun, "encrypted_content": "gAA-final"}

    response = folded(CREATED, added(begun), done(ended), completed(ended))

    (found,) = response.candidates[0].parts
    assert isinstance(found, ir.Reasoning)
    assert found.opaque == (ir.Opaque("encrypted_reasoning", "gAA-final", ir.Origin(NAME)),)


# --- encoding: answers of other protocols

SIGNED = ir.Opaque("signature", "c2ln", ir.Origin("anthropic-messages"))


def answer(*parts: ir.Part, stop: Any = "stop", **members: Any) -> list[ir.Event]:
    reason = ir.StopReason(kind=stop) if isinstance(stop, str) else stop  # type: ignore[arg-type]  # a kind
    candidate = ir.Candidate(0, list(parts), reason)
    usage = ir.Usage(input=1, output=2)
    whole = ir.Response(protocol="anthropic-messages", id="msg_x", model="m", candidates=[candidate], usage=usage)
    return list(unfold(whole))


def terminal(events: list[ir.Event], losses: list[ir.Loss] | None = None, **fields: Any) -> dict[str, Any]:
    stream = stream_of(events, context(**fields), losses)
    judged(stream)
    last: dict[str, Any] = documents(stream)[-1]
    return last


@pytest.mark.parametrize("asked", [{"store": False}, {"include": ["reasoning.encrypted_content"]}])
def test_foreign_reasoning_is_a_summary_with_a_carrier(asked: dict[str, Any]) -> None:
    (item,) = terminal(answer(ir.Reasoning(text="hm", opaque=(SIGNED,))), **asked)["response"]["output"]

    assert item["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert PLAIN.open(item["encrypted_content"]) == (SIGNED,)
    assert is_minted(item["id"])


def test_a_carrier_that_nobody_asked_for_is_not_sent() -> None:
    losses: list[ir.Loss] = []

    (item,) = terminal(answer(ir.Reasoning(text="hm", opaque=(SIGNED,))), losses, store=True)["response"]["output"]

    assert "encrypted_content" not in item
    assert [loss.kind for loss in losses] == ["info"]


def test_the_state_of_a_call_has_an_item_of_its_own() -> None:
    signature = ir.Opaque("thought_signature", "c2ln", ir.Origin("gemini"))
    header = ir.ToolCall(id="c", name="f", opaque=(signature,))
    events: list[ir.Event] = [ir.PartStart(0, 0, header), ir.Delta(0, 0, "{}"), ir.PartEnd(0, 0)]
    end: list[ir.Event] = [ir.Finish(0, ir.StopReason(kind="tool_use")), ir.End()]

    output = terminal([ir.Start(id="", model="m", protocol="gemini"), *events, *end], store=False)["response"]["output"]

    assert [item["type"] for item in output] == ["reasoning", "function_call"]
    assert PLAIN.open(output[0]["encrypted_content"]) == (signature,)


def test_a_flat_name_goes_back_to_its_namespace() -> None:
    tool = {"type": "function", "name": "js", "parameters": {"type": "object", "properties": {}}, "strict": False}
    namespace = {"type": "namespace", "name": "repl", "description": "d", "tools": [tool]}

    for name in ("js", "repl__js"):
        (item,) = terminal(answer(ir.ToolCall(id="c", name=name, arguments="{}")), tools=[namespace])["response"][
            "output"
        ]
        assert (item["name"], item["namespace"]) == ("js", "repl")


def test_parts_that_are_open_at_the_same_time_are_items_in_order() -> None:
    events: list[ir.Event] = [
        ir.Start(id="x", model="m", protocol="openai-chat"),
        ir.PartStart(0, 0, ir.ToolCall(id="a", name="f")),
        ir.PartStart(0, 1, ir.ToolCall(id="b", name="g", kind="custom")),
        ir.Delta(0, 1, "free"),
        ir.Delta(0, 0, '{"x":'),
        ir.Delta(0, 0, "1}"),
        ir.PartEnd(0, 1),
        ir.PartEnd(0, 0),
        ir.Finish(0, ir.StopReason(kind="tool_use")),
        ir.End(),
    ]

    output = terminal(events)["response"]["output"]

    assert [(item["type"], item.get("arguments", item.get("input"))) for item in output] == [
        ("function_call", '{"x":1}'),
        ("custom_tool_call", "free"),
    ]


def test_citations_and_log_probabilities_stand_in_the_text() -> None:
    text = ir.Text(
        text="北京 is",
        citations=[
            ir.Citation(ir.UrlSource("https://w.example", "W"), 0, 2),
            ir.Citation(ir.SearchSource(0, "https://s.example", "S")),
            ir.Citation(ir.DocumentSource(0, "D")),
        ],
        logprobs=[ir.TokenLogprob("北", -0.5)],
    )
    losses: list[ir.Loss] = []

    (item,) = terminal(answer(text), losses)["response"]["output"]

    (part,) = item["content"]
    assert [(one["start_index"], one["end_index"], one["url"]) for one in part["annotations"]] == [
        (0, 2, "https://w.example"),
        (0, 5, "https://s.example"),
    ]
    assert part["logprobs"] == [{"token": "北", "logprob": -0.5, "bytes": [229, 140, 151], "top_logprobs": []}]
    assert [loss.detail for loss in losses] == ["a citation without a URL"]


@pytest.mark.parametrize(
    ("stop", "event", "details", "status"),
    [
        ("stop", "completed", None, "completed"),
        ("max_tokens", "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        ("context_window", "incomplete", {"reason": "max_output_tokens"}, "incomplete"),
        ("content_filter", "incomplete", {"reason": "content_filter"}, "incomplete"),
        ("pause", "incomplete", None, "completed"),
        ("other", "completed", None, "completed"),
    ],
)
def test_a_stop_reason_is_a_status(stop: str, event: str, details: Any, status: str) -> None:
    last = terminal(answer(ir.Text(text="a"), stop=stop))

    assert (last["type"], last["response"]["status"]) == (f"response.{event}", event)
    assert last["response"]["incomplete_details"] == details
    assert last["response"]["output"][0]["status"] == status


def test_a_filter_that_explains_itself_is_a_refusal() -> None:
    stop = ir.StopReason(kind="content_filter", detail="no biology")

    last = terminal(answer(stop=stop))

    assert last["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "no biology"}]


@pytest.mark.parametrize(
    ("stop", "code"), [("malformed_call", "server_error"), ("context_window", "context_length_exceeded")]
)
def test_an_answer_that_is_none_fails(stop: str, code: str) -> None:
    last = terminal(answer(stop=stop))

    assert (last["type"], last["response"]["error"]["code"]) == ("response.failed", code)


def test_a_stream_that_breaks_off_tells_what_was_said() -> None:
    fault = ir.Fault("overloaded", "busy", whose="upstream")
    events = [*answer(ir.Text(text="half"))[:3], ir.Failed(fault)]

    last = terminal(events)

    assert last["response"]["error"] == {"code": "server_is_overloaded", "message": "busy"}
    assert last["response"]["output"][0]["content"][0]["text"] == "half"
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_the_settings_of_the_request_are_repeated() -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}, "strict": True}
    settings: dict[str, Any] = {
        "instructions": "Be brief.",
        "tools": [tool],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": False,
        "temperature": 0.5,
        "max_output_tokens": 99,
        "metadata": {"a": "b"},
        "store": False,
        "truncation": "auto",
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "prompt_cache_key": "k",
        "safety_identifier": "s",
    }

    response = terminal(answer(ir.Text(text="a")), **settings)["response"]

    assert {name: response[name] for name in settings} == settings
    assert response["usage"]["total_tokens"] == 3


def test_a_second_candidate_and_a_foreign_tool_are_reported() -> None:
    losses: list[ir.Loss] = []
    second: list[ir.Event] = [ir.PartStart(1, 0, ir.Text()), ir.Delta(1, 0, "b"), ir.PartEnd(1, 0)]
    events = answer(ir.Text(text="a"), ir.ServerTool(protocol="anthropic-messages", tool="web_search", at="/content/1"))

    output = terminal([*events[:1], *second, *events[1:]], losses)["response"]["output"]

    assert len(output) == 1
    assert {(loss.path, loss.kind) for loss in losses} == {("/choices/1", "dropped"), ("/content/1", "dropped")}


def test_a_picture_is_the_result_of_a_tool() -> None:
    picture = ir.Media(kind="image", source=ir.Base64("aGk="), mime="image/png", at="/p/1")
    losses: list[ir.Loss] = []

    message_, painted = terminal(answer(ir.Text(text="here"), picture), losses)["response"]["output"]

    assert message_["type"] == "message"
    assert (painted["type"], painted["status"], painted["result"]) == ("image_generation_call", "completed", "aGk=")
    assert [(loss.path, loss.kind) for loss in losses] == [("/p/1", "emulated")]
