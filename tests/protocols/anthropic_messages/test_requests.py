"""Requests of other protocols, made to fit this one: every repair, and its Loss."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw
from tests.protocols.anthropic_messages.wire import CODEC, decode, encode, foreign, says

from twoapi import ir
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.http import Incoming

USER = says("user", "hi")


def call(call_id: str, arguments: str = "{}", name: str = "f", kind: Any = "function") -> ir.ToolCall:
    return ir.ToolCall(id=call_id, name=name, arguments=arguments, kind=kind, at=f"/tool_calls/{call_id}")


def result(call_id: str, text: str = "ok", **fields: Any) -> ir.Message:
    return ir.Message("tool", [ir.ToolResult(call_id=call_id, content=[ir.Text(text=text, at="/content")], **fields)])


def messages_of(request: ir.Request, **capabilities: Any) -> tuple[Any, Any]:
    body, losses = encode(request, **capabilities)
    return body["messages"], losses


def refused(request: ir.Request, **capabilities: Any) -> ir.Fault:
    with pytest.raises(ir.FaultError) as caught:
        encode(request, **capabilities)
    return caught.value.fault


SAMPLING = ir.Sampling(max_tokens=4000)


def test_the_leading_instructions_become_system_blocks_in_order() -> None:
    request = foreign(says("system", "a"), says("developer", "b"), USER, sampling=SAMPLING)

    assert encode(request) == (
        {
            "model": "m",
            "max_tokens": 4000,
            "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        },
        [],
    )


def test_a_later_instruction_stays_where_it_is_when_the_model_takes_that() -> None:
    request = foreign(USER, says("system", "new rule"), says("user", "go"), sampling=SAMPLING)

    body, losses = encode(request)

    assert [turn["role"] for turn in body["messages"]] == ["user", "system", "user"]
    assert losses == []


def test_a_later_instruction_moves_to_the_top_for_other_models() -> None:
    request = foreign(says("system", "a"), USER, says("system", "b"), sampling=SAMPLING)

    body, losses = encode(request, system_in_place=False)

    assert body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert losses == [("/messages/2", "moved")]


def test_a_request_of_instructions_alone_is_refused() -> None:
    assert refused(foreign(says("system", "a"))).kind == "invalid_request"


def test_empty_texts_go_and_messages_that_are_empty_with_them() -> None:
    request = foreign(USER, says("assistant", " "), says("user", "", "b"), sampling=SAMPLING)

    assert messages_of(request) == (
        [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "user", "content": [{"type": "text", "text": "b"}]},
        ],
        [("/messages/1/content", "dropped"), ("/messages/2/content", "info")],  # without a character nothing is lost
    )


def test_results_of_parallel_calls_share_the_next_turn_and_come_first() -> None:
    request = foreign(
        USER,
        says("assistant", call("a"), call("b")),
        result("b"),
        result("a", is_error=True),
        says("user", "next"),
        sampling=SAMPLING,
        tools=[ir.Tool(name="f")],
    )

    turns, losses = messages_of(request)

    assert turns[2:] == [
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "b", "content": "ok"},
                {"type": "tool_result", "tool_use_id": "a", "content": "ok", "is_error": True},
                {"type": "text", "text": "next"},
            ],
        }
    ]
    assert losses == []


def test_a_text_before_the_results_moves_behind_them() -> None:
    mixed = says("user", ir.Text(text="t", at="/content/0"), *result("a").parts)
    request = foreign(USER, says("assistant", call("a")), mixed, sampling=SAMPLING, tools=[ir.Tool(name="f")])

    turns, losses = messages_of(request)

    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "text"]
    assert losses == [("/messages/2/content/0", "reordered")]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ([USER, says("assistant", call("a"))], "/messages/1/tool_calls/a"),
        ([USER, says("assistant", call("a")), says("user", "x")], "/messages/1/tool_calls/a"),
        ([USER, result("a")], "/messages/1"),
        ([USER, says("assistant", call("a")), result("a"), says("assistant", "x"), result("a")], "/messages/4"),
    ],
)
def test_a_call_without_result_or_result_without_call_is_refused_by_its_place(messages: Any, param: str) -> None:
    assert refused(foreign(*messages)).param == param


def test_calls_in_the_history_declare_their_tools() -> None:
    request = foreign(USER, says("assistant", call("a")), result("a"), sampling=SAMPLING)

    body, losses = encode(request)

    assert body["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
    assert losses == [("/messages/1/tool_calls/a", "synthesized")]


@pytest.mark.parametrize(
    ("arguments", "wire", "kinds"),
    [
        ("", {}, []),
        ('{"big": 12345678901234567890123}', {"big": 12345678901234567890123}, []),
        ('{"a": 1', {"_raw": '{"a": 1'}, ["emulated"]),
        ("[1]", {"_raw": "[1]"}, ["emulated"]),
    ],
)
def test_arguments_become_an_object(arguments: str, wire: Any, kinds: list[str]) -> None:
    request = foreign(
        USER, says("assistant", call("a", arguments)), result("a"), sampling=SAMPLING, tools=[ir.Tool(name="f")]
    )

    turns, losses = messages_of(request)

    assert turns[1]["content"][0]["input"] == wire
    assert [kind for _, kind in losses] == kinds


def test_ids_and_names_are_made_legal_and_the_answer_gets_them_back() -> None:
    long = "x" * 100
    tools = [ir.Tool(name=long), ir.Tool(name="functions.run")]
    request = foreign(
        USER, says("assistant", call("functions.Bash:0", name=long)), result("functions.Bash:0"), tools=tools
    )

    encoded = CODEC.encode_request(request, "m", Capabilities(), [])
    body = msgspec.json.decode(encoded.outgoing.body)
    use, answer = body["messages"][1]["content"][0], body["messages"][2]["content"][0]

    assert use["id"] == answer["tool_use_id"] == "tw_ZnVuY3Rpb25zLkJhc2g6MA"
    assert use["name"] == body["tools"][0]["name"]
    assert encoded.restore.names == {use["name"]: long, body["tools"][1]["name"]: "functions.run"}


def test_a_free_text_tool_goes_as_a_function_and_comes_back_as_free_text() -> None:
    tool = ir.Tool(kind="custom", name="patch", description="Edit.", grammar=ir.Grammar("lark", "start: x"), at="/t/0")
    request = foreign(
        USER, says("assistant", call("a", "raw", "patch", "custom")), result("a"), sampling=SAMPLING, tools=[tool]
    )
    losses: list[ir.Loss] = []
    encoded = CODEC.encode_request(request, "m", Capabilities(), losses)
    body = msgspec.json.decode(encoded.outgoing.body)
    answer = {
        "content": [{"type": "tool_use", "id": "b", "name": "patch", "input": {"input": "*** Begin"}}],
        "stop_reason": "tool_use",
    }
    decoded = CODEC.decode_response(msgspec.json.encode(answer), encoded.restore)

    assert body["tools"][0]["description"] == "Edit.\n\nstart: x"
    assert body["messages"][1]["content"][0]["input"] == {"input": "raw"}
    assert [loss.kind for loss in losses] == ["emulated", "emulated"]
    assert decoded.candidates[0].parts == [
        ir.ToolCall(id="b", name="patch", arguments="*** Begin", kind="custom", at="/content/0")
    ]


def test_an_allowed_subset_filters_the_tools() -> None:
    request = foreign(
        USER,
        sampling=SAMPLING,
        tools=[ir.Tool(name="f", at="/tools/0"), ir.Tool(name="g", at="/tools/1")],
        tool_choice=ir.ToolChoice(mode="required", names=["g"], kinds=["function"], allowed=True),
        parallel=False,
    )

    body, losses = encode(request)

    assert [tool["name"] for tool in body["tools"]] == ["g"]
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert losses == [("/tools/0", "info"), ("/tool_choice", "emulated")]


def test_web_search_goes_only_where_there_is_one() -> None:
    tool = ir.Tool(kind="server", protocol="openai-chat", type="web_search", raw=Raw(b"{}"), at="/web_search_options")
    request = foreign(USER, sampling=SAMPLING, tools=[tool])

    assert encode(request)[1] == [("/web_search_options", "unsupported")]
    assert encode(request, web_search=True)[0]["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]


def test_reasoning_of_another_origin_is_never_sent() -> None:
    foreign_state = ir.Opaque("signature", "s", ir.Origin("openai-chat"))
    own = ir.Opaque("signature", "mine", ir.Origin("anthropic-messages"))
    request = foreign(
        USER,
        says("assistant", ir.Reasoning(text="t", at="/r/0", opaque=(foreign_state,)), "a"),
        says("user", "b"),
        says("assistant", ir.Reasoning(text="u", at="/r/0", opaque=(own,)), "c"),
        says("user", "d"),
        sampling=SAMPLING,
    )

    turns, losses = messages_of(request)

    assert [block["type"] for block in turns[1]["content"]] == ["text"]
    assert turns[3]["content"][0] == {"type": "thinking", "thinking": "u", "signature": "mine"}
    assert losses == [("/messages/1/r/0", "reasoning_foreign")]


def test_thinking_is_off_inside_a_tool_loop_without_its_state() -> None:
    request = foreign(
        USER,
        says("assistant", call("a")),
        result("a"),
        sampling=SAMPLING,
        reasoning=ir.ReasoningConfig(effort="high"),
        tools=[ir.Tool(name="f")],
    )

    body, losses = encode(request)

    assert body["thinking"] == {"type": "disabled"}
    assert losses == [("/reasoning.effort", "synthesized")]


@pytest.mark.parametrize(
    ("effort", "capabilities", "max_tokens", "thinking", "config", "kinds"),
    [
        ("high", {}, 4000, {"type": "adaptive"}, {"effort": "high"}, []),
        ("minimal", {}, 4000, {"type": "adaptive"}, {"effort": "low"}, ["approximated"]),
        ("none", {}, 4000, {"type": "disabled"}, None, []),
        (
            "high",
            {"effort": False, "thinking": ("enabled",)},
            4000,
            {"type": "enabled", "budget_tokens": 3999},
            None,
            ["approximated"],
        ),
        ("low", {"effort": False, "thinking": ("enabled",)}, 500, None, None, ["dropped"]),
        ("low", {"effort": False, "thinking": ()}, 4000, None, None, ["unsupported"]),
    ],
)
def test_an_effort_becomes_what_the_model_takes(
    effort: Any, capabilities: Any, max_tokens: int, thinking: Any, config: Any, kinds: list[str]
) -> None:
    sampling = ir.Sampling(max_tokens=max_tokens)
    request = foreign(USER, sampling=sampling, reasoning=ir.ReasoningConfig(effort=effort))

    body, losses = encode(request, **capabilities)

    assert (body.get("thinking"), body.get("output_config")) == (thinking, config)
    assert [kind for _, kind in losses] == kinds


@pytest.mark.parametrize(
    ("sampling", "capabilities", "sent", "losses"),
    [
        ({"temperature": 1.7, "top_p": 0.9}, {}, {"temperature": 1.0, "top_p": 0.9}, [("/temperature", "clamped")]),
        (
            {"temperature": 0.5, "top_p": 0.9},
            {"sampling_pair": False},
            {"temperature": 0.5},
            [("/top_p", "dropped")],
        ),
        ({"temperature": 0.5}, {"sampling": False}, {}, [("/temperature", "dropped")]),
        ({"top_k": 3}, {"api_version": "2026-10-21"}, {}, [("/top_k", "dropped")]),
        ({"stop": ["a", " ", "b"]}, {}, {"stop_sequences": ["a", "b"]}, [("/stop", "dropped")]),
        ({"seed": 1, "n": 1}, {}, {}, [("/seed", "dropped")]),
    ],
)
def test_sampling_is_cut_to_what_the_target_takes(sampling: Any, capabilities: Any, sent: Any, losses: Any) -> None:
    body, lost = encode(foreign(USER, sampling=ir.Sampling(max_tokens=9, **sampling)), **capabilities)

    assert {name: value for name, value in body.items() if name not in ("model", "max_tokens", "messages")} == sent
    assert lost == losses


def test_the_version_is_the_older_one_only_for_sampling_parameters() -> None:
    def version(request: ir.Request) -> list[tuple[bytes, bytes]]:
        return CODEC.encode_request(request, "m", Capabilities(), []).outgoing.headers

    assert version(foreign(USER, sampling=ir.Sampling(max_tokens=1))) == [(b"anthropic-version", b"2026-10-21")]
    assert version(foreign(USER, sampling=ir.Sampling(top_p=1))) == [(b"anthropic-version", b"2023-06-01")]
    assert version(foreign(USER, betas=["b"], sampling=SAMPLING)) == [(b"anthropic-version", b"2026-10-21")]


def test_betas_go_on_when_the_client_spoke_this_protocol() -> None:
    headers = {b"anthropic-version": b"2023-06-01", b"anthropic-beta": b"a, b"}
    request = decode({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}, headers)

    encoded = CODEC.encode_request(request, "m", Capabilities(), [])

    assert request.betas == ["a", "b"]
    assert encoded.outgoing.headers == [(b"anthropic-version", b"2023-06-01"), (b"anthropic-beta", b"a,b")]


def test_thinking_excludes_sampling_and_forced_calls() -> None:
    request = decode(
        {
            "model": "m",
            "max_tokens": 4000,
            "temperature": 0,
            "top_k": 3,
            "top_p": 0.99,
            "thinking": {"type": "enabled", "budget_tokens": 5000},
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
            "messages": [{"role": "user", "content": "x"}],
        },
        {b"anthropic-version": b"2023-06-01"},
    )

    body, losses = encode(request)

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 3999}
    assert body["tool_choice"] == {"type": "auto"}
    assert "temperature" not in body
    assert "top_k" not in body
    assert body["top_p"] == 0.99
    assert losses == [
        ("/thinking/budget_tokens", "clamped"),
        ("/temperature", "dropped"),
        ("/top_k", "dropped"),
        ("/tool_choice", "approximated"),
    ]


def test_a_budget_over_max_tokens_stays_with_interleaved_thinking() -> None:
    body = {
        "model": "m",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 32000},
        "messages": [{"role": "user", "content": "x"}],
    }
    headers = {b"anthropic-version": b"2023-06-01", b"anthropic-beta": b"interleaved-thinking-2025-05-14"}

    assert encode(decode(body, headers)) == (body, [])


def test_only_the_last_four_cache_marks_are_kept() -> None:
    marked = [ir.Text(text=str(i), at=f"/content/{i}", cache=ir.CacheMark(1800)) for i in range(6)]

    turns, losses = messages_of(foreign(says("user", *marked), sampling=SAMPLING))

    assert ["cache_control" in block for block in turns[0]["content"]] == [False, False, True, True, True, True]
    assert turns[0]["content"][5]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert losses == [(f"/messages/0/content/{i}", "approximated") for i in range(6)] + [
        ("/messages/0/content/0", "dropped"),
        ("/messages/0/content/1", "dropped"),
    ]


def test_the_mark_of_an_empty_text_moves_to_the_next_part() -> None:
    empty = ir.Text(text="", at="/content/0", cache=ir.CacheMark())

    turns, losses = messages_of(foreign(says("user", empty, ir.Text(text="x", at="/content/1")), sampling=SAMPLING))

    assert turns[0]["content"] == [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]
    assert losses == [("/messages/0/content/0", "info"), ("/messages/0/content/0", "moved")]


def test_a_prefill_ends_without_white_space_or_is_refused() -> None:
    request = foreign(USER, says("assistant", "Answer: "), sampling=SAMPLING)

    turns, losses = messages_of(request)

    assert turns[1]["content"] == [{"type": "text", "text": "Answer:"}]
    assert losses == [("/messages/1/content", "approximated")]
    assert refused(request, prefill=False).param == "/messages/1"


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            ir.Media(kind="image", source=ir.Base64("iVBORw0KGgoAAA")),
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoAAA"}},
        ),
        (
            ir.Media(kind="image", source=ir.Url("https://e.example/a.png")),
            {"type": "image", "source": {"type": "url", "url": "https://e.example/a.png"}},
        ),
        (
            ir.Media(source=ir.Base64("JVBERi0="), mime="application/pdf", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                "title": "a.pdf",
            },
        ),
    ],
)
def test_media_that_the_service_takes(part: ir.Part, block: Any) -> None:
    assert messages_of(foreign(says("user", part), sampling=SAMPLING)) == (
        [{"role": "user", "content": [block]}],
        [],
    )


def test_a_text_file_goes_as_a_text_document() -> None:
    part = ir.Media(source=ir.Base64("aMOk"), mime="text/markdown", name="a.md", at="/content/0")

    assert messages_of(foreign(says("user", part), sampling=SAMPLING)) == (
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "text", "media_type": "text/plain", "data": "hä"},
                        "title": "a.md",
                    }
                ],
            }
        ],
        [("/messages/0/content/0", "approximated")],
    )


@pytest.mark.parametrize(
    "part",
    [
        ir.Media(kind="audio", source=ir.Base64("AAAA"), mime="audio/wav", at="/content/1"),
        ir.Media(kind="video", source=ir.Url("u"), at="/content/1"),
        ir.Media(kind="image", source=ir.Base64("AAAA"), mime="image/tiff", at="/content/1"),
        ir.Media(source=ir.FileId("file-1", "openai-chat"), at="/content/1"),
        ir.Media(source=ir.Base64("AAAA"), mime="application/zip", at="/content/1"),
        ir.Media(source=ir.Base64("gA=="), mime="text/plain", at="/content/1"),
    ],
)
def test_media_that_the_service_cannot_take_is_refused_by_its_place(part: ir.Part) -> None:
    assert refused(foreign(says("user", part))).param == "/messages/0/content/1"


def test_a_missing_output_limit_is_the_models() -> None:
    assert encode(foreign(USER), max_output=99)[0]["max_tokens"] == 99
    assert encode(foreign(USER))[1] == [("/max_tokens", "synthesized")]


def test_several_answers_and_held_conversations_are_refused() -> None:
    assert refused(foreign(USER, sampling=ir.Sampling(n=2))).param == "/n"
    assert refused(foreign(USER, state=ir.State(previous="r"))).kind == "invalid_request"
    threaded = refused(foreign(USER, state=ir.State(thread="create")))
    assert (threaded.code, threaded.param) == ("thread_unsupported_request", "/thread")


def test_extras_of_another_protocol_are_reported_and_never_sent() -> None:
    body, losses = encode(foreign(USER, sampling=SAMPLING, extras={"/zz": Raw(b"1")}))

    assert "zz" not in body
    assert losses == [("/zz", "dropped")]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        (b"[]", None),
        (b'{"messages":[]}', None),
        (b'{"model":1,"messages":[]}', "/model"),
        (b'{"model":"m","messages":[{"role":"tool","content":"x"}]}', "/messages/0/role"),
        (
            b'{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":1}]}]}',
            "/messages/0/content/0/text",
        ),
        (
            b'{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"","name":"f","input":1}]}]}',
            "/messages/0/content/0/input",
        ),
    ],
)
def test_bad_requests_are_refused_by_their_place(body: bytes, param: str | None) -> None:
    with pytest.raises(ir.FaultError) as caught:
        CODEC.decode_request(Incoming("/v1/messages", {}, body))

    assert (caught.value.fault.kind, caught.value.fault.param) == ("invalid_request", param)


def test_a_deeply_nested_body_is_refused() -> None:
    body = b'{"model":"m","messages":' + b"[" * 100_000

    with pytest.raises(ir.FaultError):
        CODEC.decode_request(Incoming("/v1/messages", {}, body))


def test_claude_codes_message_of_system_in_the_middle_is_kept_in_place() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "messages": [{"role": "user", "content": "x"}, {"role": "system", "content": "# Environment"}],
    }

    request = decode(body)

    assert [message.role for message in request.messages] == ["user", "system"]
    assert list(request.extras) == ["/context_management"]
    assert encode(request) == (body, [])
