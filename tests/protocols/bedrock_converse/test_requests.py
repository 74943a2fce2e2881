"""What goes out: the vendor's own requests, and each rule of the service."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from tests.protocols.bedrock_converse.oracle import serialized
from tests.protocols.bedrock_converse.requests import ABLE, HI, PNG, asked, content, encode, says

from twoapi import ir
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.counting import COUNTINGS
from twoapi.protocols.registry import UPSTREAM_CODECS

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]
CAPTURES = Path(__file__).parents[2] / "captures" / "botocore-1.44.5"
NAME = "bedrock-converse"
SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')
TOOL = ir.Tool(name="get_weather", description="d", schema=ir.Schema(SCHEMA), at="/tools/0")
CALL = ir.ToolCall(id="tooluse_1", name="get_weather", arguments='{"city":"x"}')
RESULT = ir.ToolResult(call_id="tooluse_1", content=[ir.Text(text="ok")])
REASONED = ir.Reasoning(text="hm", opaque=(ir.Opaque("signature", "c2ln", ir.Origin(NAME)),))


# --- The vendor's own requests


def captured(case: str) -> Any:
    return json.loads((CAPTURES / f"{case}.json").read_text())["requests"][0]


def as_text(body: Any) -> Any:
    """A result in JSON and the same JSON as text mean the same to a model."""
    if isinstance(body, dict):
        if set(body) == {"json"} and isinstance(body["json"], dict) and "type" not in body["json"]:
            return {"text": json.dumps(body["json"], separators=(",", ":"))}
        return {name: as_text(value) for name, value in body.items()}
    return [as_text(value) for value in body] if isinstance(body, list) else body


@pytest.mark.parametrize("case", ["converse", "converse_stream"])
def test_a_captured_request_of_the_vendors_client(case: str) -> None:
    result = ir.ToolResult(call_id="tooluse_1", content=[ir.Text(text='{"t":1}')], is_error=False, cache=ir.CacheMark())
    request = asked(
        says("system", "sys"),
        says("user", "hi", ir.Media(kind="image", source=ir.Base64(PNG), mime="image/png")),
        says("assistant", CALL),
        says("user", result),
        tools=[TOOL],
        tool_choice=ir.ToolChoice(mode="auto"),
        sampling=ir.Sampling(max_tokens=64, temperature=0.5, top_p=0.9, stop=["END"]),
        stream=case == "converse_stream",
    )
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    outgoing = CONVERSE.encode_request(request, model, Capabilities(), []).outgoing
    expected = captured(case)
    thinking = expected["json"].pop("additionalModelRequestFields")
    assert json.loads(outgoing.body) == as_text(expected["json"])
    assert outgoing.path == expected["path"]
    # The captured one asks for more thinking than it leaves room for.
    request = asked(HI, reasoning=ir.ReasoningConfig(mode="manual", budget=1024))
    assert encode(request)[0]["additionalModelRequestFields"] == thinking


@pytest.mark.parametrize(("case", "text"), [("converse_bearer", "hi"), ("converse_stream_midstream_error", "boom")])
def test_the_least_captured_requests(case: str, text: str) -> None:
    assert encode(asked(says("user", text)))[0] == captured(case)["json"]


def test_a_captured_request_for_a_count() -> None:
    outgoing = CONVERSE.encode_request(asked(HI, sampling=ir.Sampling(max_tokens=5)), "anthropic.x", ABLE, []).outgoing
    counted = COUNTINGS[NAME].asked(outgoing)
    expected = captured("count_tokens")
    assert (counted.path, json.loads(counted.body)) == (expected["path"], expected["json"])
    assert COUNTINGS[NAME].count(b'{"inputTokens":7}') == 7
    assert COUNTINGS[NAME].count(COUNTINGS[NAME].answer(7)) == 7


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30), st.booleans())
def test_the_path_is_the_one_of_the_vendors_client(model: str, stream: bool) -> None:  # noqa: FBT001
    outgoing = CONVERSE.encode_request(asked(HI, stream=stream), model, ABLE, []).outgoing
    given_params = {"modelId": model, "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    path, body = serialized(given_params, "ConverseStream" if stream else "Converse")
    assert (outgoing.path, json.loads(outgoing.body)) == (path, body)


# --- Turns


def test_turns_alternate() -> None:
    body, losses = encode(asked(HI, says("user", "there"), says("assistant", "a"), says("assistant", "b"), HI))
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "hi"}, {"text": "there"}]},
        {"role": "assistant", "content": [{"text": "a"}, {"text": "b"}]},
        {"role": "user", "content": [{"text": "hi"}]},
    ]
    assert losses == [("/messages/1", "info"), ("/messages/3", "info")]


def test_the_user_speaks_first() -> None:
    body, losses = encode(asked(says("assistant", "a"), HI))
    assert body["messages"][0] == {"role": "user", "content": [{"text": "."}]}
    assert losses == [("/messages/0", "synthesized")]


def test_instructions_stand_in_front() -> None:
    body, losses = encode(asked(says("developer", "one"), HI, says("system", "two"), says("assistant", "a"), HI))
    assert body["system"] == [{"text": "one"}, {"text": "two"}]
    assert losses == [("/messages/2", "moved")]


def test_blank_texts_are_left_out() -> None:
    body, losses = encode(asked(says("user", "hi", "", " \n"), says("assistant", ""), HI))
    assert body["messages"] == [{"role": "user", "content": [{"text": "hi"}, {"text": "hi"}]}]
    assert ("/messages/0/content/2", "dropped") in losses


def test_without_a_word_there_is_no_request() -> None:
    with pytest.raises(ir.FaultError, match="at least one message"):
        encode(asked(says("system", "only")))


def test_an_answer_is_gone_on_from_without_white_space_at_its_end() -> None:
    request = asked(HI, says("assistant", "It is \n"))
    found, losses = content(request)
    assert found == [{"text": "It is"}]
    assert losses == [("/messages/1", "approximated")]
    with pytest.raises(ir.FaultError, match="cannot go on"):
        encode(request, prefill=False)


def test_names_and_phases_are_reported() -> None:
    message = ir.Message("user", [ir.Text(text="x")], name="ann", phase="commentary")
    assert encode(asked(message))[1] == [("/messages/0/name", "dropped"), ("/messages/0/phase", "dropped")]


# --- Calls


def test_a_history_with_calls_has_declarations() -> None:
    body, losses = encode(asked(HI, says("assistant", CALL), says("tool", RESULT)))
    spec = {"name": "get_weather", "inputSchema": {"json": {"type": "object", "properties": {}}}}
    assert body["toolConfig"] == {"tools": [{"toolSpec": spec}]}
    assert losses == [("/messages/1/content/0", "synthesized")]


def test_an_id_that_comes_again_is_another() -> None:
    body, losses = encode(
        asked(HI, says("assistant", CALL), says("tool", RESULT), says("assistant", CALL), says("tool", RESULT))
    )
    calls = [body["messages"][n]["content"][0]["toolUse"]["toolUseId"] for n in (1, 3)]
    results = [body["messages"][n]["content"][0]["toolResult"]["toolUseId"] for n in (2, 4)]
    assert calls == results
    assert calls[0] == "tooluse_1" != calls[1]
    assert ("/messages/3/content/0", "info") in losses
    longer, _ = encode(
        asked(HI, says("assistant", CALL), says("tool", RESULT), says("assistant", CALL), says("tool", RESULT), HI)
    )
    assert longer["messages"][3] == body["messages"][3], "prompt caches need the same prefix"


def test_ids_are_of_the_services_alphabet() -> None:
    call, result = ir.ToolCall(id="a b/ü" * 30, name="f"), ir.ToolResult(call_id="a b/ü" * 30)
    body, _ = encode(asked(HI, says("assistant", call), says("tool", result)))
    made = body["messages"][1]["content"][0]["toolUse"]
    assert made["toolUseId"] == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
    assert len(made["toolUseId"]) <= 64
    assert made["input"] == {}


def test_results_come_first_and_are_joined() -> None:
    other = ir.ToolCall(id="two", name="f", arguments="[1]")
    body, losses = encode(
        asked(
            HI,
            says("assistant", CALL, other),
            says("tool", ir.ToolResult(call_id="two", content=[], is_error=True)),
            says("tool", RESULT),
            says("user", "so?"),
        )
    )
    assert body["messages"][1]["content"][1]["toolUse"]["input"] == {"_raw": "[1]"}
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "two", "content": [], "status": "error"}},
        {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "ok"}]}},
        {"text": "so?"},
    ]
    assert ("/messages/1/content/1", "emulated") in losses
    assert ("/messages/4", "info") not in losses


def test_a_call_without_a_result_is_refused() -> None:
    with pytest.raises(ir.FaultError, match="has no result"):
        encode(asked(HI, says("assistant", CALL), HI))


def test_names_of_tools_are_of_the_services_alphabet_and_come_back() -> None:
    tool = ir.Tool(name="get weather/ü", at="/tools/0")
    encoded = CONVERSE.encode_request(asked(HI, tools=[tool]), "m", ABLE, [])
    name = json.loads(encoded.outgoing.body)["toolConfig"]["tools"][0]["toolSpec"]["name"]
    assert encoded.restore.names == {name: "get weather/ü"}


@pytest.mark.parametrize(
    ("choice", "expected", "losses"),
    [
        (ir.ToolChoice(mode="auto"), {"auto": {}}, []),
        (ir.ToolChoice(mode="required"), {"any": {}}, []),
        (ir.ToolChoice(mode="named", names=["get_weather"], kinds=["function"]), {"tool": {"name": "get_weather"}}, []),
    ],
    ids=["auto", "required", "named"],
)
def test_choices(choice: ir.ToolChoice, expected: Any, losses: list[tuple[str, str]]) -> None:
    body, found = encode(asked(HI, tools=[TOOL], tool_choice=choice))
    assert body["toolConfig"]["toolChoice"] == expected
    assert found == losses


def test_a_choice_that_the_model_does_not_take() -> None:
    request = asked(HI, tools=[TOOL], tool_choice=ir.ToolChoice(mode="required"))
    body, losses = encode(request, tool_choices=("auto",))
    assert body["toolConfig"]["toolChoice"] == {"auto": {}}
    assert losses == [("/tool_choice", "unsupported")]


def test_there_is_no_choice_of_none() -> None:
    none = ir.ToolChoice(mode="none")
    body, losses = encode(asked(HI, tools=[TOOL], tool_choice=none))
    assert "toolConfig" not in body
    assert losses == [("/tool_choice", "emulated"), ("/tools/0", "info")]
    body, losses = encode(asked(HI, says("assistant", CALL), says("tool", RESULT), tools=[TOOL], tool_choice=none))
    assert list(body["toolConfig"]) == ["tools"]
    assert losses == [("/tool_choice", "approximated")]
    assert encode(asked(HI, tool_choice=none))[1] == [("/tool_choice", "info")]


def test_free_text_tools_become_functions() -> None:
    tool = ir.Tool(kind="custom", name="patch", grammar=ir.Grammar("lark", "start: x"), at="/tools/0")
    body, losses = encode(asked(HI, tools=[tool]))
    spec = body["toolConfig"]["tools"][0]["toolSpec"]
    assert spec["description"] == "start: x"
    assert spec["inputSchema"]["json"]["required"] == ["input"]
    assert losses == [("/tools/0", "emulated")]


def test_tools_of_other_vendors_are_reported() -> None:
    tool = ir.Tool(kind="server", name="web", type="web_search", protocol="x", raw=Raw(b"{}"), at="/tools/0")
    body, losses = encode(asked(HI, tools=[tool]))
    assert "toolConfig" not in body
    assert losses == [("/tools/0", "unsupported")]


@pytest.mark.parametrize("others", [[], [TOOL]], ids=["alone", "beside one of the client's"])
def test_a_tool_of_another_vendor_cannot_be_chosen(others: list[ir.Tool]) -> None:
    tool = ir.Tool(kind="server", name="web", type="web_search", protocol="x", raw=Raw(b"{}"), at="/tools/1")
    choice = ir.ToolChoice(mode="named", names=["web"], kinds=["server"])
    with pytest.raises(ir.FaultError, match="no tool 'web' to choose") as caught:
        encode(asked(HI, tools=[*others, tool], tool_choice=choice))
    assert caught.value.fault.param == "/tool_choice"


@pytest.mark.parametrize("schema", [b'{"type":"string"}', b"true", b"[]"])
def test_the_schema_of_a_tool_is_an_objects(schema: bytes) -> None:
    with pytest.raises(ir.FaultError, match="must be a JSON Schema object"):
        encode(asked(HI, tools=[ir.Tool(name="f", schema=ir.Schema(Raw(schema)), at="/tools/0")]))
    loose = ir.Tool(name="f", schema=ir.Schema(Raw(b'{"type":["object","null"]}')), at="/tools/0")
    body, losses = encode(asked(HI, tools=[loose]))
    assert body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"] == {"type": "object"}
    assert losses == [("/tools/0", "schema")]


# --- State


def test_reasoning_goes_back_to_its_maker_alone() -> None:
    hidden = ir.Reasoning(form="hidden", opaque=(ir.Opaque("redacted", "eA==", ir.Origin(NAME)),))
    foreign = ir.Reasoning(text="no", opaque=(ir.Opaque("signature", "x", ir.Origin("anthropic-messages")),))
    sealed = ir.Reasoning(text="no", opaque=(ir.Opaque("signature", "tw1.x", ir.Origin(NAME)),))
    bare = ir.Reasoning(text="no")
    body, losses = encode(asked(HI, says("assistant", REASONED, hidden, foreign, sealed, bare, "a"), HI))
    assert body["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "a"},
    ]
    assert losses == [(f"/messages/1/content/{n}", "reasoning_foreign") for n in (2, 3, 4)]


def test_earlier_citations_are_told() -> None:
    sources: list[ir.UrlSource | ir.DocumentSource | ir.SearchSource] = [
        ir.UrlSource("https://x.example", "X"),
        ir.DocumentSource(1, "D", None, "page", 2, 3),
        ir.SearchSource(0, "kb", None, 1, 2),
    ]
    text = ir.Text(text="so", citations=[ir.Citation(source, quoted="q") for source in sources])
    body, losses = encode(asked(HI, says("assistant", text), HI))
    quoted = [{"text": "q"}]
    assert body["messages"][1]["content"][0]["citationsContent"] == {
        "content": [{"text": "so"}],
        "citations": [
            {"title": "X", "sourceContent": quoted, "location": {"web": {"url": "https://x.example"}}},
            {
                "title": "D",
                "sourceContent": quoted,
                "location": {"documentPage": {"documentIndex": 1, "start": 2, "end": 3}},
            },
            {
                "source": "kb",
                "sourceContent": quoted,
                "location": {"searchResultLocation": {"searchResultIndex": 0, "start": 1, "end": 2}},
            },
        ],
    }
    assert losses == []
    body, losses = encode(asked(HI, says("assistant", text), HI), citations=False)
    assert body["messages"][1]["content"] == [{"text": "so"}]
    assert losses == [("/messages/1/content/0", "dropped")]


@pytest.mark.parametrize(
    "source", [ir.UrlSource("https://x.example", None, "Eidx"), ir.DocumentSource(0, None, "file_1", "page", 1, 2)]
)
def test_tokens_of_sources_are_for_their_vendor_alone(source: Any) -> None:
    text = ir.Text(text="so", citations=[ir.Citation(source, start=0, end=1)])
    body, losses = encode(asked(HI, says("assistant", text), HI))
    assert "Eidx" not in str(body)
    assert "file_1" not in str(body)
    assert losses == [("/messages/1/content/0", "approximated"), ("/messages/1/content/0", "dropped")]


def test_cache_marks_stand_behind_their_parts() -> None:
    mark, hour = ir.CacheMark(), ir.CacheMark(3600)
    tool = ir.Tool(name="f", cache=hour, at="/tools/0")
    body, losses = encode(
        asked(
            says("system", ir.Text(text="s", cache=mark)), says("user", ir.Text(text="", cache=mark), "u"), tools=[tool]
        )
    )
    assert body["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert body["system"] == [{"text": "s"}, {"cachePoint": {"type": "default"}}]
    assert body["messages"][0]["content"] == [{"text": "u"}, {"cachePoint": {"type": "default"}}]
    assert losses == [("/messages/1/content/0", "info"), ("/messages/1/content/0", "moved")]


def test_the_last_four_cache_marks_are_kept() -> None:
    marks = [ir.Text(text=str(n), cache=ir.CacheMark(3600 if n == 4 else 300)) for n in range(6)]
    found, losses = content(asked(says("user", *marks)))
    assert [next(iter(block)) for block in found] == ["text"] * 3 + ["cachePoint", "text"] * 3 + ["cachePoint"]
    assert [block["cachePoint"]["ttl"] for block in found if "cachePoint" in block] == ["1h", "1h", "1h", "5m"]
    assert [kind for _, kind in losses] == ["dropped", "dropped", "approximated", "approximated"]
    assert content(asked(says("user", marks[0])), cache_marks=False) == (
        [{"text": "0"}],
        [("/messages/0/content/0", "dropped")],
    )


def test_a_prompt_that_is_cached_by_itself_has_its_mark_at_the_end() -> None:
    found, losses = content(asked(HI, cache_auto=ir.CacheMark()))
    assert found == [{"text": "hi"}, {"cachePoint": {"type": "default"}}]
    assert losses == [("/cache_auto", "emulated")]
    assert content(asked(HI, cache_auto=ir.CacheMark()), cache_marks=False)[1] == [("/cache_auto", "dropped")]


def test_marks_of_what_does_not_go_out() -> None:
    mark, none = ir.CacheMark(), ir.ToolChoice(mode="none")
    tool = ir.Tool(name="f", cache=mark, at="/tools/0")
    body, losses = encode(asked(HI, tools=[tool], tool_choice=none))
    assert "toolConfig" not in body
    assert ("/tools/0", "dropped") in losses
    allowed = ir.ToolChoice(mode="auto", names=["g"], kinds=["function"], allowed=True)
    body, losses = encode(asked(HI, tools=[tool, ir.Tool(name="g", at="/tools/1")], tool_choice=allowed))
    assert [next(iter(one)) for one in body["toolConfig"]["tools"]] == ["toolSpec", "cachePoint"]
    assert ("/tools/0", "moved") in losses
    nothing = ir.SearchResult(cache=mark)
    found, losses = content(asked(says("user", nothing, "hi")), citations=False)
    assert found == [{"text": "hi"}, {"cachePoint": {"type": "default"}}]
    assert ("/messages/0/content/0", "moved") in losses
    blocks = ir.Media(kind="file", title="a", source=ir.Blocks([ir.Text(text="one", cache=mark)]))
    found, _ = content(asked(says("user", blocks, "hi")))
    assert [next(iter(one)) for one in found] == ["document", "cachePoint", "text"]
