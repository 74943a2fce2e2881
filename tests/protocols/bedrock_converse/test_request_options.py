"""What goes out of media, of thinking, of how tokens are drawn, and of the rest."""

import base64
import json
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from tests.protocols.bedrock_converse.oracle import problems
from tests.protocols.bedrock_converse.requests import ABLE, HI, PDF, PNG, asked, content, encode, says

from twoapi import ir

NAME = "bedrock-converse"
CALL = ir.ToolCall(id="one", name="f", arguments="{}")
RESULT = ir.ToolResult(call_id="one", content=[ir.Text(text="ok")])
REASONED = ir.Reasoning(text="hm", opaque=(ir.Opaque("signature", "c2ln", ir.Origin(NAME)),))


def image(source: Any, mime: str | None = None) -> ir.Media:
    return ir.Media(kind="image", source=source, mime=mime)


def document(source: Any, mime: str | None = None, **fields: Any) -> ir.Media:
    return ir.Media(kind="file", source=source, mime=mime, **fields)


# --- Media


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (image(ir.Base64(PNG), "image/png"), {"image": {"format": "png", "source": {"bytes": PNG}}}),
        (image(ir.Base64(PNG)), {"image": {"format": "png", "source": {"bytes": PNG}}}),
        (image(ir.Base64("eA=="), "image/jpeg"), {"image": {"format": "jpeg", "source": {"bytes": "eA=="}}}),
        (
            ir.Media(kind="audio", source=ir.Base64("eA=="), mime="audio/mpeg"),
            {"audio": {"format": "mp3", "source": {"bytes": "eA=="}}},
        ),
        (
            ir.Media(kind="video", source=ir.Url("s3://bucket/film.mp4"), mime="video/mp4"),
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/film.mp4"}}}},
        ),
        (
            document(ir.Base64(PDF), "application/pdf", name="plan (7)"),
            {"document": {"format": "pdf", "name": "plan (7)", "source": {"bytes": PDF}}},
        ),
        (
            document(ir.PlainText("words"), title="a", context="from b", want_citations=True),
            {
                "document": {
                    "format": "txt",
                    "name": "a",
                    "source": {"bytes": base64.b64encode(b"words").decode()},
                    "context": "from b",
                    "citations": {"enabled": True},
                }
            },
        ),
        (
            document(ir.Blocks([ir.Text(text="one"), ir.Text(text=" ")]), title="a"),
            {"document": {"format": "txt", "name": "a", "source": {"content": [{"text": "one"}]}}},
        ),
    ],
    ids=["png", "no type", "jpeg", "audio", "s3", "pdf", "text", "blocks"],
)
def test_media(part: ir.Media, expected: Any) -> None:
    found, losses = content(asked(says("user", part, "look")))
    assert found == [expected, {"text": "look"}]
    assert losses == []


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (image(ir.Url("https://x.example/cat.png")), "fetches no files"),
        (image(ir.FileId("f", "openai-chat")), "another service holds it"),
        (image(ir.Base64("eA=="), "image/tiff"), "image/tiff is not supported"),
        (image(ir.Base64("eA==")), "of type None"),
        (image(ir.Base64(""), "image/png"), "it is empty"),
        (document(ir.Base64("eA=="), "application/zip", name="a"), "application/zip are not supported"),
        (document(ir.PlainText("")), "must not be empty"),
        (document(ir.Blocks([ir.Text(text=" ")])), "must not be empty"),
    ],
    ids=["url", "file", "tiff", "no type", "no bytes", "zip", "no text", "blank"],
)
def test_media_that_are_refused(part: ir.Media, words: str) -> None:
    with pytest.raises(ir.FaultError, match=words) as caught:
        encode(asked(says("user", part, "look")))
    assert caught.value.fault.kind == "invalid_request"
    assert caught.value.fault.param == "/messages/0/content/0"


