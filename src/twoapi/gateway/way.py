"""How an attempt's bytes become the client's: relayed or converted. What both ways have in common."""

from typing import Protocol

from twoapi.ir import Fault, Loss, Usage
from twoapi.wire.http import Outgoing


class Pump(Protocol):
    """Upstream stream bytes to client stream bytes."""

    usage: Usage | None
    fault: Fault | None  # the stream failed; before `committed` another attempt may answer
    committed: bool  # the first piece of an answer has come through
    complete: bool  # the answer ended as it should

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for these."""
        ...

    def close(self) -> bytes:
        """The upstream's connection ended: what the client must still get. b"" with `fault` set when nothing was
        committed: another attempt may answer.
        """
        ...

    def fail(self, fault: Fault) -> bytes:
        """The client protocol's error ending for a fault of the gateway or its transport."""
        ...

    def keep_alive(self) -> bytes:
        """A sign of life for the client, in a form it tolerates; b"" when none is possible."""
        ...


class Way(Protocol):
    """One way from a client's request to an upstream of a certain kind and back."""

    outgoing: Outgoing
    usage: Usage | None
    losses: list[Loss] | None  # None: bytes are relayed
    array: bool  # the upstream streams one JSON array

    def whole(self, body: bytes) -> bytes:
        """The client's body for a whole answer; raises FaultError for an error hidden in it."""
        ...

    def pump(self) -> Pump:
        """A pump for a streamed answer."""
        ...

    def streamed_as_whole(self, body: bytes) -> bytes:
        """The client's body when a stream came though a whole answer was asked for; raises FaultError."""
        ...

    def whole_as_stream(self, body: bytes) -> bytes:
        """The client's stream when a whole answer came though a stream was asked for; raises FaultError."""
        ...
