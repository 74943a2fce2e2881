"""How an attempt's bytes become the client's: relayed or converted. What both ways have in common."""

from typing import Protocol

from twoapi.ir import Fault, Loss, Usage
from twoapi.wire.http import Outgoing


class Counted(Protocol):
    """What has a cost, which is worked out when it is asked for."""

    @property
    def usage(self) -> Usage | None:
        """What the answer has cost; None when the upstream does not say."""
        ...


class Pump(Protocol):
    """Upstream stream bytes to client stream bytes."""

    @property
    def usage(self) -> Usage | None:
        """What the answer has cost so far."""
        ...

    @property
    def fault(self) -> Fault | None:
        """Why the stream failed; before `committed` another attempt may answer."""
        ...

    @property
    def committed(self) -> bool:
        """True when the first piece of an answer has come through."""
        ...

    @property
    def complete(self) -> bool:
        """True when the answer ended as it should."""
        ...

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

    @property
    def outgoing(self) -> Outgoing:
        """The request for the upstream."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What a whole answer has cost."""
        ...

    @property
    def losses(self) -> list[Loss] | None:
        """What is lost so far; None: bytes are relayed."""
        ...

    @property
    def array(self) -> bool:
        """True when the upstream streams one JSON array."""
        ...

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