@pytest.mark.parametrize("kind", ["images", "audio", "video", "documents"])
def test_media_that_the_model_does_not_take(kind: str) -> None:
    part = {
        "images": image(ir.Base64(PNG)),
        "audio": ir.Media(kind="audio", source=ir.Base64("eA=="), mime="audio/wav"),
        "video": ir.Media(kind="video", source=ir.Base64("eA=="), mime="video/mp4"),
        "documents": document(ir.Base64(PDF)),
    }[kind]
    with pytest.raises(ir.FaultError, match="is not supported by the target"):
        encode(asked(says("user", part, "look")), msgspec.structs.replace(ABLE, **{kind: False}))


@pytest.mark.parametrize(
    ("name", "expected", "lost"),
    [
        ("plan-7.pdf", "plan-7", "approximated"),
        ("../etc/p\u00e4ss.pdf", "---etc-p-ss", "approximated"),
        ("two  spaces", "two spaces", "approximated"),
        ("\u00fc" * 300, "-" * 200, "approximated"),
        (None, "document", "synthesized"),
    ],
)
def test_names_of_documents(name: str | None, expected: str, lost: str) -> None:
    found, losses = content(asked(says("user", document(ir.Base64(PDF), name=name), "look")))
    assert found[0]["document"]["name"] == expected
    assert losses == [("/messages/0/content/0", lost)]


def test_two_documents_do_not_have_one_name() -> None:
    found, losses = content(asked(says("user", *[document(ir.Base64(PDF), name="a")] * 3, "look")))
    assert [block["document"]["name"] for block in found[:3]] == ["a", "a (2)", "a (3)"]
    assert [kind for _, kind in losses] == ["approximated"] * 2


def test_words_stand_beside_a_document() -> None:
    found, losses = content(asked(says("user", document(ir.Base64(PDF), name="a"))))
    assert found[1:] == [{"text": "."}]
    assert losses == [("/messages/0", "synthesized")]


def test_a_document_of_images_is_sent_as_its_parts() -> None:
    blocks = ir.Blocks([ir.Text(text="one"), image(ir.Base64(PNG))])
    found, losses = content(asked(says("user", document(blocks, title="T", want_citations=True))))
    assert found == [{"text": "T"}, {"text": "one"}, {"image": {"format": "png", "source": {"bytes": PNG}}}]
    assert [kind for _, kind in losses] == ["emulated", "unsupported"]


def test_only_documents_have_names() -> None:
    part = ir.Media(kind="image", source=ir.Base64(PNG), name="cat.png")
    assert content(asked(says("user", part)))[1] == [("/messages/0/content/0", "dropped")]


def test_text_of_another_type_is_plain_text() -> None:
    found, losses = content(asked(says("user", document(ir.Base64("e30="), "application/json", name="a"), "look")))
    assert found[0]["document"]["format"] == "txt"
    assert losses == [("/messages/0/content/0", "approximated")]


def test_results_hold_media() -> None:
    searched = ir.SearchResult(source="kb", title="T", content=[ir.Text(text="says")], want_citations=True)
    result = ir.ToolResult(call_id="one", content=[ir.Text(text=""), image(ir.Base64(PNG)), searched])
    found, losses = content(asked(HI, says("assistant", CALL), says("tool", result)))
    assert found[0]["toolResult"]["content"] == [
        {"image": {"format": "png", "source": {"bytes": PNG}}},
        {
            "searchResult": {
                "source": "kb",
                "title": "T",
                "content": [{"text": "says"}],
                "citations": {"enabled": True},
            }
        },
    ]
    assert ("/messages/2", "info") in losses
    found, losses = content(asked(HI, says("assistant", CALL), says("tool", result)), citations=False)
    assert found[0]["toolResult"]["content"][1] == {"text": "T\nkb\n\nsays"}
    sound = ir.ToolResult(call_id="one", content=[ir.Media(kind="audio", source=ir.Base64("eA=="), mime="audio/wav")])
    with pytest.raises(ir.FaultError, match="audio input"):
        encode(asked(HI, says("assistant", CALL), says("tool", sound)))


