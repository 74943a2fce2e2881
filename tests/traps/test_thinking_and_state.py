"""Traps 64 to 77: thinking, signatures, sealed state."""

import pytest
from tests.gateway.wire import ALIASES, path
from tests.traps.conversion import (
    CHAT,
    DONE,
    GEMINI,
    MESSAGES,
    RESPONSES,
    Json,
    assistant,
    block,
    chat_answer,
    chat_body,
    chat_call,
    chat_result,
    chat_tool,
    chunk,
    completion,
    convert_answer,
    convert_request,
    convert_stream,
    in_chat,
    in_messages,
    message,
    messages_answer,
    messages_body,
    messages_tool,
    said,
    started,
    stopped,
    text,
    text_block,
    tool_result,
    tool_use,
    user,
)

from twoapi.ir import ENVELOPE_PREFIX, Opaque, Origin
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.canned import whole
from twoapi.testing.replies import json_reply
from twoapi.testing.strict import protocol_of

ASKED = chat_body(tools=[chat_tool()])
REDACTED = {"type": "redacted_thinking", "data": "SEALED"}


def thinking(words, signature):
    return {"type": "thinking", "thinking": words, "signature": signature}


def entry(words, signature, index=0):
    """A sealed piece of reasoning as chat clients see it."""
    return {
        "type": "reasoning.text",
        "text": words,
        "signature": carrier("signature", signature),
        "format": "anthropic-messages",
        "index": index,
    }


def carrier(kind, data):
    """What a chat client holds of an Anthropic upstream's state."""
    return PLAIN.seal((Opaque(kind, data, Origin(MESSAGES)),), MESSAGES)


def replayed(answer):
    """The message of an answer, as SDKs send it back: with all its empty members."""
    return answer["choices"][0]["message"]


def test_064_thinking_goes_through_a_chat_client_and_comes_back_word_for_word():
    blocks = [thinking("hmm", "SIG"), text("x"), tool_use("t1")]
    answer = messages_answer(*blocks, stop="tool_use")

    seen, losses = convert_answer(MESSAGES, CHAT, answer, ASKED)
    assert (seen, losses) == (
        completion(
            {
                "content": "x",
                "tool_calls": [chat_call("t1")],
                "reasoning_content": "hmm",
                "reasoning_details": [entry("hmm", "SIG")],
            },
            "tool_calls",
        ),
        [],
    )
    body = chat_body(
        user("q"), replayed(seen), chat_result("t1"), tools=[chat_tool()], max_tokens=2000, reasoning_effort="high"
    )
    assert convert_request(CHAT, MESSAGES, body) == (
        {
            **in_messages(user("q"), assistant(blocks), user([tool_result("t1")]), tools=[messages_tool()]),
            "max_tokens": 2000,
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "high"},
        },
        [],
    )


def test_064_thinking_that_the_upstream_cannot_take_is_a_loss():
    body = messages_body(user("q"), assistant([thinking("hmm", "SIG"), text("x")]), user("z"))

    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(user("q"), assistant("x"), user("z")),
        [("/messages/1/content/0", "dropped")],
    )
    assert convert_request(MESSAGES, CHAT, body, reasoning_field="reasoning_content") == (
        in_chat(user("q"), assistant("x", reasoning_content="hmm"), user("z")),
        [("/messages/1/content/0", "reasoning_foreign")],
    )


def test_065_empty_thinking_with_a_signature_is_state_and_stays():
    body = messages_body(
        user("q"),
        assistant([thinking("", "SIG"), text("x"), tool_use("t1")]),
        user([tool_result("t1")]),
        tools=[messages_tool()],
        thinking={"type": "enabled", "budget_tokens": 2000},
    )

    assert convert_request(MESSAGES, MESSAGES, body) == (body, [])


def test_066_redacted_thinking_goes_through_a_chat_client_and_comes_back():
    data = carrier("redacted", "SEALED")
    sealed = {"type": "reasoning.encrypted", "data": data, "format": "anthropic-messages", "index": 0}

    seen, losses = convert_answer(MESSAGES, CHAT, messages_answer(REDACTED, text("x")))
    assert (seen, losses) == (completion({"content": "x", "reasoning_details": [sealed]}, "stop"), [])
    assert convert_request(CHAT, MESSAGES, chat_body(user("q"), replayed(seen), user("z"), max_tokens=50)) == (
        in_messages(user("q"), assistant([REDACTED, text("x")]), user("z")),
        [],
    )
    assert convert_request(MESSAGES, CHAT, messages_body(user("q"), assistant([REDACTED, text("x")]), user("z"))) == (
        in_chat(user("q"), assistant("x"), user("z")),
        [("/messages/1/content/0", "reasoning_foreign")],
    )


