"""`twoapi chat`."""

import json

import pytest

from twoapi.cli.conversation import Conversation, Server, Talker
from twoapi.ir import Delta, FaultError, PartEnd, PartStart, Reasoning, Text, ToolCall, plain
from twoapi.testing.canned import chat_answer
from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.replies import error_reply, json_reply, sse_reply

PROTOCOLS = ("openai-chat", "anthropic-messages")
DEMO = "This is the twoapi demo, not a model. You said: "


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_answer_with_its_usage(run, gateway, protocol):
    result = run("chat", "--protocol", protocol, "--base-url", gateway.url, "--once", "Hello there")
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        f"{DEMO}Hello there\n",
        "[2 tokens in, 12 out; stop]\n",
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_answer_as_json(run, gateway, protocol):
    result = run("chat", "--protocol", protocol, "--base-url", gateway.url, "--once", "Hello", "--json")
    assert (result.exit_code, json.loads(result.output)) == (
        0,
        {
            "model": "demo",
            "text": f"{DEMO}Hello",
            "reasoning": "",
            "tool_calls": [],
            "stop": "stop",
            "usage": {"input": 1, "output": 11},
        },
    )


def test_each_line_of_the_input_is_a_turn(run, gateway):
    result = run("chat", "--base-url", gateway.url, stdin="one\n\ntwo\n")
    assert (result.exit_code, result.stdout) == (0, f"{DEMO}one\n{DEMO}two\n")
    assert result.stderr.splitlines()[0] == (f"demo at {gateway.url}, openai-chat; Ctrl-C stops an answer, Ctrl-D ends")


def test_an_error_ends_a_script_of_turns(run, gateway):
    result = run("chat", "--base-url", gateway.url, "--json", stdin="demo:error 429\nnever said\n")
    assert (result.exit_code, json.loads(result.stdout)) == (
        1,
        {"error": {"kind": "rate_limited", "status": 429, "message": "demo: you asked for the error 429"}},
    )


def test_an_error_for_people(run, gateway):
    result = run("chat", "--base-url", gateway.url, "--model", "nothing", "--once", "Hello")
    assert (result.exit_code, result.stderr.startswith("error: there is no model 'nothing' here")) == (1, True)


def test_nobody_listening_is_told_with_what_to_do(run):
    url = f"http://127.0.0.1:{closed_port()}"
    result = run("chat", "--base-url", url, "--once", "Hello")
    hint = "start the gateway with `twoapi serve`, or give another --base-url"
    message = f"twoapi: {url}/v1 cannot be reached: Connection refused; {hint}\n"
    assert (result.exit_code, result.stderr) == (1, message)


def test_something_that_is_no_url_is_wrong_usage(run):
    assert run("chat", "--base-url", "nowhere", "--once", "Hello").exit_code == 2


def test_the_key_comes_from_the_environment(run):
    with FakeUpstream() as fake:
        fake.reply(sse_reply(STREAM))
        run("chat", "--base-url", f"http://127.0.0.1:{fake.port}", "--once", "Hello", TWOAPI_KEY="sk-mine")
    assert fake.requests[0].headers["authorization"] == "Bearer sk-mine"


def chunk(delta, **more) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}}
STREAM = b"".join(
    [
        chunk({"role": "assistant", "reasoning_content": "Hm."}),
        chunk({"content": "So: "}),
        chunk({"tool_calls": [CALL]}),
        chunk({}, finish_reason="tool_calls"),
        b"data: [DONE]\n\n",
    ]
)


def test_reasoning_and_calls_are_shown(run):
    with FakeUpstream() as fake:
        fake.reply(sse_reply(STREAM))
        result = run("chat", "--base-url", fake.base_url(), "--once", "Hello")
    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        'Hm.\nSo: \n[calls look {"at":1}]\n',
        "[usage unknown; tool_use]\n",
    )


def talk(fake: FakeUpstream) -> Conversation:
    return Conversation(Talker(Server.parse(fake.base_url(), "openai-chat", "k"), "openai-chat"), "m", "Be kind.")


def shapes(conversation: Conversation) -> list[tuple[str, list[str]]]:
    return [
        (message.role, [plain(part.text) for part in message.parts if isinstance(part, Text | Reasoning)])
        for message in conversation.messages
    ]


def test_a_turn_is_remembered_without_the_call_that_nobody_answers():
    with FakeUpstream() as fake:
        fake.reply(sse_reply(STREAM))
        conversation = talk(fake)
        response = conversation.say("Hello", lambda event: None)
    parts = response.candidates[0].parts
    assert [type(part) for part in parts] == [Reasoning, Text, ToolCall]
    assert shapes(conversation) == [("system", ["Be kind."]), ("user", ["Hello"]), ("assistant", ["Hm.", "So: "])]


def test_ctrl_c_keeps_what_has_come():
    def interrupt_at_text(event: object) -> None:
        if isinstance(event, Delta) and event.text == "So: ":
            raise KeyboardInterrupt

    with FakeUpstream() as fake:
        fake.reply(sse_reply(STREAM))
        conversation = talk(fake)
        response = conversation.say("Hello", interrupt_at_text)
    assert response.candidates[0].stop is None
    assert shapes(conversation)[-1] == ("assistant", ["Hm.", "So: "])


def test_an_error_takes_the_turn_back():
    with FakeUpstream() as fake:
        fake.reply(error_reply("openai-chat", 429, "slow down"))
        conversation = talk(fake)
        with pytest.raises(FaultError) as raised:
            conversation.say("Hello", lambda event: None)
    assert (raised.value.fault.kind, shapes(conversation)) == ("rate_limited", [("system", ["Be kind."])])


def test_a_stream_that_breaks_off_is_an_error():
    with FakeUpstream() as fake:
        fake.reply(sse_reply(STREAM[:300]))
        conversation = talk(fake)
        events: list[object] = []
        with pytest.raises(FaultError) as raised:
            conversation.say("Hello", events.append)
    assert raised.value.fault.kind == "upstream_error"
    assert not any(isinstance(event, PartEnd) for event in events)
    assert any(isinstance(event, PartStart) for event in events)


def test_an_answer_that_is_no_stream_is_an_error():
    with FakeUpstream() as fake:
        fake.reply(json_reply(chat_answer()))
        conversation = talk(fake)
        with pytest.raises(FaultError):
            conversation.say("Hello", lambda event: None)


@pytest.mark.parametrize(
    ("base_url", "protocol", "url", "header"),
    [
        ("http://127.0.0.1:8000", "openai-chat", "http://127.0.0.1:8000/v1", b"authorization"),
        ("http://127.0.0.1:8000/", "anthropic-messages", "http://127.0.0.1:8000", b"x-api-key"),
        ("https://example.com/some/v2", "openai-chat", "https://example.com/some/v2", b"authorization"),
    ],
)
def test_a_root_gets_the_path_of_the_vendor(base_url, protocol, url, header):
    server = Server.parse(base_url, protocol, "k")
    assert (server.url, [name for name, _ in server.headers]) == (url, [header])
