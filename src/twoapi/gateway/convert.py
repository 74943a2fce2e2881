"""Client and upstream speak different protocols: through the canonical model, with every loss reported."""

from collections.abc import Sequence

from twoapi.gateway.memory import Memory
from twoapi.gateway.way import Pump
from twoapi.ir import (
    Delta,
    Event,
    Failed,
    Fault,
    FaultError,
    KeepAlive,
    Loss,
    Request,
    Response,
    Start,
    Usage,
    UsageUpdate,
)
from twoapi.ir.assemble import fold, unfold
from twoapi.ir.events import End
from twoapi.policy.route import Candidate
from twoapi.protocols.base import AnswerContext, Codec, StreamDecoder, StreamEncoder
from twoapi.protocols.pieces import IN_PIECES, said_at_once
from twoapi.protocols.registry import UPSTREAM_CODECS

# Events that say nothing yet: while only these have come, another upstream may still answer.
_SILENT = (Start, KeepAlive, UsageUpdate)


class Convert:
    """The way through the canonical model. `memory`: what its request leads to, and where its answer is remembered."""

    array = False
    __slots__ = ("_candidate", "_client", "_context", "_memory", "_restore", "_upstream", "losses", "outgoing", "usage")

    def __init__(
        self,
        client: Codec,
        candidate: Candidate,
        request: Request,
        clock: tuple[int, str],
        memory: Memory | None = None,
        changed: Sequence[Loss] = (),
    ) -> None:
        """`changed`: what the request has already lost on its way to this candidate, which judges what an error in a
        stream is for clients; before there is anything of an answer it is for the exchange to judge.
        """
        self._client = client
        self._candidate = candidate
        self._upstream = upstream = UPSTREAM_CODECS[candidate.protocol]
        self._memory = memory
        self.losses: list[Loss] = [*changed]
        now, answer_id = clock
        if memory is None:
            self._context = AnswerContext(request, now, answer_id)
        else:
            self._context = AnswerContext(memory.asked, now, answer_id, memory, memory.leaves_state)
            self.losses += memory.losses
        if request.protocol in IN_PIECES:
            request = said_at_once(request)
        encoded = upstream.encode_request(request, candidate.model, candidate.capabilities, self.losses)
        self.outgoing = encoded.outgoing
        self._restore = encoded.restore
        self.usage: Usage | None = None

    def whole(self, body: bytes) -> bytes:
        """The answer in the client's protocol. Raises FaultError for an error hidden in it."""
        return self._as_whole(self._upstream.decode_response(body, self._restore))

    def pump(self) -> Pump:
        """A pump through both codecs."""
        return ConvertPump(
            self._upstream.stream_decoder(self._restore),
            self._client.stream_encoder(self._context, self.losses),
            self._context,
            self._memory,
            self._candidate,
        )

    def streamed_as_whole(self, body: bytes) -> bytes:
        """The stream folded into one answer."""
        decoder = self._upstream.stream_decoder(self._restore)
        return self._as_whole(fold([*decoder.feed(body), *decoder.close()]))

    def whole_as_stream(self, body: bytes) -> bytes:
        """The whole answer cut into a stream."""
        response = self._upstream.decode_response(body, self._restore)
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        encoder = self._client.stream_encoder(self._context, self.losses)
        out = encoder.feed(list(unfold(response))) + encoder.close()
        if self._context.kept and self._memory is not None:
            self._memory.remember(response, self._context)
        return out

    def _as_whole(self, response: Response) -> bytes:
        if response.fault is not None:
            raise FaultError(response.fault)
        self.usage = response.usage
        out = self._client.encode_response(response, self._context, self.losses)
        if self._context.kept and self._memory is not None:
            self._memory.remember(response, self._context, out)
        return out


class ConvertPump:
    """Decoder and encoder of one streamed answer. What must be remembered of it holds back its end."""

    __slots__ = (
        "_candidate",
        "_context",
        "_decoder",
        "_encoder",
        "_flows",
        "_memory",
        "_pending",
        "_told",
        "committed",
        "complete",
        "fault",
        "usage",
    )

    def __init__(
        self,
        decoder: StreamDecoder,
        encoder: StreamEncoder,
        context: AnswerContext,
        memory: Memory | None,
        candidate: Candidate,
    ) -> None:
        self._candidate = candidate
        self._decoder = decoder
        self._encoder = encoder
        self._context = context
        self._memory = memory
        self._told: list[Event] | None = [] if context.kept else None  # all of it, when it will be remembered
        self._pending: list[Event] = []  # of an answer that has not said anything yet
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False
        self._flows = False  # the answer has begun, and nothing of it is collected

    def feed(self, data: bytes) -> bytes:
        """The client's bytes for these; b"" until the answer says something."""
        events = self._decoder.feed(data)
        if not events:
            return b""
        if self._flows and len(events) == 1 and type(events[0]) is Delta:
            return self._encoder.feed(events)  # as nearly always
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
        self._look(events)
        if self._told is not None:
            self._told += events
        if self.committed:
            out = self._encoder.feed(events)
            return self._held_back(out) if self.complete else out
        self._pending += events
        if self.fault is not None or all(isinstance(event, _SILENT) for event in events):
            return b""
        self.committed = True
        self._flows = self._told is None
        events, self._pending = self._pending, []
        out = self._encoder.feed(events)
        return self._held_back(out) if self.complete else out

    def _held_back(self, out: bytes) -> bytes:
        """The end of an answer: b"" when it waits in the memory until what it leaves behind is durable."""
        memory = self._memory
        if memory is None:
            return out
        told, self._told = self._told, None
        if told is not None:
            memory.remember(fold(told), self._context)
        if not memory.rows:
            return out
        memory.tail += out
        return b""

    def _look(self, events: list[Event]) -> None:
        for position, event in enumerate(events):
            if isinstance(event, UsageUpdate):
                self.usage = event.usage
            elif isinstance(event, Start):
                self.usage = event.usage or self.usage
            elif isinstance(event, End):
                self.complete = True
            elif isinstance(event, Failed):
                self.fault = event.fault
                if self.committed:
                    self.fault = self._candidate.judged(event.fault)
                    events[position] = Failed(self.fault)
