"""Rows J1-J12: Responses clients, Codex first of all, in front of upstreams that speak something else."""

import http.client
import json
from typing import Any

import pytest
from tests.gateway.conftest import Answer, Bench
from tests.gateway.wire import ALIASES
from tests.peers.gateways import CHAT, GEMINI, MESSAGES, RESPONSES, documents
from tests.peers.pairs import EVERY_PAIR, Json, chat_answer, chat_call, message_answer
from tests.peers.vendors import function_call, function_output

from twoapi.testing.canned import stream, whole
from twoapi.testing.replies import json_reply
from twoapi.testing.scripted_model import Scenario, ScriptedModel

# Upstreams that keep no conversations.
STATELESS = (CHAT, MESSAGES, GEMINI)
each_stateless = pytest.mark.parametrize("upstream", STATELESS, ids=[ALIASES[one] for one in STATELESS])
each_upstream = pytest.mark.parametrize("upstream", ALIASES, ids=ALIASES.values())
either = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])

LOOK = {"type": "function", "name": "look", "strict": False, "parameters": {"type": "object", "properties": {}}}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}


def respond(running: Bench, upstream: str, said: Json, *, streaming: bool = False, **more: Json) -> Json:
    """The response to a request, whole or at the end of its stream."""
    body = {"model": ALIASES[upstream], "input": said, "stream": streaming, **more}
    answer = running.post(RESPONSES, body)
    assert answer.status == 200, answer.body
    if not streaming:
        return answer.json()
    events = documents(answer.body)
    assert events[-1]["type"] in ("response.completed", "response.incomplete")
    return events[-1]["response"]


def words(text: str) -> dict[str, Json]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def sent(running: Bench) -> list[str]:
    """What reached the upstream, as text."""
    return [request.body.decode() for request in running.one.requests]


@each_stateless
@either
def test_j01_a_follow_up_knows_the_conversation(running, upstream, streaming):
    reply = stream if streaming else whole
    running.one.reply(reply(upstream, "it is Zürich"), reply(upstream, "yes"))
    first = respond(running, upstream, "which town?", streaming=streaming)
    respond(running, upstream, "are you sure?", streaming=streaming, previous_response_id=first["id"])
    second = sent(running)[1]
    places = [second.index(text) for text in ("which town?", "it is Z", "are you sure?")]
    assert places == sorted(places)


@each_stateless
def test_j02_it_does_so_at_once(running, upstream):
    running.one.reply(*[whole(upstream, f"answer {number}") for number in range(6)])
    told: dict[str, Json] = {}
    for number in range(6):
        told["previous_response_id"] = respond(running, upstream, f"question {number}", **told)["id"]
    last = sent(running)[-1]
    assert all(f"question {number}" in last for number in range(6))
    assert all(f"answer {number}" in last for number in range(5))


@each_upstream
def test_j03_one_answer_has_one_id_and_a_list_of_items_is_kept_whole(running, upstream):
    running.one.reply(stream(upstream, "a"), stream(upstream, "b"))
    body = {"model": ALIASES[upstream], "input": [words("first"), words("second")], "stream": True}
    events = documents(running.post(RESPONSES, body).body)
    ids = {event["response"]["id"] for event in events if "response" in event}
    assert len(ids) == 1
    if upstream in STATELESS:
        respond(running, upstream, [words("third")], streaming=True, previous_response_id=ids.pop())
        assert all(text in sent(running)[1] for text in ("first", "second", "third"))


@each_upstream
@either
def test_j04_calls_and_cut_answers_are_told_as_what_they_are(running, upstream, streaming):
    running.one.handler = ScriptedModel(Scenario(calls=1, reasoning=""))
    called = respond(running, upstream, "look", streaming=streaming, tools=[LOOK])
    (call,) = [item for item in called["output"] if item["type"] == "function_call"]
    assert (call["name"], call["status"], called["status"]) == ("look", "completed", "completed")
    running.one.handler = ScriptedModel(Scenario(stop="max_tokens", reasoning="", final="cut he"))
    cut = respond(running, upstream, "go on", streaming=streaming)
    assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    running.one.handler = None


@each_upstream
def test_j04_events_have_their_documented_names(running, upstream):
    running.one.reply(stream(upstream, "hel", "lo"))
    asked = {"model": ALIASES[upstream], "input": "hi", "stream": True}
    names = [event["type"] for event in documents(running.post(RESPONSES, asked).body)]
    assert [name for name in names if name.endswith(".delta")] == ["response.output_text.delta"] * 2
    assert names[:2] == ["response.created", "response.in_progress"]


@each_upstream
def test_j05_responses_is_spoken_in_front_of_every_upstream(running, upstream):
    running.one.reply(whole(upstream, "hello"))
    assert respond(running, upstream, "hi")["output"][-1]["content"][0]["text"] == "hello"


@each_upstream
@either
def test_j06_a_tool_of_free_text_works_where_tools_take_json(running, upstream, streaming):
    running.one.handler = ScriptedModel(Scenario(calls=1, reasoning="", final="{results}"))
    called = respond(running, upstream, "patch it", streaming=streaming, tools=[PATCH], store=False)
    (call,) = [item for item in called["output"] if item["type"] == "custom_tool_call"]
    assert call["name"] == "apply_patch"
    assert isinstance(call["input"], str)
    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "patched"}
    said = respond(
        running, upstream, [words("patch it"), call, result], streaming=streaming, tools=[PATCH], store=False
    )
    assert said["output"][-1]["content"][0]["text"] == "patched"
    running.one.handler = None


