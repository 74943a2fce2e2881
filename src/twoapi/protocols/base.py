"""What a protocol package offers: both sides of one wire protocol, pure and without I/O."""

from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Raw

from twoapi.ir import Event, Fault, Loss, Request, Response, Usage
from twoapi.protocols.capabilities import USUAL, Capabilities
from twoapi.protocols.sealing import PLAIN, Sealer
from twoapi.wire.http import Headers, Incoming, Outgoing


class Restore(msgspec.Struct, frozen=True, gc=False):
    """What encode_request changed and the answer must change back."""

    names: dict[str, str] = msgspec.field(default_factory=dict)  # tool name on the wire -> the client's
    custom: frozenset[str] = frozenset()  # client names of custom tools that went out as functions
    call_ids: dict[str, str] = msgspec.field(default_factory=dict)  # call id on the wire -> the client's
    capabilities: Capabilities = Capabilities()  # how this upstream's answers deviate is declared there
    stop: tuple[str, ...] = ()  # stop strings of an upstream that repeats them at the end of its answer
    verbatim: bool = True  # what only a client of the upstream's own protocol can be given is kept, which has a price


UNCHANGED = Restore()  # of most requests


class Encoded(msgspec.Struct, gc=False):
    """An upstream request and what its answer needs."""

    outgoing: Outgoing
    restore: Restore


class AnswerContext(msgspec.Struct):
    """What the encoder of an answer must know. `now` in seconds since the epoch; `id` is used when the upstream gave
    none, without the protocol's prefix. `sealer` makes the carriers of state that is another protocol's; `kept`: the
    gateway remembers the state of texts and tool calls itself, so that what has no carrier is not lost.
    """

    request: Request
    now: int
    id: str
    sealer: Sealer = PLAIN
    kept: bool = False


class Peek(msgspec.Struct):
    """What routing needs of a request, read without decoding the rest. `members`: the body's, verbatim. `array`: the
    client reads a stream as one JSON array.
    """

    model: str
    stream: bool
    members: dict[str, Raw] = msgspec.field(default_factory=dict)
    array: bool = False


class Inspection(msgspec.Struct):
    """What a relayed whole answer says of itself. `fault`: an error hidden in a 200. `count`: what finds the usage, for
    a protocol that has not looked at it yet.
    """

    usage: Usage | None = None
    fault: Fault | None = None
    count: Callable[[], Usage | None] | None = None


class ModelEntry(msgspec.Struct):
    """A model in a model list."""

    id: str
    created: int
    owner: str


class StreamDecoder(Protocol):
    """Bytes of an upstream's stream to events. Owns its framing. The list that all calls return together is legal
    under ir.grammar for any input: a truncated or broken stream ends in Failed, never in End.
    """

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete; after the terminal event always []."""
        ...

    def close(self) -> list[Event]:
        """The upstream's connection ended: the rest, Failed included when no end mark came."""
        ...


class StreamEncoder(Protocol):
    """Events to the client's bytes. Every output is in the protocol's grammar for every list of events."""

    def feed(self, events: list[Event]) -> bytes:
        """The bytes of these events; b"" when nothing can be said yet. After the terminal event always b""."""
        ...

    def close(self) -> bytes:
        """What must still be said when no terminal event came: the protocol's own error ending; else b""."""
        ...

    def keep_alive(self) -> bytes:
        """A sign of life in the form that this protocol's clients tolerate; b"" when none is possible here."""
        ...


class StreamTap(Protocol):
    """Watches a relayed stream. It passes bytes on as they are but for what it must strip, and knows the end mark."""

    usage: Usage | None
    fault: Fault | None  # an error event of the upstream; before `committed` it is a reason to fall back
    committed: bool  # the first event that carries an answer has passed
    complete: bool  # the end mark has passed

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client."""
        ...

    def close(self) -> bytes:
        """The upstream's connection ended: b"" after an end mark, else held bytes and the protocol's error ending.

        When nothing was committed: b"", with `fault` set.
        """
        ...

    def fail(self, fault: Fault) -> bytes:
        """The protocol's error ending for a fault of the gateway; closes an unfinished frame first."""
        ...

    def keep_alive(self) -> bytes:
        """As StreamEncoder.keep_alive; b"" in the middle of a frame."""
        ...


