"""An upstream that lives in this process: its events go straight to the client's encoder."""

from collections.abc import Callable

from twoapi.gateway.memory import Memory
from twoapi.ir import Event, FaultError, Loss, Request, Usage
from twoapi.ir.assemble import fold
from twoapi.protocols.base import AnswerContext, Codec

Answerer = Callable[[Request, int], list[Event]]


class LocalAnswer:
    """An answer that needs no connection. Raises FaultError when the upstream answers with an error."""

    __slots__ = ("_client", "_context", "_events", "_memory", "_response", "losses")

    def __init__(
        self, client: Codec, memory: Memory, request: Request, answerer: Answerer, clock: tuple[int, str]
    ) -> None:
        self._client = client
        self._memory = memory
        self._context = AnswerContext(memory.asked, clock[0], clock[1], memory, memory.leaves_state)
        self._events = answerer(request, clock[0])
        self._response = fold(self._events)
        if self._response.fault is not None:
            raise FaultError(self._response.fault)
        self.losses: list[Loss] = list(memory.losses)

    @property
    def usage(self) -> Usage | None:
        """What the answer cost."""
        return self._response.usage

    def whole(self) -> bytes:
        """The answer as one body."""
        body = self._client.encode_response(self._response, self._context, self.losses)
        if self._context.kept:
            self._memory.remember(self._response, self._context, body)
        return body

    def stream(self) -> bytes:
        """The answer as a stream."""
        encoder = self._client.stream_encoder(self._context, self.losses)
        out = encoder.feed(self._events) + encoder.close()
        if self._context.kept:
            self._memory.remember(self._response, self._context)
        return out
