"""Client and upstream speak the same protocol: bytes go through, only model, authentication and usage are touched."""

from collections.abc import Callable

from twoapi.gateway.way import Pump
from twoapi.ir import FaultError, Loss, Usage
from twoapi.ir.assemble import fold, unfold
from twoapi.protocols.base import AnswerContext, Codec, Peek, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.wire.http import Incoming


class Relay:
    """The way on which nothing is converted."""

    __slots__ = (
        "_capabilities",
        "_clock",
        "_codec",
        "_count",
        "_incoming",
        "_peek",
        "_usage",
        "array",
        "losses",
        "outgoing",
    )

    def __init__(
        self,
        codec: Codec,
        incoming: Incoming,
        peek: Peek,
        model: str,
        capabilities: Capabilities,
        clock: tuple[int, str],
    ) -> None:
        self._codec = codec
        self._incoming = incoming
        self._peek = peek
        self._capabilities = capabilities
        self._clock = clock
        self.outgoing = codec.relay_request(incoming, peek, model, capabilities)
        self._usage: Usage | None = None
        self._count: Callable[[], Usage | None] | None = None
        self.losses: list[Loss] | None = None
        self.array = peek.array

    def whole(self, body: bytes) -> bytes:
        """The same body. Raises FaultError for an error hidden in it."""
        inspection = self._codec.inspect(body, self._capabilities)
        if inspection.fault is not None:
            raise FaultError(inspection.fault)
        self._usage, self._count = inspection.usage, inspection.count
        return body

    @property
    def usage(self) -> Usage | None:
        """What the answer cost, by its own word."""
        if self._count is not None:
            self._usage, self._count = self._count(), None
        return self._usage

    def pump(self) -> Pump:
        """The codec's tap."""
        return self._codec.stream_tap(self._incoming, self._peek, self._capabilities)

    def streamed_as_whole(self, body: bytes) -> bytes:
        """The stream folded; here something must be converted, within one protocol."""
        decoder = self._codec.stream_decoder(Restore(capabilities=self._capabilities))
        response = fold([*decoder.feed(body), *decoder.close()])
        if response.fault is not None:
            raise FaultError(response.fault)
        self._usage = response.usage
        return self._codec.encode_response(response, self._context(), [])

    def whole_as_stream(self, body: bytes) -> bytes:
        """The whole answer cut into a stream."""
        response = self._codec.decode_response(body, Restore(capabilities=self._capabilities))
        self._usage = response.usage
        encoder = self._codec.stream_encoder(self._context(), [])
        return encoder.feed(list(unfold(response))) + encoder.close()

    def _context(self) -> AnswerContext:
        now, answer_id = self._clock
        return AnswerContext(self._codec.decode_request(self._incoming), now, answer_id)
