"""The ways of an operation: relayed, converted from shape to shape, or relayed as a chat is."""

from collections.abc import Callable
from typing import Any, NoReturn, cast

from msgspec import Raw
from msgspec.structs import replace

from twoapi.gateway.headers import RawHeaders
from twoapi.gateway.relay import Relay
from twoapi.gateway.way import Pump
from twoapi.ir import Fault, FaultError, Loss, Usage
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Face, Native, Operation, Reach, Shape
from twoapi.protocols.operations.completions import Completions
from twoapi.protocols.operations.passing import BytePump, EventPump
from twoapi.protocols.registry import CODECS
from twoapi.wire.http import Incoming, Outgoing

_NO_STREAM = Fault("upstream_error", "the upstream answers with a stream that nobody asked for", whose="upstream")
_EVENTS = Raw(b'"sse"')
_CONTINUES = "its text is sent as what a user says: the model answers it instead of going on with it"
# An exchange asks its client's codec for no more than the side that this has.
COMPLETIONS = cast("Codec", Completions())


def way_to(
    operation: Operation,
    shape: Shape,
    candidate: Candidate,
    incoming: Incoming,
    peek: Peek,
    asked: Callable[[], object],
) -> "Passed | Converted | RelayedAs":
    """The way to an upstream; `asked` decodes the request where it must be converted. Raises FaultError when the
    upstream does not offer the operation, or cannot carry the request. The shape must be one that clients speak.
    """
    service, native = candidate.service, shape.native
    if service is None or native is None:
        raise FaultError(unserved(operation, candidate))
    path = _pinned(service.path, candidate)
    if operation.like is not None:
        return RelayedAs(CODECS[operation.like], native, incoming, peek, candidate, path)
    if service.shape == shape.name:
        return Passed(operation, native, native.relay(incoming, peek, candidate.model, path), peek)
    reach = operation.shapes[service.shape].reach
    if shape.face is None or reach is None:
        raise FaultError(unserved(operation, candidate))
    return Converted(shape.face, reach, asked(), candidate, path)


def streams(operation: Operation, peek: Peek) -> bool:
    """True when the answer goes to the client as it comes."""
    return operation.answers == "bytes" or (peek.stream and operation.answers != "json")


def unserved(operation: Operation, candidate: Candidate) -> Fault:
    """The answer when an upstream has no such thing."""
    message = f"the upstream {candidate.upstream!r} does not offer {operation.name} for {candidate.model!r}"
    return Fault("invalid_request", message, code="operation_not_supported", param="model")


def continued(candidate: Candidate) -> Loss:
    """What is lost of every prompt that a chat answers."""
    return Loss("/prompt", "emulated", candidate.protocol, _CONTINUES)


def _pinned(path: str, candidate: Candidate) -> str:
    """The path under the version that the upstream wants, where it wants one ("": none)."""
    version = candidate.capabilities.api_version
    return path if version is None else path.replace("/{version}", f"/{version}" if version else "")


class Passed:
    """Both sides have the same shape: bytes go through."""

    array = False
    __slots__ = ("_events", "_native", "losses", "outgoing", "usage")

    def __init__(self, operation: Operation, native: Native, outgoing: Outgoing, peek: Peek) -> None:
        self._native = native
        asked = peek.members.get("stream_format")
        self._events = operation.answers == "events" or (asked is not None and bytes(asked) == bytes(_EVENTS))
        self.outgoing = outgoing
        self.usage: Usage | None = None
        self.losses: list[Loss] | None = None

    def whole(self, body: bytes) -> bytes:
        """The same body. Raises FaultError for an error hidden in it, and for what is no answer."""
        inspection = self._native.inspect(body)
        if inspection.fault is not None:
            raise FaultError(inspection.fault)
        self.usage = inspection.usage
        return body

    def pump(self) -> Pump:
        """Events or bytes as they come."""
        return EventPump() if self._events else BytePump()

    def streamed_as_whole(self, body: bytes) -> NoReturn:  # noqa: ARG002  nothing can be made of it
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)

    def whole_as_stream(self, body: bytes) -> bytes:
        """The same body: its type tells the client what it is."""
        return self.whole(body)