def test_067_thinking_and_text_in_turns_keep_their_order_and_lose_no_text():
    blocks = [thinking("1", "S1"), text("a"), thinking("2", "S2"), tool_use("t1")]
    body = messages_body(user("q"), assistant(blocks), user([tool_result("t1")]), tools=[messages_tool()])

    assert convert_request(MESSAGES, MESSAGES, body) == (body, [])
    assert convert_request(MESSAGES, CHAT, body) == (
        in_chat(user("q"), assistant("a", tool_calls=[chat_call("t1")]), chat_result("t1"), tools=[chat_tool()]),
        [("/messages/1/content/0", "dropped"), ("/messages/1/content/2", "dropped")],
    )
    assert convert_answer(MESSAGES, CHAT, messages_answer(*blocks, stop="tool_use"), ASKED) == (
        completion(
            {
                "content": "a",
                "tool_calls": [chat_call("t1")],
                "reasoning_content": "1\n\n2",
                "reasoning_details": [entry("1", "S1"), entry("2", "S2", 1)],
            },
            "tool_calls",
        ),
        [],
    )


def test_068_a_sealed_blob_of_another_origin_is_withheld_and_never_shown_as_an_answer():
    said = assistant(
        "x",
        reasoning_content="hmm",
        reasoning_details=[{"type": "reasoning.encrypted", "data": "BLOB", "format": "openai-responses", "index": 0}],
    )

    assert convert_request(CHAT, MESSAGES, chat_body(user("q"), said, user("z"), max_tokens=50)) == (
        in_messages(user("q"), assistant("x"), user("z")),
        [
            ("/messages/1/reasoning_content", "reasoning_foreign"),
            ("/messages/1/reasoning_details/0", "reasoning_foreign"),
        ],
    )


def sealed_block():
    """The thinking block that an Anthropic client is shown of a chat upstream's reasoning."""
    seen, losses = convert_answer(CHAT, MESSAGES, chat_answer({"content": "x", "reasoning_content": "hmm"}))
    first = seen["content"][0]
    assert (seen, losses) == (message(thinking("hmm", first["signature"]), text("x")), [])
    assert first["signature"].startswith(ENVELOPE_PREFIX)
    return first


def test_073_reasoning_without_a_signature_is_sealed_by_us_and_stripped_again_upstream():
    first = sealed_block()
    body = messages_body(user("q"), assistant([first, text("x")]), user("z"))

    assert convert_request(MESSAGES, MESSAGES, body) == (
        {**in_messages(user("q"), assistant([text("x")]), user("z")), "max_tokens": 4000},
        [("/messages/1/content/0", "reasoning_foreign")],
    )
    assert convert_request(MESSAGES, CHAT, body, reasoning_field="reasoning_content") == (
        in_chat(user("q"), assistant("x", reasoning_content="hmm"), user("z")),
        [],
    )


def test_073_streamed_reasoning_gets_its_seal_before_its_block_ends():
    pieces = [
        chunk({"role": "assistant", "reasoning_content": "hm"}),
        chunk({"reasoning_content": "m"}),
        chunk({"content": "x"}),
        chunk({}, "stop"),
        DONE,
    ]

    assert convert_stream(CHAT, MESSAGES, pieces) == (
        [
            started(),
            *block(
                0,
                thinking("", ""),
                {"type": "thinking_delta", "thinking": "hm"},
                {"type": "thinking_delta", "thinking": "m"},
                {"type": "signature_delta", "signature": sealed_block()["signature"]},
            ),
            *text_block(1, "x"),
            *stopped("end_turn"),
        ],
        [("/usage", "info")],
    )


