"""What the tests of the path must know of each protocol on the wire."""

import json

from twoapi.testing.canned import (
    PATHS,
    chat_frames,
    gemini_frames,
    gemini_path,
    messages_frames,
    request_body,
    responses_frames,
)

PROTOCOLS = ("openai-chat", "openai-responses", "anthropic-messages", "gemini")
ALIASES = dict(zip(PROTOCOLS, ("chat", "responses", "messages", "gemini"), strict=True))
# Every protocol is a client and an upstream, relayed and converted. All sixteen pairs are for the tests of the codecs.
PAIRS = [
    *((protocol, protocol) for protocol in PROTOCOLS),
    ("openai-chat", "anthropic-messages"),
    ("anthropic-messages", "openai-chat"),
    ("openai-responses", "gemini"),
    ("gemini", "openai-responses"),
]

frames = {
    "openai-chat": chat_frames,
    "openai-responses": responses_frames,
    "anthropic-messages": messages_frames,
    "gemini": gemini_frames,
}
# How many frames of a canned stream it takes until its first text has been said.
SPEAKS = {"openai-chat": 2, "openai-responses": 5, "anthropic-messages": 3, "gemini": 1}
_DONE = {
    "openai-chat": b"data: [DONE]",
    "openai-responses": b"event: response.completed",
    "anthropic-messages": b"event: message_stop",
    "gemini": b'"finishReason":"STOP"',
}
_FAILED = {
    "openai-chat": (b'data: {"error":',),
    "openai-responses": (b"event: response.failed\ndata: ", b"event: error\ndata: "),
    "anthropic-messages": (b"event: error\ndata: ",),
    "gemini": (b'data: {"error":',),
}


def path(protocol, alias, *, stream=False):
    return gemini_path(alias, stream=stream) if protocol == "gemini" else PATHS[protocol]


def streaming_request(protocol, alias):
    """The bytes of a request for a stream."""
    body = json.dumps(request_body(protocol, alias, stream=True)).encode()
    head = "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return (head % (path(protocol, alias, stream=True), len(body))).encode() + body


def ends_normally(protocol, body):
    return _DONE[protocol] in body.replace(b'": "', b'":"')


def ends_with_error(protocol, body):
    return body.replace(b"\r\n", b"\n").rstrip().rsplit(b"\n\n", 1)[-1].startswith(_FAILED[protocol])


def error_frame(protocol, message="gone wrong", *, overloaded=False):
    """An error in an upstream's stream."""
    match protocol:
        case "openai-chat":
            error = {"message": message, "type": "server_error", "code": "overloaded" if overloaded else None}
            return b"data: %s\n\n" % json.dumps({"error": error}).encode()
        case "openai-responses":
            code = "server_is_overloaded" if overloaded else "server_error"
            error = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": 9}
            return b"event: error\ndata: %s\n\n" % json.dumps(error).encode()
        case "anthropic-messages":
            error = {"type": "overloaded_error" if overloaded else "api_error", "message": message}
            return b"event: error\ndata: %s\n\n" % json.dumps({"type": "error", "error": error}).encode()
        case _:
            number, status = (503, "UNAVAILABLE") if overloaded else (500, "INTERNAL")
            error = {"code": number, "message": message, "status": status}
            return b"data: %s\r\n\r\n" % json.dumps({"error": error}).encode()


def read_until(sock, mark):
    data = b""
    while mark not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    return data


def read_all(sock):
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def unchunked(answer):
    """The body of a raw answer in chunks."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
    return body
