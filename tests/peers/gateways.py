"""What the rows about a running gateway share: every pair of protocols, and streams that go wrong."""

import json
import socket
from typing import Any, NamedTuple

import pytest
from tests.gateway.conftest import Answer, Bench
from tests.gateway.wire import ALIASES, PROTOCOLS, SPEAKS, frames, path
from tests.peers.pairs import Json, call_block, call_more, call_start, chunk, end, message_stream, start
from tests.peers.vendors import gemini_call, gemini_frame, response_call, response_stream

from twoapi.testing.canned import request_body
from twoapi.testing.frames import frames_of
from twoapi.testing.replies import Gate, Reply, sse_reply

CHAT, RESPONSES, MESSAGES, GEMINI = PROTOCOLS
PAIRS = [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS]
DONE = b"data: [DONE]\n\n"
# What keeps a client awake, before its stream has begun and in the middle of it; line ends are LF.
_SILENCE = {CHAT: b"\n: keep-alive\n", RESPONSES: b"\n: keep-alive\n", MESSAGES: b"\n: keep-alive\n", GEMINI: b"\n\n\n"}
_SIGNS = {**_SILENCE, MESSAGES: b"\nevent: ping\n"}

each_protocol = pytest.mark.parametrize("client", PROTOCOLS, ids=ALIASES.values())
each_pair = pytest.mark.parametrize(
    ("client", "upstream"), PAIRS, ids=[f"{ALIASES[client]}>{ALIASES[upstream]}" for client, upstream in PAIRS]
)


class Asked(NamedTuple):
    """A request of a client."""

    client: str
    path: str
    body: dict[str, Json]

    def on_the_wire(self) -> bytes:
        """As HTTP/1.0, so that a stream comes without chunks and ends with its connection."""
        body = json.dumps(self.body).encode()
        return f"POST {self.path} HTTP/1.0\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def asks(client: str, upstream: str, more: str = "", *, stream: bool = True, text: str = "hi") -> Asked:
    """A small question to the model of this upstream; `more` ends the model's name ("-both": two upstreams)."""
    alias = ALIASES[upstream] + more
    return Asked(client, path(client, alias, stream=stream), request_body(client, alias, stream=stream, text=text))


def post(running: Bench, asked: Asked, headers: dict[str, str] | None = None) -> Answer:
    return running.post(asked.client, asked.body, headers, asked.path)


def said(upstream: str, *texts: str) -> list[bytes]:
    """The frames of a whole streamed answer."""
    return frames[upstream](*texts)


def begun(upstream: str, *texts: str) -> list[bytes]:
    """The frames up to the last text: neither finish nor end mark."""
    return said(upstream, *texts)[: len(texts) + SPEAKS[upstream] - 1]


