"""State over several turns: through clients that carry nothing, on any worker, after a kill, from any origin."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.sites import ANN, BOB, SIGNATURE, Site, data_lines, post

from twoapi.testing.running_gateway import RunningGateway

THOUGHT = {"type": "thinking", "thinking": "Let me think.", "signature": SIGNATURE}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}}}
CHAT_TOOL = {"type": "function", "function": {"name": "look", "parameters": TOOL["input_schema"]}}


@pytest.fixture
def site(tmp_path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path / "t.db")


def ask_chat(
    gateway: RunningGateway, messages: list[Any], model: str = "messages", who: Any = ANN, **fields: Any
) -> Any:
    """The message of the answer, whole or streamed, with nothing that is not the vendor's own."""
    body = {"model": model, "messages": messages, "tools": [CHAT_TOOL], "reasoning_effort": "high", **fields}
    answer = post(gateway.port, "openai-chat", body, who)
    assert answer.status == 200, answer.body
    if not fields.get("stream"):
        said = answer.json()["choices"][0]["message"]
    else:
        said = {"content": "", "tool_calls": []}
        deltas = [choice["delta"] for chunk in data_lines(answer) for choice in chunk["choices"]]
        said["content"] = "".join(delta.get("content") or "" for delta in deltas)
        for call in (call for delta in deltas for call in delta.get("tool_calls", ())):
            if "id" in call:
                said["tool_calls"].append({**call, "function": dict(call["function"])})
            else:
                said["tool_calls"][-1]["function"]["arguments"] += call["function"]["arguments"]
    known = {name: said[name] for name in ("content", "tool_calls") if said.get(name)}
    return {"role": "assistant", **known}


def results(message: Any) -> list[Any]:
    return [{"role": "tool", "tool_call_id": call["id"], "content": "seen"} for call in message["tool_calls"]]


def thoughts(body: Any) -> list[Any]:
    """The thinking blocks that an Anthropic upstream got."""
    turns = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
    return [block for turn in turns if isinstance(turn, list) for block in turn if "thinking" in block["type"]]


QUESTION = {"role": "user", "content": "where?"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_three_turns_of_a_client_that_carries_nothing_keep_their_signatures_on_any_worker(site, stream) -> None:
    site.plays(reasoning="Let me think.", signature=SIGNATURE, calls=2, rounds=2, final="There. {results}")
    gateways = site.gateway(), site.gateway()
    said = [QUESTION]
    for turn in range(2):
        message = ask_chat(gateways[turn % 2], said, stream=stream)
        said += [message, *results(message)]
    final = ask_chat(gateways[0], said, stream=stream)
    assert final["content"].startswith("There.")
    ask_chat(gateways[1], [*said, final, QUESTION], stream=stream)
    bodies = [request.json() for request in site.one.requests]
    assert [thoughts(body) for body in bodies] == [[THOUGHT] * count for count in range(4)]
    for earlier, later in pairwise(bodies):  # what was said stays as it was, for prompt caches
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]


def test_a_turn_without_calls_is_found_by_its_history(site) -> None:
    site.plays(reasoning="Let me think.", signature=SIGNATURE, final="There.")
    gateway = site.gateway()
    message = ask_chat(gateway, [{"role": "system", "content": "It is 10:00."}, QUESTION])
    more = [{"role": "system", "content": "It is 10:01."}, QUESTION, message, {"role": "user", "content": "sure?"}]
    ask_chat(gateway, more)
    assert thoughts(site.one.requests[-1].json()) == [THOUGHT]
    ask_chat(gateway, [{"role": "user", "content": "another question"}, *more[2:]])
    assert thoughts(site.one.requests[-1].json()) == []


def test_state_is_its_clients_alone_and_its_providers_alone(site) -> None:
    site.plays(reasoning="Let me think.", signature=SIGNATURE, final="There.")
    gateway = site.gateway()
    said = [QUESTION, ask_chat(gateway, [QUESTION]), {"role": "user", "content": "sure?"}]
    ask_chat(gateway, said, who=BOB)
    assert thoughts(site.one.requests[-1].json()) == []
    ask_chat(gateway, said, model="other-messages")
    assert thoughts(site.two.requests[-1].json()) == []
    assert SIGNATURE.encode() not in site.two.requests[-1].body
    ask_chat(gateway, said)
    assert thoughts(site.one.requests[-1].json()) == [THOUGHT]


def test_carriers_are_their_clients_alone_and_never_go_upstream(site) -> None:
    site.plays(reasoning="Hm.", final="There.")
    gateway = site.gateway()
    asked = {"model": "chat", "max_tokens": 100, "messages": [QUESTION]}
    content = post(gateway.port, "anthropic-messages", asked, ANN).json()["content"]
    assert content[0]["signature"].startswith("tw1.")
    again = {**asked, "messages": [QUESTION, {"role": "assistant", "content": content}, QUESTION]}
    for who, lost in ((ANN, ""), (BOB, "reasoning_foreign")):
        for model in ("chat", "messages"):
            answer = post(gateway.port, "anthropic-messages", {**again, "model": model}, who)
            assert answer.status == 200
            assert lost in answer.headers["twoapi-losses"]
            assert b"tw1." not in site.one.requests[-1].body
    content[0]["signature"] = content[0]["signature"][:-8] + "AAAAAAAA"
    assert "reasoning_foreign" in post(gateway.port, "anthropic-messages", again, ANN).headers["twoapi-losses"]


# --- Conversations that clients go on from by an id


def thread(kind: str, previous: str | None = None) -> Any:
    return {"type": kind, **({} if previous is None else {"previous_message_id": previous})}


