"""Requests: what a client's body means, what goes out for it, and what is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from tests.protocols.gemini.requests import HI, PATH, call, decode, encode, foreign, result, said, says

from twoapi import ir
from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.decode_request import decode_request
from twoapi.protocols.gemini.encode_parts import SKIP
from twoapi.protocols.gemini.encode_request import encode_request
from twoapi.protocols.gemini.relay import relay_request
from twoapi.protocols.gemini.target import guess_model, peek
from twoapi.protocols.sealing import SEAL_PREFIX, to_base64
from twoapi.wire.http import Incoming

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}
ANSWER = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "x"}}}]}


def test_a_request_comes_back_as_it_was() -> None:
    body = json.loads((FIXTURES / "gemini.req.full.json").read_bytes())

    assert encode(decode(body)) == (body, [])


# --- Where it goes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "model", "stream"),
    [
        ("/v1beta/models/gemini-3-pro:generateContent", "gemini-3-pro", False),
        ("/v1/models/gemini-3-pro:streamGenerateContent", "gemini-3-pro", True),
        ("/gemini/v1beta/models/models/gemini-3-pro:generateContent", "gemini-3-pro", False),
        ("/v1beta/tunedModels/mine:generateContent", "tunedModels/mine", False),
        ("/v1beta/models/vendor/llama3:8b:streamGenerateContent", "vendor/llama3:8b", True),
        ("/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "g", False),
        ("/v1beta/models/a%2Fb:generateContent", "a/b", False),
    ],
)
def test_the_path_names_the_model_and_the_method(path: str, model: str, *, stream: bool) -> None:
    incoming = Incoming(path, {}, b"")

    assert peek(incoming) == Peek(model, stream, array=stream)
    assert peek(Incoming(path, {}, b"", "alt=sse")) == Peek(model, stream)
    assert guess_model(incoming) == model


@pytest.mark.parametrize("path", ["/v1beta/models/x", "/v1beta/models/:generateContent", "/v1/chat/completions", ""])
def test_a_path_without_a_model_is_refused(path: str) -> None:
    with pytest.raises(ir.FaultError, match="must name a model"):
        peek(Incoming(path, {}, b""))
    assert guess_model(Incoming(path, {}, b"")) == ""


def test_a_stream_without_events_is_an_array() -> None:
    path = PATH.replace("generateContent", "streamGenerateContent")

    assert [decode(said(), path, query).stream_array for query in ("alt=sse", "key=k&alt=sse", "", "alt=json")] == [
        False,
        False,
        True,
        True,
    ]
    assert decode(said()).stream_array is False


def test_what_goes_out_is_always_asked_for_as_events() -> None:
    request = decode(said(), PATH.replace("generateContent", "streamGenerateContent"))
    paths = [
        encode_request(request, model, Capabilities(api_version=version), []).outgoing.path
        for model, version in (("g", None), ("tunedModels/t", "v1"), ("g", ""))
    ]

    assert paths == [
        "/v1beta/models/g:streamGenerateContent?alt=sse",
        "/v1/tunedModels/t:streamGenerateContent?alt=sse",
        "/models/g:streamGenerateContent?alt=sse",
    ]


def test_a_relayed_request_keeps_its_bytes_and_not_its_key() -> None:
    body = b'{ "contents":[ ] }'
    incoming = Incoming("/v1/models/alias:streamGenerateContent", {}, body, "key=secret&alt=sse")

    outgoing = relay_request(incoming, peek(incoming), "gemini-3-pro", Capabilities())

    assert (outgoing.path, outgoing.body) == ("/v1/models/gemini-3-pro:streamGenerateContent?alt=sse", body)


@pytest.mark.parametrize("name", ["generateContentRequest", "generate_content_request"])
def test_a_count_of_tokens_names_the_model_in_its_body_too(name: str) -> None:
    body = {name: {"model": "models/alias", "contents": [HI]}}
    incoming = Incoming("/v1beta/models/alias:countTokens", {}, json.dumps(body).encode())

    outgoing = relay_request(incoming, peek(incoming), "g", Capabilities())

    assert json.loads(outgoing.body)[name]["model"] == "models/g"
    assert decode(body, "/v1beta/models/alias:countTokens").messages[0].role == "user"


# --- Spelling ------------------------------------------------------------------------------------


def test_both_spellings_at_any_depth_mean_the_same_and_data_keeps_its_keys() -> None:
    mixed = {
        "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "_-8="}}},
        "system_instruction": {"parts": {"text": "s"}},
        "tools": {"function_declarations": {"name": "f", "parameters_json_schema": {"properties": {"a_b": {}}}}},
        "tool_config": {"retrieval_config": {"lat_lng": {"latitude": 1}}},
        "generationConfig": {"max_output_tokens": "7", "thinking_config": {"thinking_level": "low"}, "top_k": 40.0},
        "x_new": {"y_z": 1},
    }

    body, losses = encode(decode(mixed))

    assert losses == []
    assert body == {
        "contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "/+8="}}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"properties": {"a_b": {}}}}]}],
        "toolConfig": {"retrievalConfig": {"latLng": {"latitude": 1}}},
        "generationConfig": {"maxOutputTokens": 7, "thinkingConfig": {"thinkingLevel": "LOW"}, "topK": 40},
        "x_new": {"y_z": 1},
    }


def test_places_are_told_in_the_clients_spelling() -> None:
    body = said(
        tools=[{"function_declarations": [{"name": "f"}]}],
        generation_config={"max_output_tokens": 5, "speech_config": {}},
    )
    request = decode(body)

    assert request.where("max_tokens") == "/generation_config/max_output_tokens"
    assert request.tools[0].at == "/tools/0/function_declarations/0"
    assert list(request.extras) == ["/generation_config/speech_config"]
    with pytest.raises(ir.FaultError) as caught:
        decode(said(generation_config={"max_output_tokens": "many"}))
    assert caught.value.fault.param == "/generation_config/max_output_tokens"


# --- Ids and pairs -------------------------------------------------------------------------------


def test_missing_ids_are_the_same_in_every_turn_and_pair_by_name_and_order() -> None:
    calls: list[dict[str, Any]] = [{"functionCall": {"name": name, "args": {}}} for name in ("f", "g", "f")]
    results = [{"functionResponse": {"name": name, "response": {"output": name + n}}} for name, n in ("f1", "f2", "g1")]
    turns = [HI, {"role": "model", "parts": calls}, {"role": "user", "parts": results}]
    first, later = (
        decode({"contents": turns}),
        decode({"contents": [*turns, {"role": "model", "parts": [{"text": "x"}]}]}),
    )
    ids = [part.id for part in first.messages[1].parts if isinstance(part, ir.ToolCall)]

    assert len(set(ids)) == 3
    assert ids == [part.id for part in later.messages[1].parts if isinstance(part, ir.ToolCall)]
    answered = [part.call_id for part in first.messages[2].parts if isinstance(part, ir.ToolResult)]
    assert answered == [ids[0], ids[2], ids[1]]
    assert encode(first) == ({"contents": turns}, [])


def test_an_upstream_without_ids_gets_results_in_the_order_of_calls() -> None:
    request = foreign(
        says("user", "hi"),
        says("assistant", call("a"), call("b")),
        says("tool", result("b", "2")),
        says("tool", result("a", "1")),
    )

    body, _ = encode(request, call_ids=False, thought_signatures=False)

    assert body["contents"][1:] == [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}] * 2},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "f", "response": {"output": text}}} for text in ("1", "2")],
        },
    ]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([says("user", "hi"), says("assistant", call())], "/messages/1/tool_calls/c1"),
        ([says("user", "hi"), says("tool", result())], "/messages/1"),
        ([says("user", "hi"), says("assistant", call(), call()), says("tool", result())], "/messages/1/tool_calls/c1"),
    ],
)
def test_calls_and_results_without_partners_are_refused(messages: list[ir.Message], param: str) -> None:
    with pytest.raises(ir.FaultError) as caught:
        encode(foreign(*messages))
    assert caught.value.fault.param == param


# --- Signatures ----------------------------------------------------------------------------------


def test_the_first_call_of_a_foreign_turn_gets_the_documented_value() -> None:
    request = foreign(
        says("user", "hi"), says("assistant", call("a"), call("b")), says("tool", result("a"), result("b"))
    )

    body, losses = encode(request)

    assert base64.b64decode(SKIP) == b"skip_thought_signature_validator"
    assert [part.get("thoughtSignature") for part in body["contents"][1]["parts"]] == [SKIP, None]
    assert losses == [("/messages/1/tool_calls/a", "synthesized")]
    assert "thoughtSignature" not in json.dumps(encode(request, thought_signatures=False)[0])


def test_a_signature_goes_back_to_its_origin_alone() -> None:
    def signed(opaque: ir.Opaque) -> tuple[str, list[tuple[str, str]]]:
        turns = says("user", "hi"), says("assistant", call(opaque=(opaque,))), says("tool", result())
        body, losses = encode(foreign(*turns))
        return body["contents"][1]["parts"][0]["thoughtSignature"], losses

    assert signed(ir.Opaque("thought_signature", "U0lH", ir.Origin("gemini"))) == ("U0lH", [])
    path = "/messages/1/tool_calls/c1"
    for opaque in (
        ir.Opaque("signature", "U0lH", ir.Origin("anthropic-messages")),
        ir.Opaque("thought_signature", "tw1.x", ir.Origin("gemini")),
        ir.Opaque("other", "tw1.x", None),
    ):
        assert signed(opaque) == (SKIP, [(path, "reasoning_foreign"), (path, "synthesized")])


def test_sealed_state_is_kept_unopened_and_never_sent() -> None:
    part = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": to_base64(SEAL_PREFIX + "sealed")}
    request = decode({"contents": [HI, {"role": "model", "parts": [part]}, ANSWER]})

    assert request.messages[1].parts[0].opaque == (ir.Opaque("other", SEAL_PREFIX + "sealed", None),)
    body, losses = encode(request)
    assert body["contents"][1]["parts"][0]["thoughtSignature"] == SKIP
    assert losses == [("/contents/1/parts/0", "reasoning_foreign"), ("/contents/1/parts/0", "synthesized")]


# --- What others say -----------------------------------------------------------------------------


def test_instructions_stand_together_and_a_moved_one_is_told() -> None:
    request = foreign(says("system", "a"), says("developer", "b"), says("user", "hi"), says("system", "c"))

    body, losses = encode(request)

    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]}
    assert losses == [("/messages/3", "moved")]


def test_only_instructions_are_refused() -> None:
    with pytest.raises(ir.FaultError, match="at least one message"):
        encode(foreign(says("system", "a")))


def test_results_hold_errors_and_media() -> None:
    image = ir.Media(kind="image", source=ir.Base64("AAAA"), mime="image/png", at="/content/1")
    content: list[Any] = [ir.Text(text="boom", at="/content/0"), image]
    turns = says("user", "hi"), says("assistant", call()), says("tool", ir.ToolResult(call_id="c1", content=content))
    turns[2].parts[0].is_error = True  # type: ignore[attr-defined]  # a result
    inline = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}

    body, _ = encode(foreign(*turns))
    older, losses = encode(foreign(*turns), result_media=False, thought_signatures=False)

    answer = {"name": "f", "id": "c1", "response": {"error": "boom"}}
    assert body["contents"][2]["parts"] == [{"functionResponse": {**answer, "parts": [inline]}}]
    assert older["contents"][2]["parts"] == [{"functionResponse": answer}, inline]
    assert losses == [("/messages/2", "emulated")]


@pytest.mark.parametrize("text", ['{"a": 1}', "[1]", '{"$ref": "x"}', ""])
def test_the_text_of_a_result_stays_a_string(text: str) -> None:
    turns = says("user", "hi"), says("assistant", call()), says("tool", result(text=text))

    body, _ = encode(foreign(*turns))

    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == {"output": text}


@pytest.mark.parametrize(
    ("reasoning", "capabilities", "wire", "kinds"),
    [
        ({"effort": "high"}, {}, {"thinkingLevel": "HIGH"}, []),
        ({"effort": "max"}, {}, {"thinkingLevel": "XHIGH"}, ["approximated"]),
        ({"effort": "none"}, {}, {"thinkingLevel": "MINIMAL"}, ["approximated"]),
        ({"effort": "xhigh"}, {"thinking_levels": ("low", "high")}, {"thinkingLevel": "HIGH"}, ["approximated"]),
        ({"effort": "none"}, {"thinking_levels": ()}, {"thinkingBudget": 0}, []),
        ({"effort": "low"}, {"thinking_levels": ()}, {"thinkingBudget": 1024}, ["approximated"]),
        ({"effort": "max"}, {"thinking_levels": (), "thinking_budget": (128, 24576)}, {"thinkingBudget": 24576},
         ["approximated"]),
        ({"mode": "manual", "budget": 5000}, {}, {"thinkingBudget": 5000}, []),
        ({"mode": "manual", "budget": 99999}, {}, {"thinkingBudget": 32768}, ["clamped"]),
        ({"mode": "manual", "budget": 5000}, {"thinking_budget": None}, {"thinkingLevel": "MEDIUM"}, ["approximated"]),
        ({"mode": "adaptive"}, {}, {"thinkingBudget": -1}, []),
        (
            {"mode": "adaptive", "effort": "low", "show": "summary"},
            {},
            {"thinkingLevel": "LOW", "includeThoughts": True},
            ["info"],
        ),
        ({"effort": "low"}, {"thinking_levels": (), "thinking_budget": None}, None, ["unsupported"]),
    ],
)  # fmt: skip
def test_how_much_to_think(
    reasoning: dict[str, Any], capabilities: dict[str, Any], wire: dict[str, Any] | None, kinds: list[str]
) -> None:
    body, losses = encode(foreign(says("user", "hi"), reasoning=ir.ReasoningConfig(**reasoning)), **capabilities)

    assert body.get("generationConfig", {}).get("thinkingConfig") == wire
    assert [kind for _, kind in losses] == kinds


def test_ranges_that_the_vendor_has() -> None:
    sampling = ir.Sampling(seed=2**40 + 5, presence_penalty=2, stop=list("abcdef"), max_tokens=900)

    body, losses = encode(foreign(says("user", "hi"), sampling=sampling), max_output=100)

    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "seed": 5,
        "presencePenalty": 1.99,
        "stopSequences": list("abcde"),
    }
    assert [kind for _, kind in losses] == ["clamped", "approximated", "clamped", "dropped"]


def test_names_of_functions_begin_with_a_letter_and_come_back() -> None:
    tools = [ir.Tool(name=name, at=f"/tools/{i}") for i, name in enumerate(("9lives", "ok.name:x", "ü", "x" * 70))]
    losses: list[ir.Loss] = []

    encoded = encode_request(foreign(says("user", "hi"), tools=tools), "g", Capabilities(), losses)
    names = [one["name"] for one in json.loads(encoded.outgoing.body)["tools"][0]["functionDeclarations"]]

    assert names[1] == "ok.name:x"
    assert all(name[0].isalpha() or name[0] == "_" for name in names)
    assert all(len(name) <= 64 and name.isascii() for name in names)
    assert encoded.restore.names == {
        names[0]: "9lives", names[2]: "ü", names[3]: "x" * 70,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ir.ToolChoice(mode="none"), {"mode": "NONE"}),
        (ir.ToolChoice(mode="auto"), {"mode": "AUTO"}),
        (ir.ToolChoice(mode="required"), {"mode": "ANY"}),
        (ir.ToolChoice(mode="named", names=["f"]), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ir.ToolChoice(mode="auto", names=["f"], allowed=True), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_which_function_is_called(choice: ir.ToolChoice, wire: dict[str, Any]) -> None:
    request = foreign(says("user", "hi"), tools=[ir.Tool(name="f", at="/tools/0")], tool_choice=choice)

    assert encode(request)[0]["toolConfig"] == {"functionCallingConfig": wire}


def test_content_that_only_the_vendor_holds_is_refused_elsewhere() -> None:
    assert decode(said(cachedContent="cachedContents/a")).state.cached == "cachedContents/a"
    with pytest.raises(ir.FaultError, match="does not hold"):
        encode(foreign(says("user", "hi"), state=ir.State(cached="cachedContents/a")))


def test_a_schema_of_an_older_upstream_is_reduced_with_its_losses() -> None:
    schema = ir.Schema(Raw(b'{"type":"object","properties":{"a":{"type":["string","null"],"format":"uri"}}}'))
    request = foreign(says("user", "hi"), tools=[ir.Tool(name="f", schema=schema, at="/tools/0")])

    body, losses = encode(request, json_schemas=False)

    assert body["tools"][0]["functionDeclarations"][0]["parameters"] == {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING", "nullable": True}},
    }
    assert losses == [("/tools/0/properties/a/format", "schema")]


# --- Bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, None),
        ({"contents": 1}, "/contents"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "/contents/0/role"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "/contents/0/parts/0/text"),
        ({"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]}, "/contents/0/parts/0/functionCall"),
        ({"contents": [{"role": "model", "parts": [{"functionCall": {}}]}]}, "/contents/0/parts/0/functionCall"),
        (
            {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": []}}]}]},
            "/contents/0/parts/0/functionCall/args",
        ),
        ({"contents": [ANSWER]}, "/contents/0/parts/0/functionResponse"),
        (
            {"contents": [HI, CALL, {"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]},
            "/contents/2/parts/0/functionResponse/response",
        ),
        ({"contents": [{"parts": [{"inlineData": {}}]}]}, "/contents/0/parts/0/inlineData"),
        ({"contents": [{"parts": [{"fileData": {}}]}]}, "/contents/0/parts/0/fileData"),
        (said(tools=[{"functionDeclarations": [{}]}]), "/tools/0/functionDeclarations/0/name"),
        (
            said(tools=[{"functionDeclarations": [{"name": "f", "parameters": 5}]}]),
            "/tools/0/functionDeclarations/0/parameters",
        ),
        (said(generationConfig={"seed": 1.5}), "/generationConfig/seed"),
        (said(max_tokens=1, maxTokens=1, tool_config={}, toolConfig={}), "/toolConfig"),
    ],
)
def test_bad_input_is_refused_with_its_place(body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(ir.FaultError) as caught:
        decode(body)

    assert caught.value.fault.kind == "invalid_request"
    assert caught.value.fault.param == param


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"contents":"\xff"}', b'{"contents":' + b"[" * 20000])
def test_bytes_that_are_no_request_are_the_clients_fault(body: bytes) -> None:
    with pytest.raises(ir.FaultError) as caught:
        decode_request(Incoming(PATH, {}, body))

    assert caught.value.fault.whose == "client"


@pytest.mark.parametrize("member", ["json_schema", "jsonSchema"])
def test_the_schema_of_a_form_has_the_place_that_the_client_gave_it(member: str) -> None:
    form = {"text": {"mime_type": "application/json", member: {"type": "object", "a_b": 1}}}

    request = decode(said(generation_config={"response_format": [form]}))

    assert request.where("output.schema") == f"/generation_config/response_format/0/text/{member}"
    assert request.output.schema is not None
    assert json.loads(bytes(request.output.schema.raw)) == {"type": "object", "a_b": 1}
