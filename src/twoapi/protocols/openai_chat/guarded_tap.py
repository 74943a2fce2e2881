"""The tap of a stream whose server hides errors in its chunks."""

import re

from twoapi.ir import Fault
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat.faults import error_frame
from twoapi.protocols.openai_chat.mend_answer import may_fail, told_failure
from twoapi.protocols.openai_chat.tap import ChatTap, payloads

_BEHIND_FRAMES = re.compile(rb"(?<=\n\n)|(?<=\n\r\n)")
_MOST_HELD = 1024 * 1024  # bytes of a frame that is not whole yet


class GuardedTap(ChatTap):
    """Passes whole frames only, so that one which tells an error never reaches the client as an answer."""

    __slots__ = ("_is_broken", "_rest")

    def __init__(self, capabilities: Capabilities, *, strip: bool) -> None:
        super().__init__(capabilities, strip=strip)
        self._rest = b""  # of a frame that is not whole yet
        self._is_broken = False

    def feed(self, data: bytes) -> bytes:
        """The bytes for the client; the protocol's error ending in place of a hidden error."""
        if self._is_broken:
            return b""
        *frames, self._rest = _BEHIND_FRAMES.split(self._rest + data)
        if len(self._rest) > _MOST_HELD:
            frames, self._rest = [*frames, self._rest], b""
        return self._pass(frames)

    def close(self) -> bytes:
        """As of any tap; nothing follows an error ending."""
        rest, self._rest = self._rest, b""
        out = self._pass([rest]) if rest and not self._is_broken else b""
        return out + self._ending()

    def _ending(self) -> bytes:
        return b"" if self._is_broken else super().close()

    def _pass(self, frames: list[bytes]) -> bytes:
        good: list[bytes] = []
        for frame in frames:
            fault = self._hidden(frame) if may_fail(frame, self._capabilities) else None
            if fault is not None:
                return self._break(good, fault)
            good.append(frame)
        return super().feed(b"".join(good)) if good else b""

    def _hidden(self, frame: bytes) -> Fault | None:
        found = (told_failure(payload, self._capabilities) for payload in payloads(frame))
        return next((fault for fault in found if fault is not None), None)

    def _break(self, good: list[bytes], fault: Fault) -> bytes:
        """The answer ends here: with the fault as a reason to fall back, or with the protocol's own error."""
        out = super().feed(b"".join(good)) if good else b""
        self._is_broken = True
        self.fault = self.fault or fault
        return out + error_frame(fault) if self.committed else b""
