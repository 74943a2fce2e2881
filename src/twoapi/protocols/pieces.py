"""What the model said in pieces, said at once: some SDKs keep every frame of a stream as a message of its own."""

from collections.abc import Iterator
from itertools import pairwise

from msgspec.structs import replace

from twoapi.ir import Message, Part, Reasoning, Request, Text, plain
from twoapi.protocols.gemini.name import NAME as GEMINI

# Protocols in which consecutive messages of the model are one turn of it.
IN_PIECES = frozenset((GEMINI,))


def said_at_once(request: Request) -> Request:
    """The request with each turn of the model as one message, its words in one piece. The given one is not changed."""
    if request.protocol not in IN_PIECES:
        return request
    messages = request.messages
    if not any(one.role == "assistant" == other.role for one, other in pairwise(messages)):
        return request
    return replace(request, messages=list(_turns(messages)))


def _turns(messages: list[Message]) -> Iterator[Message]:
    run: list[Message] = []
    for message in messages:
        if message.role == "assistant":
            run.append(message)
            continue
        yield from _joined(run)
        run = []
        yield message
    yield from _joined(run)


def _joined(run: list[Message]) -> list[Message]:
    """The messages as one, whose parts know their own places; [] of none."""
    if len(run) < 2:
        return run
    parts: list[Part] = []
    for message in run:
        own = [replace(part, at=message.at + part.at) for part in message.parts]
        if parts and own and (both := _in_one(parts[-1], own[0])) is not None:
            parts[-1:] = [both]
            own = own[1:]
        parts += own
    spoken = [part for part in parts if not _says_nothing(part)]
    return [replace(run[0], parts=spoken or parts[:1], at="")]


def _in_one(one: Part, other: Part) -> Part | None:
    """Two pieces of the same text or thought as one; None when they are not."""
    if one.opaque or one.cache is not None or other.cache is not None:
        return None
    if isinstance(one, Text) and isinstance(other, Text):
        if one.citations or other.citations or (other.opaque and plain(other.text)):
            return None
        return replace(one, text=plain(one.text) + plain(other.text), opaque=other.opaque)
    if isinstance(one, Reasoning) and isinstance(other, Reasoning) and one.form == other.form:
        return replace(one, text=plain(one.text) + plain(other.text), opaque=other.opaque)
    return None


def _says_nothing(part: Part) -> bool:
    """True for the empty text at the end of a stream."""
    return isinstance(part, Text) and not (part.opaque or part.cache or part.citations) and not plain(part.text)