def test_the_model_shows_nothing_in_its_turns() -> None:
    spoken = ir.Media(kind="audio", source=ir.Base64("eA=="), transcript="said")
    body, losses = encode(asked(HI, says("assistant", spoken, image(ir.Base64(PNG))), HI))
    assert body["messages"][1]["content"] == [{"text": "said"}]
    assert losses == [("/messages/1/content/0", "emulated"), ("/messages/1/content/1", "dropped")]
    with pytest.raises(ir.FaultError, match="are text"):
        encode(asked(says("system", image(ir.Base64(PNG))), HI))


# --- Thinking


@pytest.mark.parametrize(
    ("reasoning", "able", "thinking", "effort", "losses"),
    [
        ({"effort": "high"}, {}, {"type": "adaptive"}, "high", []),
        ({"effort": "minimal"}, {}, {"type": "adaptive"}, "low", [("/reasoning.effort", "approximated")]),
        (
            {"effort": "low"},
            {"effort": False, "thinking": ("enabled",)},
            {"type": "enabled", "budget_tokens": 2048},
            None,
            [("/reasoning.effort", "approximated")],
        ),
        ({"effort": "low"}, {"thinking": ()}, None, "low", []),
        ({"effort": "low"}, {"thinking": (), "effort": False}, None, None, [("/reasoning.effort", "unsupported")]),
        ({"effort": "none"}, {}, {"type": "disabled"}, None, []),
        ({"effort": "none"}, {"thinking": ()}, None, None, [("/reasoning.effort", "info")]),
        ({"mode": "off"}, {"thinking": ()}, None, None, [("/reasoning.mode", "info")]),
        ({"mode": "off"}, {"thinking": ("adaptive",)}, None, None, [("/reasoning.mode", "unsupported")]),
        ({"budget": 5000}, {}, {"type": "enabled", "budget_tokens": 5000}, None, []),
        (
            {"budget": 50},
            {},
            {"type": "enabled", "budget_tokens": 1024},
            None,
            [("/reasoning.budget", "clamped")],
        ),
        (
            {"budget": 5000},
            {"thinking": ("adaptive",)},
            {"type": "adaptive"},
            "medium",
            [("/reasoning.budget", "approximated")],
        ),
        ({"budget": 5000}, {"thinking": ()}, None, "medium", [("/reasoning.budget", "approximated")]),
        (
            {"mode": "adaptive"},
            {"thinking": ("enabled",), "effort": False},
            {"type": "enabled", "budget_tokens": 16384},
            None,
            [("/reasoning.mode", "approximated")],
        ),
        (
            {"mode": "adaptive", "effort": "low", "show": "summary"},
            {},
            {"type": "adaptive", "display": "summarized"},
            "low",
            [],
        ),
        (
            {"mode": "adaptive", "effort": "low", "show": "full", "detail": "auto"},
            {"thinking": ()},
            None,
            "low",
            [("/reasoning.mode", "info"), ("/reasoning.detail", "dropped"), ("/reasoning.show", "info")],
        ),
        ({"show": "summary"}, {}, None, None, [("/reasoning.show", "info")]),
    ],
)
def test_thinking(reasoning: Any, able: Any, thinking: Any, effort: str | None, losses: Any) -> None:
    body, found = encode(asked(HI, reasoning=ir.ReasoningConfig(**reasoning)), **able)
    assert body.get("additionalModelRequestFields", {}).get("thinking") == thinking
    assert body.get("outputConfig", {}).get("effort") == effort
    assert found == losses


def test_a_thinking_budget_fits_below_the_output_limit() -> None:
    reasoning = ir.ReasoningConfig(budget=5000)
    body, losses = encode(asked(HI, reasoning=reasoning, sampling=ir.Sampling(max_tokens=3000)))
    assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 2999
    assert losses == [("/reasoning.budget", "clamped")]
    body, losses = encode(asked(HI, reasoning=reasoning, sampling=ir.Sampling(max_tokens=500)))
    assert "additionalModelRequestFields" not in body
    assert losses == [("/reasoning.budget", "dropped")]


