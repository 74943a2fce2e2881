"""Binary event streams as AWS writes them: messages to bytes."""

import struct
from zlib import crc32

from twoapi.testing.replies import Json
from twoapi.wire.json import encode

_TEXT = 7


def write_message(headers: dict[str, str], payload: bytes) -> bytes:
    """A message whose headers are all texts."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    head = prelude + struct.pack(">I", crc32(prelude)) + block + payload
    return head + struct.pack(">I", crc32(head))


def write_event(kind: str, payload: Json) -> bytes:
    """An event with a JSON payload."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return write_message(headers, encode(payload))


def write_exception(kind: str, payload: Json) -> bytes:
    """A modelled exception within the stream."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return write_message(headers, encode(payload))


def write_error(code: str, message: str) -> bytes:
    """An error that the service does not model."""
    return write_message({":message-type": "error", ":error-code": code, ":error-message": message}, b"")


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack(">B", len(key)) + key + struct.pack(">BH", _TEXT, len(text)) + text