class UpstreamCodec(Protocol):
    """The side of a wire protocol that faces an upstream: all that a vendor's own dialect has, as no client speaks it.

    decode_response raises FaultError (whose="upstream") and nothing else; encode_request appends a Loss on the line
    that drops something, and raises FaultError when it must refuse. Stateless, as Codec is.
    """

    name: str

    def encode_request(self, request: Request, model: str, capabilities: Capabilities, losses: list[Loss]) -> Encoded:
        """The upstream request for `model` (the upstream's own name of it)."""
        ...

    def decode_response(self, body: bytes, restore: Restore) -> Response:
        """The whole answer; raises FaultError (whose="upstream") for an error hidden in a 200 and for broken bodies."""
        ...

    def stream_decoder(self, restore: Restore) -> StreamDecoder:
        """A decoder for one streamed answer."""
        ...

    def decode_fault(self, status: int, headers: dict[bytes, bytes], body: bytes) -> Fault:
        """An error answer of the upstream, also when it is not in the protocol's format (HTML, empty)."""
        ...


class SocketCodec(UpstreamCodec, Protocol):
    """A dialect that is spoken over a websocket. The stream decoder gets each message on a line of its own."""

    def is_last(self, message: bytes) -> bool:
        """True for the message that ends an answer, well or not: then the connection is closed."""
        ...


class Codec(UpstreamCodec, Protocol):
    """One wire protocol, both sides. Stateless; per-answer state lives in the stream objects.

    Decoders raise FaultError (kind invalid_request, with a JSON pointer as `param`) on bad input and nothing else.
    Encoders append a Loss on the line that drops something, and raise FaultError when they must refuse.
    """

    seal: bytes  # the mark of carriers (see sealing); a request that holds it gives back foreign state: no relay
    request_id_header: bytes  # where this protocol's SDKs look for the id to tell support
    comments: bool  # its clients skip comments in a stream
    silence: bytes  # what keeps a stream's client awake before the stream has begun

    # server side: faces our client
    def mentions(self, incoming: Incoming, model: str) -> bool:
        """Whether a request may be for this model, by a quick look. Never to be relied on."""
        ...

    def guess_model(self, incoming: Incoming) -> str:
        """What the model probably is, by a quick look; "" when that does not tell. Never to be relied on."""
        ...

    def peek(self, incoming: Incoming) -> Peek:
        """Model and stream flag, without decoding the rest."""
        ...

    def decode_request(self, incoming: Incoming) -> Request:
        """The whole request."""
        ...

    def encode_response(self, response: Response, context: AnswerContext, losses: list[Loss]) -> bytes:
        """The whole answer as this protocol's JSON."""
        ...

    def stream_encoder(self, context: AnswerContext, losses: list[Loss]) -> StreamEncoder:
        """An encoder for one streamed answer; it goes on appending to `losses`."""
        ...

    def encode_fault(self, fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers of the protocol's own (retry-after ...), body."""
        ...

    def stream_fault(self, fault: Fault, peek: Peek) -> bytes:
        """The error ending of a stream that has not begun."""
        ...

    def encode_models(self, models: list[ModelEntry]) -> bytes:
        """A model list in this protocol's shape."""
        ...

    # both sides speak it: bytes go through
    def relay_request(self, incoming: Incoming, peek: Peek, model: str, capabilities: Capabilities) -> Outgoing:
        """The client's own bytes for an upstream of the same protocol; only what must change is changed."""
        ...

    def inspect(self, body: bytes, capabilities: Capabilities = USUAL) -> Inspection:
        """Usage and hidden error of a whole answer that is relayed."""
        ...

    def stream_tap(self, incoming: Incoming, peek: Peek, capabilities: Capabilities = USUAL) -> StreamTap:
        """A tap for one relayed stream."""
        ...