def ask_in_thread(gateway: RunningGateway, messages: Any, at: Any, who: Any = ANN, **fields: Any) -> Any:
    body = {"model": "chat", "max_tokens": 100, "messages": messages, "thread": at, **fields}
    return post(gateway.port, "anthropic-messages", body, {**who, "anthropic-beta": "message-threads-2026-08-12"})


def identity(answer: Any, *, stream: bool) -> str:
    if not stream:
        return str(answer.json()["id"])
    return str(data_lines(answer)[0]["message"]["id"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_thread_goes_on_over_an_upstream_without_threads_on_any_worker(site, stream) -> None:
    site.plays(calls=1, final="There. {results}")
    gateways = site.gateway(), site.gateway()
    fields = {"system": "Be brief.", "tools": [TOOL], "stream": stream}
    first = ask_in_thread(gateways[0], [QUESTION], thread("create"), **fields)
    call = site.one.requests[0]
    assert call.json()["messages"][0] == {"role": "system", "content": "Be brief."}
    previous = identity(first, stream=stream)
    calls = [block for block in json.loads(_folded(first, stream=stream))["content"] if block["type"] == "tool_use"]
    said = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": calls[0]["id"], "content": "seen"}]}]
    second = ask_in_thread(gateways[1], said, thread("continue", previous), stream=stream)
    assert second.status == 200, second.body
    body = site.one.requests[1].json()
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["tools"] == site.one.requests[0].json()["tools"]
    assert body["messages"][3]["content"] == "seen"
    third = ask_in_thread(gateways[0], [QUESTION], thread("continue", identity(second, stream=stream)))
    assert third.status == 200
    branch = ask_in_thread(gateways[0], [QUESTION], thread("continue", identity(second, stream=stream)))
    assert branch.status == 200
    assert [len(request.json()["messages"]) for request in site.one.requests[2:]] == [6, 6]


def _folded(answer: Any, *, stream: bool) -> bytes:
    if not stream:
        return bytes(answer.body)
    begun = [event["content_block"] for event in data_lines(answer) if event["type"] == "content_block_start"]
    return json.dumps({"content": begun}).encode()


def test_a_thread_that_is_not_there_is_said_so_that_the_client_sends_it_anew(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    first = ask_in_thread(gateway, [QUESTION], thread("create")).json()["id"]
    for previous, who in (("msg_none", ANN), (first, BOB)):
        answer = ask_in_thread(gateway, [QUESTION], thread("continue", previous), who)
        assert (answer.status, answer.json()["error"]["details"]["error_code"]) == (404, "thread_not_found")
    assert len(site.one.requests) == 1


# --- When the store is in trouble


def test_a_lock_of_somebody_else_neither_loses_a_turn_nor_an_answer(site) -> None:
    site.plays(final="There.")
    gateway = site.gateway()
    first = ask_in_thread(gateway, [QUESTION], thread("create")).json()["id"]
    locker = sqlite3.connect(site.path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    second = ask_in_thread(gateway, [QUESTION], thread("continue", first))
    assert second.status == 200  # later than usual, and known to this process alone
    third = ask_in_thread(gateway, [QUESTION], thread("continue", second.json()["id"]))
    assert third.status == 200
    locker.execute("COMMIT")
    locker.close()
    assert [len(request.json()["messages"]) for request in site.one.requests] == [1, 3, 5]


def test_a_store_that_cannot_be_opened_costs_state_and_no_answer(site) -> None:
    site.path.write_bytes(b"not a database" * 100)
    site.plays(reasoning="Hm.", final="There.")
    gateway = site.gateway()
    asked = {"model": "chat", "max_tokens": 100, "messages": [QUESTION]}
    content = post(gateway.port, "anthropic-messages", asked, ANN).json()["content"]
    again = {**asked, "messages": [QUESTION, {"role": "assistant", "content": content}, QUESTION]}
    assert "reasoning_foreign" not in post(gateway.port, "anthropic-messages", again, ANN).headers["twoapi-losses"]
    first = ask_in_thread(gateway, [QUESTION], thread("create"))
    assert first.status == 200
    later = ask_in_thread(gateway, [QUESTION], thread("continue", first.json()["id"]))
    assert later.status == 200  # this process still has it
    assert len(site.one.requests[-1].json()["messages"]) == 3


# --- Real processes


def serve(site: Site, folder: Path) -> tuple[subprocess.Popen[str], int]:
    (folder / "twoapi.yaml").write_text(site.text.replace("listen: 127.0.0.1:0", f"store: sqlite:///{site.path}"))
    command = [sys.executable, "-m", "twoapi", "serve", "--listen", "127.0.0.1:0", "--workers", "2", "--json"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = ""
    while not told.endswith("\n}\n"):
        told += process.stdout.readline()
    return process, int(json.loads(told)["url"].rpartition(":")[2])


class _Port:
    """What a gateway is known by."""

    def __init__(self, port: int) -> None:
        self.port = port


def test_a_kill_of_all_processes_between_turns_loses_nothing(site, tmp_path) -> None:
    site.plays(reasoning="Let me think.", signature=SIGNATURE, calls=1, rounds=9, final="There.")
    said = [QUESTION]
    for turn in range(3):
        process, port = serve(site, tmp_path)
        try:
            message = ask_chat(_Port(port), said)  # type: ignore[arg-type]  # it only connects
        finally:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            for pid in (process.pid, *map(int, children)):
                os.kill(pid, signal.SIGKILL)
            process.communicate()
        said += [message, *results(message)]
        assert thoughts(site.one.requests[-1].json()) == [THOUGHT] * turn
