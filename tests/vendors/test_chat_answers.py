"""What chat-compatible vendors tell otherwise, read as what it means."""

import json
from typing import Any

import pytest
from tests.vendors.deviations import (
    CHAT,
    CODEC,
    HI,
    MESSAGES,
    declared,
    sent,
)

from twoapi.ir import Citation, FaultError, Loss, Reasoning, Response, Text, UrlSource
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.testing.canned import PATHS
from twoapi.wire.http import Incoming

Json = Any  # a parsed JSON document


def answer(message: Json, *, finish: str | None = "stop", choice: Json | None = None, **more: Json) -> Json:
    one = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, **(choice or {})}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "a",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [one],
        "usage": usage,
        **more,
    }


def chunk(delta: Json, *, finish: str | None = None, choice: Json | None = None, **more: Json) -> Json:
    one = {"index": 0, "delta": delta, "finish_reason": finish, **(choice or {})}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [one], **more}


def stream(*chunks: Json, done: bool = True) -> bytes:
    body = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)
    return body + b"data: [DONE]\n\n" if done else body


def whole(name: str, model: str, body: Json) -> Response:
    return CODEC.decode_response(json.dumps(body).encode(), Restore(capabilities=declared(name, model)))


def streamed(name: str, model: str, data: bytes, step: int | None = None) -> Response:
    decoder = CODEC.stream_decoder(Restore(capabilities=declared(name, model)))
    pieces = [data] if step is None else [data[i : i + step] for i in range(0, len(data), step)]
    return fold([*(event for piece in pieces for event in decoder.feed(piece)), *decoder.close()])


def said(response: Response) -> list[tuple[str, str]]:
    return [
        (type(part).__name__, str(part.text))
        for part in response.candidates[0].parts
        if isinstance(part, Text | Reasoning)
    ]


def test_usage_inside_a_choice_is_read_once() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 4}
    last = chunk({}, finish="stop", choice={"usage": usage})
    for more in ([], [{**chunk({}), "choices": [], "usage": usage}]):
        found = streamed("moonshot", "kimi-k2", stream(chunk({"content": "hi"}), last, *more)).usage
        assert found is not None
        assert (found.input, found.cache_read, found.output) == (6, 4, 5)


def test_usage_beside_the_chunk_is_read() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    last = chunk({}, finish="stop", x_groq={"id": "r", "usage": usage})
    found = streamed("groq", "m", stream(chunk({"content": "hi"}), last)).usage
    assert found is not None
    assert (found.input, found.output) == (10, 5)


def test_reasoning_beside_the_completion_is_not_taken_from_it() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 20}}
    body = answer({"content": "hi"}, usage=usage)
    found = {name: whole(name, "m", body).usage for name in ("xai", "groq")}
    assert [(one.output, one.reasoning) for one in found.values() if one] == [(50, 20), (30, 20)]


def test_the_hit_and_the_miss_of_a_cache_are_the_input() -> None:
    usage = {"prompt_tokens": 10, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3, "completion_tokens": 5}
    found = whole("deepseek", "m", answer({"content": "hi"}, usage=usage)).usage
    assert found is not None
    assert (found.input, found.cache_read) == (3, 7)


@pytest.mark.parametrize(("name", "cost"), [("openrouter", 0.25), ("perplexity", {"total_cost": 0.25})])
def test_a_price_that_is_told_is_kept(name: str, cost: Json) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": cost, "num_search_queries": 2}
    body = answer({"content": "hi"}, usage=usage)
    last = chunk({}, finish="stop", usage=usage)
    for response in (whole(name, "m", body), streamed(name, "m", stream(chunk({"content": "hi"}), last))):
        assert response.usage is not None
        assert response.usage.cost == 0.25
        assert response.usage.server_tools == {"web_search": 2}
        losses: list[Loss] = []
        CODECS[MESSAGES].encode_response(response, asked_of(MESSAGES), losses)
        assert [loss.path for loss in losses if "cost" in loss.path] == ["/usage" + declared(name, "m").cost_at]  # type: ignore[operator]
        again = json.loads(CODEC.encode_response(response, asked_of(CHAT), []))
        assert again["usage"]["cost"] == cost
    assert whole("groq", "m", body).usage.cost is None  # type: ignore[union-attr]


SOURCES = [
    ("perplexity", {"search_results": [{"title": "T", "url": "https://a.example", "date": "2026-01-01"}],
                    "citations": ["https://a.example"]}, "T"),
    ("perplexity", {"citations": ["https://a.example"]}, None),
    ("xai", {"citations": ["https://a.example"]}, None),
    ("zhipu", {"web_search": [{"title": "T", "link": "https://a.example", "content": "c", "refer": "ref_1"}]}, "T"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "members", "title"), SOURCES)
