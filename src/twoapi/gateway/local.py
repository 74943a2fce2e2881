"""An upstream that lives in this process: its events go straight to the client's encoder."""

from collections.abc import Callable

from twoapi.gateway.way import Pump
from twoapi.ir import Event, Failed, FaultError, Loss, Request, Usage
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext, Codec
from twoapi.wire.http import Outgoing

Answerer = Callable[[Request, int], list[Event]]


class Local:
    """The way to an answer that needs no connection."""

    __slots__ = ("_client", "_context", "_events", "losses", "outgoing", "usage")

    def __init__(self, client: Codec, request: Request, answerer: Answerer, clock: tuple[int, str]) -> None:
        self._client = client
        self._context = AnswerContext(request, clock[0], clock[1])
        self._events = answerer(request, clock[0])
        first = self._events[0]
        if isinstance(first, Failed):
            raise FaultError(first.fault)
        self.losses: list[Loss] | None = []
        self.outgoing = Outgoing("", b"")
        self.usage: Usage | None = None

    def answer(self) -> bytes:
        """The whole answer."""
        response = fold(self._events)
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        return self._client.encode_response(response, self._context, self.losses or [])

    def stream(self) -> bytes:
        """The whole stream."""
        self.usage = fold(self._events).usage
        encoder = self._client.stream_encoder(self._context, self.losses or [])
        return encoder.feed(self._events) + encoder.close()

    def whole(self, body: bytes) -> bytes:
        """Not used: there is no upstream body."""
        raise NotImplementedError

    def pump(self) -> Pump:
        """Not used: there is no upstream stream."""
        raise NotImplementedError

    streamed_as_whole = whole
    whole_as_stream = whole