class Converted:
    """Through what the operation's shapes have in common, with every loss reported. It may take several requests, one
    after another: `is_last` says that the one at hand is the last.
    """

    array = False
    __slots__ = ("_answers", "_asked", "_counted", "_face", "_outgoings", "_parts", "_reach", "losses", "usage")

    def __init__(
        self, face: Face[Any, Any], reach: Reach[Any, Any], asked: object, candidate: Candidate, path: str
    ) -> None:
        self._asked = asked
        self._face = face
        self._reach = reach
        self._parts: list[object] = [asked] if reach.split is None else reach.split(asked)
        self._answers: list[Any] = []
        self._counted: int | None = None  # tokens that the next answer has cost, as its head says
        self.losses: list[Loss] = []
        losses: list[Loss] = []
        self._outgoings = [reach.encode(part, candidate.model, path, losses) for part in self._parts]
        self.losses += dict.fromkeys(losses)  # what is lost of all parts is told once
        self.usage: Usage | None = None

    @property
    def outgoing(self) -> Outgoing:
        """The request whose answer is the next to come."""
        return self._outgoings[len(self._answers)]

    @property
    def is_last(self) -> bool:
        """True when nothing remains to be asked after this request."""
        return len(self._answers) + 1 >= len(self._parts)

    def hear(self, headers: RawHeaders) -> None:
        """What stands before the answer to come."""
        counter = self._reach.counter
        said = next((value for name, value in headers if name == counter), b"")
        self._counted = int(said) if said.isdigit() else None

    def take(self, body: bytes) -> None:
        """The answer to a request that is not the last; raises FaultError as `whole` does."""
        self._answers.append(self._read(body))

    def whole(self, body: bytes) -> bytes:
        """The client's body; raises FaultError for an error hidden in the upstream's, and for what is no answer."""
        answers = [*self._answers, self._read(body)]
        answer = answers[0] if self._reach.join is None else self._reach.join(answers)
        self.usage = answer.usage
        return self._face.write(answer, self._asked, self.losses)

    def _read(self, body: bytes) -> Any:  # noqa: ANN401  what the operation answers
        answer = self._reach.read(body, self._parts[len(self._answers)])
        if answer.usage is None and self._counted is not None:
            answer.usage = Usage(input=self._counted)
        return answer

    def pump(self) -> NoReturn:
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)

    def streamed_as_whole(self, body: bytes) -> NoReturn:  # noqa: ARG002  as above
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)

    def whole_as_stream(self, body: bytes) -> NoReturn:  # noqa: ARG002  as above
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)


class RelayedAs(Relay):
    """An operation that is relayed as a protocol's answers are, at a path of its own."""

    __slots__ = ("_native",)

    def __init__(
        self, codec: Codec, native: Native, incoming: Incoming, peek: Peek, candidate: Candidate, path: str
    ) -> None:
        super().__init__(codec, incoming, peek, candidate.model, candidate.capabilities, (0, ""))
        self._native = native
        self.outgoing = replace(self.outgoing, path=path)

    def whole(self, body: bytes) -> bytes:
        """The same body. Raises FaultError for an error hidden in it, and for what is no answer."""
        fault = self._native.inspect(body).fault
        if fault is not None:
            raise FaultError(fault)
        return super().whole(body)

    def streamed_as_whole(self, body: bytes) -> NoReturn:  # noqa: ARG002  as above
        """Raises FaultError."""
        raise FaultError(_NO_STREAM)

    def whole_as_stream(self, body: bytes) -> bytes:
        """The whole answer as the one event of a stream: both have the same members."""
        line = self.whole(body).replace(b"\r", b" ").replace(b"\n", b" ")
        return b"data: " + line + b"\n\ndata: [DONE]\n\n"
