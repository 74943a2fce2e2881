"""What an upstream answers, before any protocol writes it down."""

from typing import Any, Literal

import msgspec

Json = Any  # a parsed JSON document
Stop = Literal["stop", "tool_use", "max_tokens", "stop_sequence", "content_filter", "refusal"]


class Called(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a function; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


class Cited(msgspec.Struct, frozen=True, kw_only=True):
    """A page that a passage of the text rests on; `passage` is a part of the text."""

    passage: str
    url: str
    title: str


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens. `input` holds those read from the cache and written to it, `output` those of the reasoning."""

    input: int = 61
    cached: int = 0
    written: int = 0
    output: int = 17
    reasoning: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: reasoning, then text, then calls."""

    text: str = ""
    reasoning: str = ""
    opaque: str = ""
    cited: Cited | None = None
    refusal: str = ""
    calls: tuple[Called, ...] = ()
    stop: Stop = "stop"
    stop_text: str = ""
    used: Used = Used()


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer fails.

    `before`: with an HTTP status and the vendor's error. `within`: an error in the stream. `cut`: the connection breaks
    in the middle. `short`: the body ends properly, but in the middle of the answer.
    """

    where: Literal["before", "within", "cut", "short"]
    status: int = 500
    message: str = ""
    retry_after: str = ""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """An answer in a protocol: whole, and as the events of a stream; `tail` are those that end it."""

    body: Json
    head: list[bytes]
    tail: list[bytes]


def event(data: Json, name: str = "") -> bytes:
    """One server-sent event."""
    line = f"event: {name}\n".encode() if name else b""
    return line + b"data: " + msgspec.json.encode(data) + b"\n\n"


def pieces(text: str, size: int = 7) -> list[str]:
    """The text in deltas of so many code points."""
    return [text[start : start + size] for start in range(0, len(text), size)]
