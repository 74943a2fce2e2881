"""What a client was answered, whatever its protocol: what the answer readers make of bytes."""

from typing import Any

import msgspec

Json = Any  # a parsed JSON document


class Call(msgspec.Struct, kw_only=True):
    """A call that the client is to make; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A source, and the passage of the answer that it is given for ("" when none is told)."""

    url: str
    title: str
    passage: str


class Answer(msgspec.Struct, kw_only=True):
    """An answer as its client sees it.

    `stop` is the protocol's own word. `used` holds tokens by neutral names, totals in `input` and `output`; None is
    what was not told. `error` is the message of an error, `ended` whether the answer ended as a good one does,
    `problems` what the protocol does not allow. `own` is what the client puts into its history.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[Call] = []
    opaque: list[str] = []
    cited: list[Citation] = []
    stop: str = ""
    stop_text: str = ""
    used: dict[str, int | None] = {}
    error: str | None = None
    ended: bool = False
    problems: list[str] = []
    own: Json = None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A server-sent event: its name, and its data as it stands."""

    name: str
    data: str


class Events(msgspec.Struct, kw_only=True):
    """A body of server-sent events. `loose` are lines that are none, `open_end` says that the last was not ended."""

    frames: list[Frame] = []
    comments: list[str] = []
    loose: list[str] = []
    open_end: bool = False


def events(body: bytes) -> Events:
    """The events of a body; lines end in CRLF, LF or CR."""
    found = Events()
    name, data = "", list[str]()
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for line in lines:
        field, _, value = line.partition(":")
        if not line:
            if data:
                found.frames.append(Frame(name=name, data="\n".join(data)))
            name, data = "", []
        elif not field:
            found.comments.append(value.strip())
        elif field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
        else:
            found.loose.append(line)
    found.open_end = bool(data)
    return found


def number(usage: Json, *path: str) -> int | None:
    """The count at this path; None when it is not told."""
    value = usage
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int) else None