def test_sources_are_citations_of_the_text(name: str, members: Json, title: str | None) -> None:
    body = answer({"content": "It is."}, **members)
    data = stream(chunk({"content": "It "}, **members), chunk({"content": "is."}, **members), chunk({}, finish="stop"))
    for response in (whole(name, "m", body), streamed(name, "m", data), streamed(name, "m", data, 7)):
        (text,) = response.candidates[0].parts
        assert isinstance(text, Text)
        assert text.citations == [Citation(UrlSource("https://a.example", title))]
        assert not response.extras


def test_sources_without_a_text_are_reported() -> None:
    body = answer({"content": None, "refusal": "no"}, citations=["https://a.example"])
    assert "/citations" in whole("xai", "m", body).extras


TAGGED = [
    ("<think>Hm.</think>Yes.", [("Reasoning", "Hm."), ("Text", "Yes.")]),
    ("\n<think>\nHm.\n</think>\n\nYes <think>no</think>.", [("Reasoning", "Hm."), ("Text", "Yes <think>no</think>.")]),
    ("<think></think>Yes.", [("Text", "Yes.")]),
    ("<think>Hm < b </thin", [("Reasoning", "Hm < b </thin")]),
    ("Yes.", [("Text", "Yes.")]),
    ("<thinker> is a word", [("Text", "<thinker> is a word")]),
    ("<thi", [("Text", "<thi")]),
]


@pytest.mark.parametrize(("content", "parts"), TAGGED)
def test_reasoning_between_tags_is_reasoning_wherever_the_stream_is_cut(content: str, parts: Json) -> None:
    assert said(whole("perplexity", "sonar-reasoning", answer({"content": content}))) == parts
    for step in range(1, len(content) + 1):
        deltas = [chunk({"content": content[i : i + step]}) for i in range(0, len(content), step)]
        assert said(streamed("perplexity", "sonar-reasoning", stream(*deltas, chunk({}, finish="stop")))) == parts


def test_a_tag_that_only_closes_ends_reasoning_where_that_is_declared() -> None:
    capabilities = Capabilities(think_tags="closing")
    body = json.dumps(answer({"content": "Hm.</think>Yes."})).encode()
    response = CODEC.decode_response(body, Restore(capabilities=capabilities))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]


def test_tags_are_text_where_nothing_is_declared() -> None:
    assert said(whole("groq", "m", answer({"content": TAGGED[0][0]}))) == [("Text", TAGGED[0][0])]


def test_a_chunk_that_repeats_the_whole_answer_adds_nothing() -> None:
    repeated = answer({"content": "It is."})
    data = stream(chunk({"content": "It "}), chunk({"content": "is."}), repeated, done=False)
    assert said(streamed("minimax", "MiniMax-M2", data)) == [("Text", "It is.")]


ENTRIES = [
    {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
    {
        "type": "reasoning.encrypted",
        "data": "ZW5j",
        "id": "rs_1",
        "format": "openai-responses-v1",
        "index": 1,
        "x": 1.0,
    },
]


def test_entries_of_reasoning_come_back_byte_by_byte() -> None:
    message = {"content": "Yes.", "reasoning": "Hm.", "reasoning_details": ENTRIES}
    response = whole("openrouter", "m", answer(message))
    assert said(response)[0] == ("Reasoning", "Hm.")
    assert replayed("openrouter", response)["reasoning_details"] == ENTRIES
    raw = [opaque.data for part in response.candidates[0].parts for opaque in part.opaque]
    assert raw == [json.dumps(entry) for entry in ENTRIES]


@pytest.mark.parametrize("told", [False, True])
def test_entries_of_a_stream_come_back_joined(told: bool) -> None:  # noqa: FBT001
    def piece(text: str, **more: Json) -> Json:
        entry = {"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0, **more}
        return chunk({"reasoning_details": [entry], **({"reasoning": text} if told else {})})

    sealed = chunk({"reasoning_details": [ENTRIES[1]]})
    data = stream(
        piece("H"),
        piece("m."),
        piece("", signature="c2ln"),
        sealed,
        chunk({"content": "Yes."}),
        chunk({}, finish="stop"),
    )
    for step in (None, 1, 13):
        response = streamed("openrouter", "m", data, step)
        assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
        assert replayed("openrouter", response)["reasoning_details"] == ENTRIES
        assert not response.extras


def test_entries_of_another_vendor_stay_away() -> None:
    response = whole("openrouter", "m", answer({"content": "Yes.", "reasoning": "Hm.", "reasoning_details": ENTRIES}))
    message = replayed("groq", response)
    assert "reasoning_details" not in message
    assert message["reasoning"] == "Hm."


def test_entries_that_repeat_what_was_said_say_it_once() -> None:
    def piece(text: str) -> Json:
        return chunk({"reasoning_details": [{"type": "reasoning.text", "text": text, "index": 0}]})

    data = stream(piece("H"), piece("Hm"), piece("Hm."), chunk({"content": "Yes."}), chunk({}, finish="stop"))
    response = streamed("minimax", "MiniMax-M2", data)
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    entry = {"type": "reasoning.text", "text": "Hm.", "index": 0}
    assert replayed("minimax", response)["reasoning_details"] == [entry]


def asked_of(protocol: str) -> AnswerContext:
    """What a client of this protocol asked to get an answer."""
    small = {"model": "m", "max_tokens": 100, "messages": [HI]}
    asked = CODECS[protocol].decode_request(Incoming(PATHS[protocol], {}, json.dumps(small).encode()))
    return AnswerContext(asked, 1, "x")


def replayed(name: str, response: Response) -> Json:
    """The message of an answer, as it is after a client of Messages has had it in its hands."""
    seen = json.loads(CODECS[MESSAGES].encode_response(response, asked_of(MESSAGES), []))
    body, _ = sent(name, "m", MESSAGES, {"messages": [HI, {"role": "assistant", "content": seen["content"]}, HI]})
    return body["messages"][1]


CHUNKS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "c2ln", "closed": True},
    {"type": "text", "text": "Yes."},
    {"type": "reference", "reference_ids": [1]},
]


