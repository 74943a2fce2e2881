"""A way that leads over a platform: its request as that platform takes it, its stream out of that platform's frames."""

from twoapi.gateway.way import Pump, Way
from twoapi.ir import Fault, Loss, Usage
from twoapi.providers.frames import Frames, Unframer
from twoapi.providers.mount import Route


class Routed:
    """The same way by a candidate's route."""

    __slots__ = ("_frames", "_losses", "_way", "array", "outgoing")

    def __init__(self, way: Way, route: Route, *, stream: bool) -> None:
        """Raises FaultError for a body that cannot be changed as the platform wants it."""
        self._way = way
        self._frames = route.frames
        self.array = way.array
        self._losses: list[Loss] | None = [] if way.losses is None else way.losses
        self.outgoing = route.lead(way.outgoing, self._losses, stream=stream)
        if way.losses is None and not self._losses:
            self._losses = None  # a relay is one as long as the platform refuses nothing

    @property
    def usage(self) -> Usage | None:
        """As the way knows it."""
        return self._way.usage

    @property
    def losses(self) -> list[Loss] | None:
        """As the way knows them, and what the platform refuses."""
        return self._losses

    def whole(self, body: bytes) -> bytes:
        """As the way reads it."""
        return self._way.whole(body)

    def pump(self) -> Pump:
        """The way's pump, behind what takes the frames off."""
        pump = self._way.pump()
        return pump if self._frames is None else _UnframedPump(pump, self._frames)

    def streamed_as_whole(self, body: bytes) -> bytes:
        """As the way reads it."""
        return self._way.streamed_as_whole(body)

    def whole_as_stream(self, body: bytes) -> bytes:
        """As the way reads it."""
        return self._way.whole_as_stream(body)


class _UnframedPump:
    """A pump that is fed what a platform's frames hold."""

    __slots__ = ("_pump", "_unframer")

    def __init__(self, pump: Pump, frames: Frames) -> None:
        self._pump = pump
        self._unframer = Unframer(frames)

    @property
    def usage(self) -> Usage | None:
        return self._pump.usage

    @property
    def fault(self) -> Fault | None:
        return self._pump.fault

    @property
    def committed(self) -> bool:
        return self._pump.committed

    @property
    def complete(self) -> bool:
        return self._pump.complete

    def feed(self, data: bytes) -> bytes:
        inner = self._unframer.feed(data)
        return self._pump.feed(inner) if inner else b""

    def close(self) -> bytes:
        return self._pump.close()

    def fail(self, fault: Fault) -> bytes:
        return self._pump.fail(fault)

    def keep_alive(self) -> bytes:
        return self._pump.keep_alive()