def test_j07_a_compacted_conversation_is_one_item_there_and_back(running):
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbGVk"}
    compacted = {"id": "resp_c", "object": "response.compaction", "created_at": 1, "output": [item], "usage": None}
    running.one.reply(json_reply(compacted), whole(RESPONSES, "on we go"))
    body = {"model": "responses", "input": [words("a long story")]}
    answer = running.post(RESPONSES, body, path="/v1/responses/compact")
    assert [one["type"] for one in answer.json()["output"]] == ["compaction"]
    respond(running, RESPONSES, [*answer.json()["output"], words("and then?")])
    assert running.one.requests[1].json()["input"][0] == item


@each_stateless
def test_j07_elsewhere_it_is_withheld_and_said_so(running, upstream):
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbGVk"}
    running.one.reply(whole(upstream, "hm"))
    body = {"model": ALIASES[upstream], "input": [item, words("and then?")]}
    answer = running.post(RESPONSES, body, {"twoapi-report": "full"})
    assert answer.status == 200, answer.body
    assert "c2VhbGVk" not in sent(running)[0]
    assert "/input/0" in answer.headers["twoapi-loss-report"]


@each_stateless
def test_j08_an_item_that_is_no_message_does_not_become_an_empty_one(running, upstream):
    more = {"type": "additional_tools", "role": "developer", "tools": [{**LOOK, "name": "peek"}]}
    running.one.reply(whole(upstream, "fine"))
    body = {"model": ALIASES[upstream], "input": [words("hi"), more], "tools": [LOOK]}
    answer = running.post(RESPONSES, body, {"twoapi-report": "full"})
    assert answer.status == 200, answer.body
    upstream_body = running.one.requests[0].json()
    turns = upstream_body.get("messages") or upstream_body["contents"]
    assert len(turns) == 1
    assert '"peek"' in sent(running)[0] or "/input/1" in answer.headers["twoapi-loss-report"]


def test_j09_codex_gets_a_list_of_models_that_it_reads(running):
    connection = http.client.HTTPConnection("127.0.0.1", running.gateway.port, timeout=20)
    connection.request("GET", "/v1/models?client_version=0.169.0")
    document: Any = json.loads(connection.getresponse().read())
    connection.close()
    assert {model["slug"] for model in document["models"]} >= set(ALIASES.values())
    for model in document["models"]:
        assert model["visibility"] == "list"
        assert {"supported_reasoning_levels", "shell_type", "truncation_policy", "base_instructions"} <= set(model)


@pytest.mark.parametrize("pair", EVERY_PAIR, ids=[pair.heading for pair in EVERY_PAIR])
def test_j10_calls_and_results_of_the_history_reach_every_upstream(pair):
    histories: dict[str, dict[str, Json]] = {
        CHAT: {
            "messages": [
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": None, "tool_calls": [chat_call("call_1", "look", '{"at":"x"}')]},
                {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
            ]
        },
        RESPONSES: {
            "input": [words("look"), function_call("call_1", "look", '{"at":"x"}'), function_output("call_1", "seen")]
        },
        MESSAGES: {
            "max_tokens": 100,
            "messages": [
                {"role": "user", "content": "look"},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": "x"}}],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "seen"}]},
            ],
        },
        GEMINI: {
            "contents": [
                {"role": "user", "parts": [{"text": "look"}]},
                {"role": "model", "parts": [{"functionCall": {"id": "call_1", "name": "look", "args": {"at": "x"}}}]},
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"id": "call_1", "name": "look", "response": {"output": "seen"}}}],
                },
            ]
        },
    }
    asked = histories[pair.client.name]
    if pair.client.name != GEMINI:
        asked = {"model": "m", **asked}
    body, _ = pair.request(asked)
    text = json.dumps(body)
    assert text.count('"look"') >= 2  # the question, and the call
    assert "seen" in text
    assert '"at"' in text.replace("\\", "")


def test_j11_a_server_without_responses_is_asked_in_chat(running):
    running.one.reply(json_reply(chat_answer({"content": "hello"})))
    assert respond(running, CHAT, "hi")["status"] == "completed"
    assert [request.path for request in running.one.requests] == ["/v1/chat/completions"]


@each_upstream
@pytest.mark.parametrize(
    "broken",
    [
        {"type": "function_call", "name": "look"},
        {"type": "custom_tool_call_output", "call_id": 5, "output": "x"},
        "text",
    ],
    ids=["no id", "a number for an id", "no item"],
)
def test_j12_a_call_beside_a_broken_item_fails_with_it(running, upstream, broken):
    if upstream == RESPONSES:
        refusal = {
            "error": {"message": "input[1] is wrong", "type": "invalid_request_error", "param": None, "code": None}
        }
        running.one.reply(json_reply(refusal, 400))  # relayed: the vendor says no itself
    action = {"type": "exec", "command": ["ls"], "env": {}}
    shell = {"type": "local_shell_call", "id": "ls_1", "call_id": "c1", "status": "completed", "action": action}
    body = {"model": ALIASES[upstream], "input": [words("hi"), shell, broken]}
    answer: Answer = running.post(RESPONSES, body)
    assert answer.status == 400, answer.body
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert len(running.one.requests) == (upstream == RESPONSES)


def test_j12_an_answer_with_a_broken_call_beside_a_good_one_is_not_cut_down_to_the_good_one(running):
    calls = [chat_call("c1", "look", "{}"), chat_call("c2", "look", '{"a": ')]
    running.one.reply(json_reply(chat_answer({"content": None, "tool_calls": calls}, "tool_calls")))
    told = respond(running, CHAT, "look twice", tools=[LOOK])
    assert [item["arguments"] for item in told["output"]] == ["{}", '{"a": ']
    good = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    running.one.reply(json_reply(message_answer(good, {**good, "id": "c2"}, stop="tool_use")))
    told = respond(running, MESSAGES, "look twice", tools=[LOOK])
    assert [item["call_id"] for item in told["output"]] == ["c1", "c2"]
