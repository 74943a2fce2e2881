"""The bodies have the sizes that are promised, and a gateway that does wrong is found out."""

import msgspec
from bench import bodies, canned
from bench.checks import fault_in_answer, fault_in_request

CHAT = b"".join(canned.chat_events(5))
MESSAGES = b"".join(canned.messages_events(5))


def test_the_small_request_has_about_1200_bytes_and_the_big_one_216_000() -> None:
    for make in (bodies.chat_body, bodies.messages_body):
        assert 1150 < len(make("bench-chat")) < 1350
        assert 214_000 < len(make("bench-chat", big=True)) < 218_000


def test_the_big_request_has_51_turns_and_60_tools_in_both_protocols() -> None:
    chat = msgspec.json.decode(bodies.chat_body("m", big=True))
    messages = msgspec.json.decode(bodies.messages_body("m", big=True))
    assert [len(chat["messages"]) - 1, len(chat["tools"])] == [51, 60]
    assert [len(messages["messages"]), len(messages["tools"])] == [51, 60]


def test_the_canned_answers_are_right() -> None:
    def fault(protocol: str, answer: bytes, *, stream: bool) -> str | None:
        return fault_in_answer(protocol, stream=stream, words=5, answer=answer)

    assert fault("openai-chat", canned.chat_answer(), stream=False) is None
    assert fault("openai-chat", CHAT, stream=True) is None
    assert fault("anthropic-messages", canned.messages_answer(), stream=False) is None
    assert fault("anthropic-messages", MESSAGES, stream=True) is None


def test_a_stream_without_its_end_mark_is_wrong() -> None:
    chat, messages = CHAT.replace(b"data: [DONE]\n\n", b""), MESSAGES.replace(b"message_stop", b"ping")
    assert fault_in_answer("openai-chat", stream=True, words=5, answer=chat)
    assert fault_in_answer("anthropic-messages", stream=True, words=5, answer=messages)


def test_a_lost_word_and_a_wrong_count_of_tokens_are_wrong() -> None:
    assert fault_in_answer("openai-chat", stream=True, words=6, answer=CHAT)
    answer = canned.chat_answer().replace(b'"prompt_tokens":1117', b'"prompt_tokens":0')
    assert fault_in_answer("openai-chat", stream=False, words=0, answer=answer)


def test_the_requests_themselves_hold_what_the_upstream_must_get() -> None:
    for big in (False, True):
        assert fault_in_request("openai-chat", big=big, request=bodies.chat_body("m", big=big)) is None
        assert fault_in_request("anthropic-messages", big=big, request=bodies.messages_body("m", big=big)) is None


def test_a_request_that_lost_a_turn_or_a_tool_is_wrong() -> None:
    body = msgspec.json.decode(bodies.chat_body("m", big=True))
    for shorter in (body | {"messages": body["messages"][:-1]}, body | {"tools": body["tools"][1:]}):
        assert fault_in_request("openai-chat", big=True, request=msgspec.json.encode(shorter))