def test_a_thinking_budget_fits_below_what_the_model_can_make() -> None:
    for asked_for in (None, 100_000):
        request = asked(HI, reasoning=ir.ReasoningConfig(effort="max"), sampling=ir.Sampling(max_tokens=asked_for))
        body, _ = encode(request, max_output=64_000, thinking=("enabled",), effort=False)
        assert body["additionalModelRequestFields"]["thinking"]["budget_tokens"] == 63_999


def test_a_thinking_budget_leaves_no_forced_call() -> None:
    tools = [ir.Tool(name="f", at="/tools/0")]
    choice = ir.ToolChoice(mode="required")
    body, losses = encode(asked(HI, reasoning=ir.ReasoningConfig(budget=2000), tools=tools, tool_choice=choice))
    assert body["toolConfig"]["toolChoice"] == {"auto": {}}
    assert losses == [("/tool_choice", "approximated")]


def test_within_a_tool_loop_thinking_goes_on_with_its_own_state_alone() -> None:
    reasoning = ir.ReasoningConfig(effort="high")
    tools = [ir.Tool(name="f", at="/tools/0")]
    body, losses = encode(asked(HI, says("assistant", CALL), says("tool", RESULT), reasoning=reasoning, tools=tools))
    assert body["additionalModelRequestFields"]["thinking"] == {"type": "disabled"}
    assert losses == [("/reasoning.effort", "synthesized")]
    turns = [HI, says("assistant", REASONED, CALL), says("tool", RESULT)]
    body, losses = encode(asked(*turns, reasoning=reasoning, tools=tools))
    assert body["additionalModelRequestFields"]["thinking"] == {"type": "adaptive"}
    assert losses == []


# --- How tokens are drawn


