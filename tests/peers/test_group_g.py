"""Rows G1-G21: parameters."""

import pytest
from tests.peers.pairs import (
    CHAT_TO_CHAT,
    CHAT_TO_MSG,
    MSG_TO_CHAT,
    MSG_TO_MSG,
    USER,
    chat_answer,
    function_tool,
)

from twoapi.ir import FaultError
from twoapi.testing.canned import request_body

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def refused(pair, extra: dict) -> str | None:
    with pytest.raises(FaultError) as raised:
        pair.fields(extra)
    assert raised.value.fault.http_status == 400
    return raised.value.fault.param


@pytest.mark.parametrize(
    ("chat", "native", "lost"),
    [
        ("auto", "auto", []),
        ("default", "standard_only", []),
        ("priority", "auto", [("/service_tier", "approximated")]),
        ("flex", None, [("/service_tier", "unsupported")]),
    ],
)
def test_g01_a_tier_never_becomes_a_dearer_one(chat, native, lost):
    fields, losses = CHAT_TO_MSG.fields({"service_tier": chat})
    assert (fields, losses) == ({} if native is None else {"service_tier": native}, lost)


@pytest.mark.parametrize(("native", "chat"), [("auto", "auto"), ("standard_only", "default")])
def test_g01_nor_on_the_way_to_a_chat_upstream(native, chat):
    assert MSG_TO_CHAT.fields({"service_tier": native}) == ({"service_tier": chat}, [])


