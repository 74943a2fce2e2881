"""Client and upstream speak different protocols: through the canonical model, with every loss reported."""

from twoapi.gateway.way import Pump
from twoapi.ir import Delta, Event, Failed, Fault, FaultError, KeepAlive, Loss, Request, Start, Usage, UsageUpdate
from twoapi.ir.assemble import fold, unfold
from twoapi.ir.events import End
from twoapi.protocols.base import AnswerContext, Capabilities, Codec, StreamDecoder, StreamEncoder

# Events that say nothing yet: while only these have come, another upstream may still answer.
_SILENT = (Start, KeepAlive, UsageUpdate)


class Convert:
    """The way through the canonical model."""

    __slots__ = ("_client", "_context", "_restore", "_upstream", "losses", "outgoing", "usage")

    def __init__(
        self,
        client: Codec,
        upstream: Codec,
        request: Request,
        model: str,
        capabilities: Capabilities,
        clock: tuple[int, str],
    ) -> None:
        self._client = client
        self._upstream = upstream
        self._context = AnswerContext(request, clock[0], clock[1])
        self.losses: list[Loss] | None = []
        encoded = upstream.encode_request(request, model, capabilities, self.losses)
        self.outgoing = encoded.outgoing
        self._restore = encoded.restore
        self.usage: Usage | None = None

    def whole(self, body: bytes) -> bytes:
        """The answer in the client's protocol. Raises FaultError for an error hidden in it."""
        response = self._upstream.decode_response(body, self._restore)
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        return self._client.encode_response(response, self._context, self._losses())

    def pump(self) -> Pump:
        """A pump through both codecs."""
        return ConvertPump(
            self._upstream.stream_decoder(self._restore), self._client.stream_encoder(self._context, self._losses())
        )

    def streamed_as_whole(self, body: bytes) -> bytes:
        """The stream folded into one answer."""
        decoder = self._upstream.stream_decoder(self._restore)
        response = fold([*decoder.feed(body), *decoder.close()])
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        return self._client.encode_response(response, self._context, self._losses())

    def whole_as_stream(self, body: bytes) -> bytes:
        """The whole answer cut into a stream."""
        response = self._upstream.decode_response(body, self._restore)
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        encoder = self._client.stream_encoder(self._context, self._losses())
        return encoder.feed(list(unfold(response))) + encoder.close()

    def _losses(self) -> list[Loss]:
        assert self.losses is not None  # noqa: S101  set once, above
        return self.losses


class ConvertPump:
    """Decoder and encoder of one streamed answer."""

    __slots__ = ("_decoder", "_encoder", "_pending", "committed", "complete", "fault", "usage")

    def __init__(self, decoder: StreamDecoder, encoder: StreamEncoder) -> None:
        self._decoder = decoder
        self._encoder = encoder
        self._pending: list[Event] = []  # of an answer that has not said anything yet
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for these; b"" until the answer says something."""
        events = self._decoder.feed(data)
        if not events:
            return b""
        return self._pass(events)

    def close(self) -> bytes:
        """The rest. A stream that broke before it said anything leaves `fault` and b"": nothing is committed yet."""
        out = self._pass(self._decoder.close())
        return out + self._encoder.close() if self.committed else b""

    def fail(self, fault: Fault) -> bytes:
        """The client protocol's error ending, wherever the answer stands."""
        self.fault = self.fault or fault
        events, self._pending = [*self._pending, Failed(fault)], []
        self.committed = True
        return self._encoder.feed(events)

    def keep_alive(self) -> bytes:
        """As the client's encoder says it."""
        return self._encoder.keep_alive()

    def _pass(self, events: list[Event]) -> bytes:
        # Only what ends an answer or tells its usage needs a look; single deltas, nearly all of a stream, do not.
        if len(events) != 1 or type(events[0]) is not Delta:
            self._look(events)
        if self.committed:
            return self._encoder.feed(events)
        self._pending += events
        if self.fault is not None or all(isinstance(event, _SILENT) for event in events):
            return b""
        self.committed = True
        events, self._pending = self._pending, []
        return self._encoder.feed(events)

    def _look(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, UsageUpdate):
                self.usage = event.usage
            elif isinstance(event, Start):
                self.usage = event.usage or self.usage
            elif isinstance(event, End):
                self.complete = True
            elif isinstance(event, Failed):
                self.fault = event.fault