def test_what_only_the_model_itself_knows_is_among_its_own_fields() -> None:
    sampling = ir.Sampling(top_k=40, stop=["END"])
    body, losses = encode(asked(HI, sampling=sampling))
    assert body["additionalModelRequestFields"] == {"top_k": 40}
    assert body["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert losses == []
    body, losses = encode(asked(HI, sampling=sampling), top_k_field="/inferenceConfig/topK", stop_field=None)
    assert body["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 40}}
    assert "additionalModelResponseFieldPaths" not in body
    assert encode(asked(HI, sampling=sampling), top_k_field=None)[1] == [("/top_k", "dropped")]


@pytest.mark.parametrize(
    ("sampling", "able", "expected", "losses"),
    [
        ({"temperature": 1.5}, {}, {"temperature": 1.0}, [("/temperature", "clamped")]),
        ({"max_tokens": 0}, {}, {"maxTokens": 1}, [("/max_tokens", "clamped")]),
        ({"max_tokens": 9}, {"max_output": 5}, {"maxTokens": 5}, [("/max_tokens", "clamped")]),
        (
            {"temperature": 0.5, "top_p": 0.5},
            {"sampling_pair": False},
            {"temperature": 0.5},
            [("/top_p", "dropped")],
        ),
        (
            {"temperature": 0.5, "top_k": 1},
            {"sampling": False},
            None,
            [("/temperature", "dropped"), ("/top_k", "dropped")],
        ),
        ({"stop": ["", "a"]}, {"stop_field": None}, {"stopSequences": ["a"]}, [("/stop/0", "dropped")]),
        ({"stop": [" "]}, {}, None, [("/stop/0", "dropped")]),
        ({"seed": 1, "logprobs": False}, {}, None, [("/seed", "dropped"), ("/logprobs", "info")]),
    ],
)
def test_sampling(sampling: Any, able: Any, expected: Any, losses: Any) -> None:
    body, found = encode(asked(HI, sampling=ir.Sampling(**sampling)), **able)
    assert body.get("inferenceConfig") == expected
    assert found == losses


def test_while_the_model_thinks_less_is_taken() -> None:
    sampling = ir.Sampling(temperature=0.5, top_p=0.5, top_k=5)
    body, losses = encode(asked(HI, sampling=sampling, reasoning=ir.ReasoningConfig(effort="low")))
    assert "inferenceConfig" not in body
    assert losses == [("/temperature", "dropped"), ("/top_p", "dropped"), ("/top_k", "dropped")]


# --- The rest


def test_the_schema_of_an_answer() -> None:
    schema = ir.Schema(Raw(b'{"type":"object"}'))
    output = ir.Output(format="json_schema", schema=schema, name="n", description="d", strict=True)
    body, losses = encode(asked(HI, output=output))
    definition = {"schema": '{"type":"object"}', "name": "n", "description": "d"}
    assert body["outputConfig"]["textFormat"] == {"type": "json_schema", "structure": {"jsonSchema": definition}}
    assert losses == [("/output.strict", "info")]
    body, losses = encode(asked(HI, output=output), formats=("text",))
    assert "outputConfig" not in body
    assert losses == [
        ("/output.schema", "unsupported"),
        ("/output.name", "dropped"),
        ("/output.description", "dropped"),
        ("/output.strict", "dropped"),
    ]
    assert encode(asked(HI, output=ir.Output(format="json_object")))[1] == [("/output.format", "unsupported")]
    assert encode(asked(HI, output=ir.Output(format="json_schema")))[1] == [("/output.format", "unsupported")]


@pytest.mark.parametrize(
    ("tier", "expected", "losses"),
    [
        ("flex", {"type": "flex"}, []),
        ("priority", {"type": "priority"}, []),
        ("standard_only", {"type": "default"}, []),
        ("auto", None, [("/tier", "info")]),
        ("batch", None, [("/tier", "unsupported")]),
    ],
)
def test_tiers(tier: str, expected: Any, losses: Any) -> None:
    body, found = encode(asked(HI, tier=tier))
    assert body.get("serviceTier") == expected
    assert found == losses


def test_metadata() -> None:
    body, losses = encode(asked(HI, metadata={"team": "blue", "\u00fc": "x", "empty": ""}, user_id="ann"))
    assert body["requestMetadata"] == {"team": "blue", "empty": "", "user_id": "ann"}
    assert losses == [("/metadata", "approximated"), ("/user_id", "moved")]
    many = {str(n): "x" for n in range(17)}
    body, losses = encode(asked(HI, metadata=many, user_id="ann"))
    assert len(body["requestMetadata"]) == 16
    assert losses == [("/metadata", "approximated"), ("/user_id", "dropped")]
    assert encode(asked(HI, metadata={}))[0] == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_an_operator_may_add_members() -> None:
    guardrail = {"guardrailIdentifier": "abc", "guardrailVersion": "1"}
    added = (("guardrailConfig", json.dumps(guardrail)), ("serviceTier", '{"type":"flex"}'))
    body, _ = encode(asked(HI, tier="priority"), added_members=added)
    assert body["guardrailConfig"] == guardrail
    assert body["serviceTier"] == {"type": "priority"}
    assert problems(body) == []


def test_what_has_no_place_is_reported() -> None:
    request = asked(HI, safety=Raw(b"[]"), cache_key="k", extras={"/odd": Raw(b"1")})
    assert encode(request)[1] == [("/odd", "dropped"), ("/safety", "dropped"), ("/cache_key", "info")]


@pytest.mark.parametrize(
    "fields",
    [
        {"sampling": ir.Sampling(n=2)},
        {"state": ir.State(previous="resp_1")},
        {"state": ir.State(thread="create")},
        {"state": ir.State(cached="cachedContents/1")},
    ],
)
def test_what_cannot_be_left_out_is_refused(fields: Any) -> None:
    with pytest.raises(ir.FaultError) as caught:
        encode(asked(HI, **fields))
    assert caught.value.fault.param