def test_g02_what_only_one_protocol_has_is_reported_to_its_client():
    fields, losses = MSG_TO_CHAT.fields({"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 2000}})
    assert fields == {"reasoning_effort": "low"}
    assert losses == [("/top_k", "dropped"), ("/thinking/budget_tokens", "approximated")]
    both = {"output_config": {"effort": "high"}, "thinking": {"type": "enabled", "budget_tokens": 2000}}
    fields, losses = MSG_TO_CHAT.fields(both)
    assert (fields, losses) == ({"reasoning_effort": "high"}, [("/thinking/budget_tokens", "dropped")])


def test_g03_an_answer_in_json_is_asked_for_by_schema_or_reported():
    assert CHAT_TO_MSG.fields({"response_format": {"type": "json_object"}}) == (
        {},
        [("/response_format", "unsupported")],
    )
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    fields, losses = CHAT_TO_MSG.fields({"response_format": form})
    assert fields == {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    assert losses == [
        ("/response_format/json_schema/name", "info"),
        ("/response_format/json_schema/strict", "dropped"),
    ]


def test_g04_stop_strings_cross_and_those_over_the_limit_are_reported():
    assert CHAT_TO_MSG.fields({"stop": ["a", "b"]}) == ({"stop_sequences": ["a", "b"]}, [])
    assert CHAT_TO_MSG.fields({"stop": "a"}) == ({"stop_sequences": ["a"]}, [])
    many = list("abcdef")
    fields, losses = MSG_TO_CHAT.fields({"stop_sequences": many})
    assert fields == {"stop": many[:4]}
    assert losses == [("/stop_sequences/4", "dropped"), ("/stop_sequences/5", "dropped")]
    assert CHAT_TO_MSG.fields({"stop": ["a", "\n"]}) == ({"stop_sequences": ["a"]}, [("/stop", "dropped")])


def test_g05_an_output_limit_that_the_service_demands_is_the_models_own_or_reported():
    body, losses = CHAT_TO_MSG.request(request_body("openai-chat", "m"), max_output=64000)
    assert (body["max_tokens"], losses) == (64000, [])
    body, losses = CHAT_TO_MSG.request(request_body("openai-chat", "m"))
    assert (body["max_tokens"], losses) == (16384, [("/max_completion_tokens", "synthesized")])
    assert "max_completion_tokens" not in CHAT_TO_CHAT.request(request_body("openai-chat", "m"))[0]


def test_g06_sampling_is_not_sent_to_a_model_that_refuses_it():
    asked = {"temperature": 0.5, "top_p": 0.9}
    lost = [("/temperature", "dropped"), ("/top_p", "dropped")]
    assert CHAT_TO_MSG.fields(asked, sampling=False) == ({}, lost)
    assert CHAT_TO_MSG.fields(asked, api_version="2026-10-21") == ({}, lost)
    assert MSG_TO_CHAT.fields(asked, sampling=False) == ({}, lost)


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_g07_the_output_limit_has_the_name_that_the_server_knows(field):
    body, losses = MSG_TO_CHAT.request(request_body("anthropic-messages", "m"), max_tokens_field=field)
    assert body == {"model": "up", "messages": [USER], field: 100}
    assert losses == []
    asked = {"model": "m", "messages": [USER], "max_completion_tokens": 7}
    assert CHAT_TO_CHAT.request(asked, max_tokens_field="max_tokens")[0]["max_tokens"] == 7


def test_g08_the_least_effort_stays_where_it_exists():
    assert CHAT_TO_CHAT.fields({"reasoning_effort": "minimal"}) == ({"reasoning_effort": "minimal"}, [])
    fields, losses = CHAT_TO_MSG.fields({"reasoning_effort": "minimal"})
    assert fields == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    assert losses == [("/reasoning_effort", "approximated")]


def test_g09_a_tier_that_is_left_out_is_reported():
    assert CHAT_TO_MSG.fields({"service_tier": "scale"}) == ({}, [("/service_tier", "unsupported")])
    assert CHAT_TO_CHAT.fields({"service_tier": "scale"}) == ({"service_tier": "scale"}, [])


def test_g10_what_an_answer_brings_beside_its_text_is_reported_when_it_has_no_place():
    answer = chat_answer({"content": "a"}, service_tier="default", system_fingerprint="fp", safety={"x": 1})
    tokens = [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}]
    answer["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    message, losses = MSG_TO_CHAT.whole(answer)
    assert message["content"] == [{"type": "text", "text": "a"}]
    assert message["usage"]["service_tier"] == "standard"
    assert {("/safety", "dropped"), ("/choices/0/message/content", "dropped")} <= set(losses)


FOREIGN = {
    "frequency_penalty": 0.5,
    "presence_penalty": 0.5,
    "seed": 1,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "top_logprobs": 2,
    "verbosity": "low",
    "store": True,
    "metadata": {"a": "b"},
    "prediction": {"type": "content", "content": "x"},
    "moderation": {"model": "x"},
    "brand_new": 1,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_g11_every_parameter_reaches_the_upstream_or_the_report(name):
    asked = {name: FOREIGN[name]}
    assert CHAT_TO_CHAT.fields(asked) == (asked, [])
    assert CHAT_TO_MSG.fields(asked) == ({}, [(f"/{name}", "dropped")])


def test_g12_who_the_user_is_crosses_and_what_has_no_place_is_reported():
    marked = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    asked = {"messages": [{"role": "user", "content": [marked]}], "metadata": {"user_id": "u-1"}, "top_k": 3}
    fields, losses = MSG_TO_CHAT.fields(asked)
    part = {"type": "text", "text": "hi", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert fields == {"messages": [{"role": "user", "content": [part]}], "safety_identifier": "u-1"}
    assert losses == [("/top_k", "dropped")]
    fields, losses = MSG_TO_CHAT.fields(asked, cache_marks=False)
    assert fields == {"safety_identifier": "u-1"}
    assert losses == [("/messages/0/content/0", "dropped"), ("/top_k", "dropped")]
    for name in ("user", "safety_identifier"):
        assert CHAT_TO_MSG.fields({name: "u-1"}) == ({"metadata": {"user_id": "u-1"}}, [])


def test_g13_strictness_and_arguments_cross_as_they_are():
    fields, losses = CHAT_TO_MSG.fields({"tools": [function_tool("f", SCHEMA, strict=True)]})
    assert (fields, losses) == ({"tools": [{"name": "f", "input_schema": SCHEMA, "strict": True}]}, [])
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"a":"{\\"b\\":1}"}'}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    history = [USER, said, {"role": "tool", "tool_call_id": "a", "content": "1"}]
    sent = CHAT_TO_MSG.fields({"messages": history, "tools": [function_tool("f", SCHEMA)]})[0]["messages"][1]
    assert sent["content"][0]["input"] == {"a": '{"b":1}'}


def test_g14_the_form_of_the_answer_reaches_a_chat_upstream():
    form = {"type": "json_schema", "schema": SCHEMA}
    fields, losses = MSG_TO_CHAT.fields({"output_config": {"format": form}})
    named = {"name": "response", "schema": SCHEMA, "strict": True}
    assert fields == {"response_format": {"type": "json_schema", "json_schema": named}}
    assert losses == [("/output_config/format/schema", "info")]


def test_g15_a_cache_key_and_counts_of_alternatives_are_reported_not_swallowed():
    asked = {"prompt_cache_key": "k", "logprobs": True, "top_logprobs": 3, "metadata": {"a": "b"}}
    fields, losses = CHAT_TO_MSG.fields(asked)
    assert fields == {}
    assert sorted(losses) == [
        ("/logprobs", "dropped"),
        ("/metadata", "dropped"),
        ("/prompt_cache_key", "info"),
        ("/top_logprobs", "dropped"),
    ]


def test_g17_several_answers_are_refused_where_there_is_one():
    assert refused(CHAT_TO_MSG, {"n": 2}) == "/n"
    assert CHAT_TO_MSG.fields({"n": 1}) == ({}, [])
    assert CHAT_TO_CHAT.fields({"n": 2}) == ({"n": 2}, [])


def test_g18_both_sampling_parameters_cross_where_both_are_taken():
    asked = {"temperature": 0.5, "top_p": 0.9}
    assert CHAT_TO_MSG.fields(asked) == (asked, [])
    fields, losses = CHAT_TO_MSG.fields(asked, sampling_pair=False)
    assert (fields, losses) == ({"temperature": 0.5}, [("/top_p", "dropped")])
    assert CHAT_TO_MSG.fields({"temperature": 1.7}) == ({"temperature": 1.0}, [("/temperature", "clamped")])


def test_g20_a_message_of_sound_alone_is_refused_by_its_place():
    sound = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
    assert refused(CHAT_TO_MSG, {"messages": [{"role": "user", "content": [sound]}]}) == "/messages/0/content/0"
    asked = {"messages": [{"role": "user", "content": [sound]}]}
    assert CHAT_TO_CHAT.fields(asked) == (asked, [])


def test_g21_nothing_is_lost_between_ends_of_one_protocol():
    chat = {"top_p": 0.5, "temperature": 1.5, "frequency_penalty": 0.1, "presence_penalty": -0.1, "stop": ["a"]}
    assert CHAT_TO_CHAT.fields(chat) == (chat, [])
    native = {"top_p": 0.5, "top_k": 3, "stop_sequences": ["a"], "service_tier": "auto", "brand_new": {"a": 1}}
    assert MSG_TO_MSG.fields(native) == (native, [])
