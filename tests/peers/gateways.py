"""What the rows about a running gateway share: every pair of protocols, and streams that go wrong."""

import json
import socket
from typing import Any

import pytest
from tests.peers.pairs import Json, call_block, call_more, call_start, chunk, end, message_stream, start

from twoapi.testing.canned import PATHS, chat_frames, messages_frames
from twoapi.testing.frames import frames_of
from twoapi.testing.replies import Gate, Reply, sse_reply

PROTOCOLS = list(PATHS)
ALIASES = {"openai-chat": "chat", "anthropic-messages": "messages"}
PAIRS = [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS]
DONE = b"data: [DONE]\n\n"

each_pair = pytest.mark.parametrize(
    ("client", "upstream"), PAIRS, ids=[f"{ALIASES[client]}>{ALIASES[upstream]}" for client, upstream in PAIRS]
)


def said(upstream: str, *texts: str) -> list[bytes]:
    """The frames of a whole streamed answer."""
    return chat_frames(*texts) if upstream == "openai-chat" else messages_frames(*texts)


def begun(upstream: str, *texts: str) -> list[bytes]:
    """The frames up to the last text: neither finish nor end mark."""
    return said(upstream, *texts)[: len(texts) + (1 if upstream == "openai-chat" else 2)]


def error_frame(upstream: str, kind: str = "overloaded_error", **fields: Json) -> bytes:
    """An error in a stream as the upstream's vendor, or a server like it, sends one."""
    if upstream == "openai-chat":
        return b"data: " + json.dumps({"error": {"message": "gone wrong", **fields}}).encode() + b"\n\n"
    error = {"type": "error", "error": {"type": kind, "message": "gone wrong"}}
    return b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"


def calling(upstream: str, *pieces: str) -> list[bytes]:
    """A streamed call of `f`, whose arguments come in these pieces; whole, with its end."""
    if upstream == "openai-chat":
        deltas = [call_start(0, "c1", "f"), *(call_more(0, piece) for piece in pieces)]
        return [*(chunk(delta) for delta in deltas), chunk({}, "tool_calls"), DONE]
    events = [start(), *call_block(0, "c1", "f", *pieces), *end("tool_use")]
    return [message_stream(event) for event in events]


def broken_after(frames: list[bytes], extra: bytes = b"") -> Reply:
    """A stream that ends with these frames, the connection closed in good order."""
    return sse_reply([*frames, *([extra] if extra else [])])


def documents(body: bytes) -> list[Any]:
    """The data of all frames, read; [DONE] as a word."""
    return [data if data == "[DONE]" else json.loads(data) for _, data in frames_of(body)]


def in_two_reads(running: Any, client: str, asked: Json, reply: Reply, pieces: int, word: bytes) -> bytes:
    """The body of a stream whose first pieces have reached the client, up to `word`, before the rest is sent."""
    gate = Gate()
    running.one.reply(reply.failing(gate=gate))
    body = json.dumps(asked).encode()
    with running.gateway.connect() as sock:
        head = f"POST {PATHS[client]} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        gate.release(pieces)
        seen = b""
        while word not in seen:
            seen += _received(sock)
        gate.open()
        while piece := sock.recv(65536):
            seen += piece
    return seen.partition(b"\r\n\r\n")[2]


def _received(sock: socket.socket) -> bytes:
    piece = sock.recv(65536)
    assert piece, "the connection was closed too early"
    return piece


def text_of(client: str, body: bytes) -> str:
    """All visible text of a stream."""
    found = ""
    for frame in documents(body):
        if client == "openai-chat" and frame != "[DONE]":
            found += "".join(choice["delta"].get("content") or "" for choice in (frame.get("choices") or ()))
        elif client != "openai-chat" and frame["type"] == "content_block_delta":
            found += frame["delta"].get("text", "")
    return found


def arguments_of(client: str, body: bytes) -> str:
    """The arguments of all calls of a stream, as they were said."""
    found = ""
    for frame in documents(body):
        if client == "openai-chat" and frame != "[DONE]":
            for choice in frame.get("choices") or ():
                found += "".join(call["function"]["arguments"] for call in choice["delta"].get("tool_calls", ()))
        elif client != "openai-chat" and frame["type"] == "content_block_delta":
            found += frame["delta"].get("partial_json", "")
    return found


def assert_complete(client: str, body: bytes) -> None:
    """The stream ended as its protocol ends one."""
    last = documents(body)[-1]
    assert last == ("[DONE]" if client == "openai-chat" else {"type": "message_stop"})


def assert_broken(client: str, body: bytes, message: str = "") -> None:
    """The stream ended with one error of its client's protocol, and nothing in it says that it is complete."""
    *before, last = documents(body)
    assert message in last["error"]["message"]
    if client == "openai-chat":
        assert "[DONE]" not in before
        assert not any(choice["finish_reason"] for frame in before for choice in frame["choices"] or ())
    else:
        assert last["type"] == "error"
        assert not {"message_delta", "message_stop", "error"} & {frame["type"] for frame in before}
