"""An operation as data: its name, the shapes in which vendors offer it, and the paths at which clients ask for it."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

import msgspec

from twoapi.ir import Loss
from twoapi.protocols.base import Inspection, Peek
from twoapi.wire.http import Incoming, Outgoing

A = TypeVar("A")  # what is asked, whatever shape it came in
R = TypeVar("R")  # what is answered


class Face(msgspec.Struct, Generic[A, R], frozen=True, kw_only=True):
    """The side of a shape that faces clients. `decode` gives what is asked and raises FaultError (invalid_request, with
    a JSON pointer); `write` makes the client's answer and appends a Loss for all that has no place in it.
    """

    decode: Callable[[Incoming], A]
    write: Callable[[R, A, list[Loss]], bytes]


class Reach(msgspec.Struct, Generic[A, R], frozen=True, kw_only=True):
    """The side of a shape that faces upstreams. `encode` makes the request for the upstream's own name of the model at
    a path, appends a Loss for all that it drops, and raises FaultError when it must refuse; `read` gives what is
    answered, and raises FaultError for an error hidden in a 200 and for what is no answer. Where a vendor takes less at
    once than clients may ask, `split` makes several of it, and `join` one answer of theirs. `counter`: the header that
    tells the tokens of a request whose answer's body does not.
    """

    encode: Callable[[A, str, str, list[Loss]], Outgoing]
    read: Callable[[bytes, A], R]
    split: Callable[[A], list[A]] | None = None
    join: Callable[[list[R]], R] | None = None
    counter: bytes | None = None


class Native(msgspec.Struct, frozen=True, kw_only=True):
    """How a shape is relayed. `peek` finds the model; `relay` makes of a client's own request one for an upstream's own
    name of the model, at a path; `inspect` looks at a whole answer.
    """

    peek: Callable[[Incoming], Peek]
    relay: Callable[[Incoming, Peek, str, str], Outgoing]
    inspect: Callable[[bytes], Inspection]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One form of an operation on the wire. `native` is None where no client speaks it; `face` and `reach` where
    nothing is converted from it, or to it.
    """

    name: str
    native: Native | None = None
    face: Face[Any, Any] | None = None
    reach: Reach[Any, Any] | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked for. `model` is what a request that names none means.

    `answers`: "json"; "events" (JSON, or a stream of events when one is asked for); "bytes" (whatever the upstream
    sends, passed on as it comes); "chat" (as a chat is answered: an upstream that does not offer it can still answer,
    through the canonical model). `like`: the protocol whose requests and answers are relayed in the same way.
    """

    name: str
    shapes: Mapping[str, Shape]
    model: str = ""
    answers: Literal["json", "events", "bytes", "chat"] = "json"
    like: str | None = None


class Offer(msgspec.Struct, frozen=True):
    """Where an upstream that speaks a protocol usually offers an operation: the shape, the path behind the protocol's
    base URL (`{model}` stands for the model's name), and for which models (`*` stands for any text).
    """

    shape: str
    path: str
    models: tuple[str, ...] = ("*",)
