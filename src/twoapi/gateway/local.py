"""An upstream that lives in this process: its events go straight to the client's encoder."""

from collections.abc import Callable

from twoapi.ir import Event, FaultError, Loss, Request, Usage
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext, Codec

Answerer = Callable[[Request, int], list[Event]]


class LocalAnswer:
    """An answer that needs no connection. Raises FaultError when the upstream answers with an error."""

    __slots__ = ("_client", "_context", "_events", "_response", "losses")

    def __init__(self, client: Codec, request: Request, answerer: Answerer, clock: tuple[int, str]) -> None:
        self._client = client
        self._context = AnswerContext(request, clock[0], clock[1])
        self._events = answerer(request, clock[0])
        self._response = fold(self._events)
        if self._response.fault is not None:
            raise FaultError(self._response.fault)
        self.losses: list[Loss] = []

    @property
    def usage(self) -> Usage | None:
        """What the answer cost."""
        return self._response.usage

    def whole(self) -> bytes:
        """The answer as one body."""
        return self._client.encode_response(self._response, self._context, self.losses)

    def stream(self) -> bytes:
        """The answer as a stream."""
        encoder = self._client.stream_encoder(self._context, self.losses)
        return encoder.feed(self._events) + encoder.close()