def test_reasoning_among_the_parts_of_the_content_comes_back_there() -> None:
    response = whole("mistral", "magistral-medium", answer({"content": CHUNKS}))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    assert replayed("mistral", response)["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "c2ln"},
        CHUNKS[1],
    ]
    assert set(response.extras) == {"/choices/0/message/content/2"}  # to be reported
    deltas = [
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "."}], "signature": "c2ln"}]},
        {"content": "Yes."},
        {"content": [CHUNKS[2]]},
    ]
    response = streamed("mistral", "magistral-medium", stream(*map(chunk, deltas), chunk({}, finish="stop")))
    assert said(response) == [("Reasoning", "Hm."), ("Text", "Yes.")]
    assert replayed("mistral", response)["content"][0]["signature"] == "c2ln"
    assert len(response.extras) == 1


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("sensitive", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("model_length", "context_window"),
        ("eos", "stop"),
        ("", "stop"),
    ],
)
def test_words_of_compatible_servers_for_the_end(word: str, kind: str) -> None:
    data = stream(chunk({"content": "hi"}), chunk({}, finish=word))
    for response in (whole("zhipu", "m", answer({"content": "hi"}, finish=word)), streamed("zhipu", "m", data)):
        stop = response.candidates[0].stop
        assert (stop.kind if stop is not None else "stop") == kind


@pytest.mark.parametrize("word", ["network_error", "insufficient_system_resource", "error", "abort", "timeout"])
def test_an_answer_that_ended_in_a_failure_is_one(word: str) -> None:
    with pytest.raises(FaultError) as raised:
        whole("zhipu", "m", answer({"content": "hi"}, finish=word))
    assert (raised.value.fault.kind, raised.value.fault.whose) == ("upstream_error", "upstream")
    broken = streamed("zhipu", "m", stream(chunk({"content": "hi"}), chunk({}, finish=word)))
    assert broken.fault is not None


@pytest.mark.parametrize("finish", ["", "stop"])
def test_a_call_ends_as_a_call_whatever_the_word(finish: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    response = whole("xai", "grok-4", answer({"content": "", "tool_calls": [call]}, finish=finish))
    stop = response.candidates[0].stop
    assert stop is None or stop.kind == "tool_use"
    data = stream(chunk({"tool_calls": [{"index": 0, **call}]}), chunk({}, finish=finish))
    stop = streamed("xai", "grok-4", data).candidates[0].stop
    assert stop is not None
    assert stop.kind == "tool_use"


def test_blank_lines_before_an_answer_are_nothing() -> None:
    body = b"\n\n\n" + json.dumps(answer({"content": "hi"})).encode()
    restore = Restore(capabilities=declared("deepseek", "deepseek-flash"))
    assert said(CODEC.decode_response(body, restore)) == [("Text", "hi")]
    data = b": keep-alive\n\n\n\n: keep-alive\n\n" + stream(chunk({"content": "hi"}), chunk({}, finish="stop"))
    assert said(streamed("deepseek", "deepseek-flash", data)) == [("Text", "hi")]