# kind -> the words for it: of chat (type, code), Responses (code), Anthropic (type) and Google (code, status)
_FAILURES = {
    "overloaded": ({"type": "server_error", "code": "overloaded"}, "server_is_overloaded", "overloaded_error", 503),
    "invalid": (
        {"type": "invalid_request_error", "code": "invalid_value"},
        "invalid_prompt",
        "invalid_request_error",
        400,
    ),
    "limited": ({"type": "requests", "code": "rate_limit_exceeded"}, "rate_limit_exceeded", "rate_limit_error", 429),
}
_GOOGLES_WORDS = {503: "UNAVAILABLE", 400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"}


def error_frame(upstream: str, kind: str = "overloaded", words: str = "gone wrong") -> bytes:
    """An error in a stream as the upstream's vendor sends one."""
    chat, code, anthropic, status = _FAILURES[kind]
    if upstream == CHAT:
        return b"data: " + json.dumps({"error": {"message": words, "param": None, **chat}}).encode() + b"\n\n"
    if upstream == RESPONSES:
        error = {"type": "error", "code": code, "message": words, "param": None, "sequence_number": 99}
        return b"event: error\ndata: " + json.dumps(error).encode() + b"\n\n"
    if upstream == MESSAGES:
        failed = {"type": "error", "error": {"type": anthropic, "message": words}}
        return b"event: error\ndata: " + json.dumps(failed).encode() + b"\n\n"
    told = {"error": {"code": status, "message": words, "status": _GOOGLES_WORDS[status]}}
    return b"data: " + json.dumps(told).encode() + b"\r\n\r\n"


def calling(upstream: str, *pieces: str) -> list[bytes]:
    """A streamed call of `f`, whose arguments come in these pieces; whole, with its end. Gemini says them at once."""
    if upstream == CHAT:
        deltas = [call_start(0, "c1", "f"), *(call_more(0, piece) for piece in pieces)]
        return [*(chunk(delta) for delta in deltas), chunk({}, "tool_calls"), DONE]
    if upstream == MESSAGES:
        events = [start(), *call_block(0, "c1", "f", *pieces), *end("tool_use")]
        return [message_stream(event) for event in events]
    if upstream == RESPONSES:
        return response_stream(response_call("c1", "f", *pieces))
    arguments = json.loads("".join(pieces))
    return [gemini_frame(gemini_call("f", arguments, "c1")), gemini_frame(finish="STOP")]


def broken_after(frames: list[bytes], extra: bytes = b"") -> Reply:
    """A stream that ends with these frames, the connection closed in good order."""
    return sse_reply([*frames, *([extra] if extra else [])])


def documents(body: bytes) -> list[Any]:
    """The data of all frames, read; [DONE] as a word."""
    return [data if data == "[DONE]" else json.loads(data) for _, data in frames_of(body)]


def in_two_reads(running: Bench, asked: Asked, reply: Reply, pieces: int, word: bytes) -> bytes:
    """The body of a stream whose first pieces have reached the client, up to `word`, before the rest is sent."""
    gate = Gate()
    running.one.reply(reply.failing(gate=gate))
    with running.gateway.connect() as sock:
        sock.sendall(asked.on_the_wire())
        gate.release(pieces)
        seen = b""
        while word not in seen:
            seen += received(sock)
        gate.open()
        while piece := sock.recv(65536):
            seen += piece
    return seen.partition(b"\r\n\r\n")[2]


def kept_awake(running: Bench, asked: Asked, upstream: str, signs: int = 1) -> bytes:
    """The body of a stream of two words, behind a silence before it and one in its middle, both bridged by signs."""
    gate = Gate()
    running.one.reply(sse_reply(said(upstream, "alpha", "beta")).failing(gate=gate))
    with running.gateway.connect() as sock:
        sock.sendall(asked.on_the_wire())
        seen = _until(sock, b"", _SILENCE[asked.client], signs)
        gate.release(len(begun(upstream, "alpha")))
        seen = _until(sock, seen, b"alpha", 1)
        before, word, after = seen.partition(b"alpha")
        seen = before + word + _until(sock, after, _SIGNS[asked.client], signs)
        gate.open()
        while piece := sock.recv(65536):
            seen += piece
    return seen.partition(b"\r\n\r\n")[2]


def _until(sock: socket.socket, seen: bytes, word: bytes, times: int) -> bytes:
    while seen.replace(b"\r\n", b"\n").count(word) < times:
        seen += received(sock)
    return seen


def received(sock: socket.socket) -> bytes:
    """What comes next; a connection that ends here is a failure."""
    piece = sock.recv(65536)
    assert piece, "the connection was closed too early"
    return piece


def text_of(client: str, body: bytes) -> str:
    """All visible text of a stream."""
    return "".join(_texts(client, frame) for frame in documents(body) if frame != "[DONE]")


def _texts(client: str, frame: Json) -> str:
    if client == CHAT:
        return "".join(choice["delta"].get("content") or "" for choice in (frame.get("choices") or ()))
    if client == RESPONSES:
        return frame["delta"] if frame["type"] == "response.output_text.delta" else ""
    if client == MESSAGES:
        return frame["delta"].get("text", "") if frame["type"] == "content_block_delta" else ""
    return "".join(part.get("text", "") for part in _parts(frame) if not part.get("thought"))


def arguments_of(client: str, body: bytes) -> str:
    """The arguments of all calls of a stream, as they were said; those of a Gemini stream as JSON."""
    return "".join(_arguments(client, frame) for frame in documents(body) if frame != "[DONE]")


def _arguments(client: str, frame: Json) -> str:
    if client == CHAT:
        calls = [call for choice in frame.get("choices") or () for call in choice["delta"].get("tool_calls", ())]
        return "".join(call["function"]["arguments"] for call in calls)
    if client == RESPONSES:
        return frame["delta"] if frame["type"] == "response.function_call_arguments.delta" else ""
    if client == MESSAGES:
        return frame["delta"].get("partial_json", "") if frame["type"] == "content_block_delta" else ""
    said = [part["functionCall"].get("args", {}) for part in _parts(frame) if "functionCall" in part]
    return "".join(json.dumps(arguments, ensure_ascii=False, separators=(",", ":")) for arguments in said)


def _parts(frame: Json) -> list[Json]:
    return [
        part
        for candidate in frame.get("candidates") or ()
        for part in (candidate.get("content") or {}).get("parts") or ()
    ]


def _is_end(client: str, frame: Json) -> bool:
    """Whether this frame says that the answer is complete."""
    if client == CHAT:
        return frame == "[DONE]" or any(choice["finish_reason"] for choice in frame.get("choices") or ())
    if client == RESPONSES:
        return frame["type"] in ("response.completed", "response.incomplete")
    if client == MESSAGES:
        return frame["type"] in ("message_delta", "message_stop")
    return any("finishReason" in candidate for candidate in frame.get("candidates") or ())


def is_error(frame: Json) -> bool:
    """Whether this frame of a client's stream is an error."""
    return frame != "[DONE]" and ("error" in frame or frame.get("type") in ("error", "response.failed"))


def error_of(client: str, frame: Json) -> str:
    """The message of an error that ends a client's stream."""
    error = frame.get("error", frame)
    if client == RESPONSES and frame["type"] == "response.failed":
        error = frame["response"]["error"]
    return str(error["message"])


def assert_complete(client: str, body: bytes) -> None:
    """The stream ended as its protocol ends one."""
    last = documents(body)[-1]
    if client == RESPONSES:
        assert (last["type"], last["response"]["status"]) == ("response.completed", "completed")
    elif client == GEMINI:
        assert [candidate["finishReason"] for candidate in last["candidates"]] == ["STOP"]
    else:
        assert last == ("[DONE]" if client == CHAT else {"type": "message_stop"})


def assert_broken(client: str, body: bytes, message: str = "") -> None:
    """The stream ended with one error of its client's protocol, and nothing in it says that it is complete."""
    *before, last = documents(body)
    assert message in error_of(client, last)
    assert not any(_is_end(client, frame) or is_error(frame) for frame in before)