def test_074_an_effort_never_becomes_a_budget_that_exceeds_max_tokens():
    old = {"thinking": ("enabled", "disabled"), "effort": False}
    small = chat_body(reasoning_effort="high", max_tokens=500)
    large = chat_body(reasoning_effort="high", max_tokens=5000)

    assert convert_request(CHAT, MESSAGES, small) == (
        {**in_messages(thinking={"type": "adaptive"}, output_config={"effort": "high"}), "max_tokens": 500},
        [],
    )
    assert convert_request(CHAT, MESSAGES, small, **old) == (
        {**in_messages(), "max_tokens": 500},
        [("/reasoning_effort", "dropped")],
    )
    assert convert_request(CHAT, MESSAGES, large, **old) == (
        {**in_messages(thinking={"type": "enabled", "budget_tokens": 4999}), "max_tokens": 5000},
        [("/reasoning_effort", "approximated")],
    )


def test_075_thinking_between_tools_is_a_loss():
    assert convert_request(MESSAGES, CHAT, messages_body(thinking={"type": "between_tools"})) == (
        in_chat(),
        [("/thinking/type", "unsupported")],
    )


@pytest.mark.parametrize(
    ("effort", "sent", "losses"),
    [("max", "max", []), ("xhigh", "xhigh", []), ("minimal", "low", [("/reasoning_effort", "approximated")])],
)
def test_076_an_effort_is_sent_in_the_targets_own_words(effort, sent, losses):
    assert convert_request(CHAT, MESSAGES, chat_body(reasoning_effort=effort, max_tokens=50)) == (
        in_messages(thinking={"type": "adaptive"}, output_config={"effort": sent}),
        losses,
    )


def forgetful(words, **error):
    """An upstream that refuses state with these words, and answers a request without."""

    def answer(request):
        if b"FOREIGN" in request.body:
            return json_reply({"error": {"message": words, **error}, "type": "error"}, 400)
        return whole(protocol_of(request.path))

    return answer


SAYS_NO = {
    RESPONSES: forgetful("could not be verified", type="invalid_request_error", code="invalid_encrypted_content"),
    MESSAGES: forgetful("messages.1.content.0: Invalid `signature` in `thinking` block", type="invalid_request_error"),
    GEMINI: forgetful("Thought signature is not valid.", code=400, status="INVALID_ARGUMENT"),
}
FOREIGN: dict[str, Json] = {
    RESPONSES: {
        "input": [
            user("q"),
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "FOREIGN"},
            assistant("x"),
            user("z"),
        ]
    },
    MESSAGES: {"max_tokens": 99, "messages": [user("q"), assistant([thinking("hm", "FOREIGN"), text("x")]), user("z")]},
    GEMINI: {
        "contents": [
            said("user", "q"),
            said("model", {"text": "x", "thoughtSignature": "FOREIGN="}),
            said("user", "z"),
        ]
    },
}


@pytest.mark.parametrize("protocol", SAYS_NO)
def test_069_state_of_another_account_is_left_out_once_it_is_refused_and_told(running, protocol):
    alias = ALIASES[protocol]
    running.one.handler = SAYS_NO[protocol]
    asked = {**FOREIGN[protocol], **({} if protocol == GEMINI else {"model": alias})}

    answer = running.post(protocol, asked, None, path(protocol, alias))

    assert answer.status == 200
    assert "reasoning_foreign=1" in answer.headers["twoapi-losses"]
    refused, answered = running.one.requests
    assert b"FOREIGN" in refused.body  # it might have been its own
    assert b"FOREIGN" not in answered.body
    assert refused.headers.get("authorization") == answered.headers.get("authorization")  # no account has to suffer


@pytest.mark.parametrize("protocol", SAYS_NO)
def test_069_without_state_a_refusal_is_the_clients_affair(running, protocol):
    alias = ALIASES[protocol]
    no = {"message": "Invalid `signature` in `thinking` block", "code": "invalid_encrypted_content"}
    running.one.handler = lambda _: json_reply({"error": no, "type": "error"}, 400)
    asked = {**FOREIGN[protocol], **({} if protocol == GEMINI else {"model": alias})}

    answer = running.post(protocol, asked, None, path(protocol, alias))

    assert (answer.status, answer.json()["error"]["message"]) == (400, no["message"])
    assert len(running.one.requests) == (1 if protocol == GEMINI else 2)
    assert running.two.requests == []
