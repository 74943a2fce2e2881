"""What the encoders of one request share beside what all dialects do: the ids of calls, the cache marks."""

import hashlib

from twoapi import ir
from twoapi.protocols.bedrock_converse.name import NAME
from twoapi.protocols.call_ids import encode_call_id
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.dialects import encoding as dialect
from twoapi.protocols.dialects.encoding import Wire

MAX_CALL_ID = 64
_MAX_MARKS = 4
_HOUR = "1h"
_TTLS = {None: None, 300: "5m", 3600: _HOUR}


class Encoding(dialect.Encoding):
    """The state of one encode_request. `documents`: the names that documents have so far."""

    __slots__ = ("_marks", "_pending", "_used_ids", "_wire_ids", "documents", "tools_used")

    def __init__(self, request: ir.Request, capabilities: Capabilities, losses: list[ir.Loss]) -> None:
        super().__init__(request, capabilities, losses, NAME)
        self.tools_used = False  # a call or a result is in the history
        self.documents: set[str] = set()
        self._wire_ids: dict[str, str] = {}  # id of a call -> the one on the wire, of its last call
        self._used_ids: set[str] = set()
        self._marks: list[tuple[list[Wire], Wire, str]] = []
        self._pending: tuple[ir.CacheMark, str] | None = None  # a cache mark that waits for a place

    # --- ids of calls

    def call_id(self, call: ir.ToolCall, path: str) -> str:
        """The id of a call as it goes on the wire, where every call of a conversation has another."""
        wire = encode_call_id(call.id, MAX_CALL_ID)
        if wire in self._used_ids:
            self.lose(path, "info", "an id that an earlier call has is another on the wire")
            digest = hashlib.sha256(f"{len(self._used_ids)}|{wire}".encode()).hexdigest()
            wire = f"call_{digest[:24]}"
        self._used_ids.add(wire)
        self._wire_ids[call.id] = wire
        return wire

    def result_id(self, call_id: str) -> str:
        """The id of the call that a result answers: the last one of that id."""
        return self._wire_ids.get(call_id) or encode_call_id(call_id, MAX_CALL_ID)

    # --- cache marks

    def mark(self, blocks: list[Wire], mark: ir.CacheMark | None, path: str) -> None:
        """Puts a cache mark behind the last of these blocks, or the one that is waiting for a place."""
        if self._pending is not None:
            waiting, origin = self._pending
            self._pending = None
            self.lose(origin, "moved", "the cache mark stands behind the next part that can have one")
            mark = mark or waiting
        if mark is None:
            return
        if not blocks:  # nothing is left of the part
            self.postpone(mark, path)
            return
        if not self.capabilities.cache_marks:
            self.lose(path, "dropped", "the upstream takes no cache marks")
            return
        point: Wire = {"type": "default"}
        ttl = self._ttl(mark, path)
        if ttl is not None:
            point["ttl"] = ttl
        block: Wire = {"cachePoint": point}
        blocks.append(block)
        self._marks.append((blocks, point, path))

    def postpone(self, mark: ir.CacheMark | None, path: str) -> None:
        """Keeps the mark of a part that cannot have one for the next part that can."""
        if mark is None:
            return
        if not self.capabilities.cache_marks:
            self.lose(path, "dropped", "the upstream takes no cache marks")
            return
        if self._pending is not None:
            self.lose(self._pending[1], "moved", "two cache marks stand at one place")
        self._pending = (mark, path)

    def drop_marks(self, blocks: list[Wire]) -> None:
        """Drops the marks between blocks that do not go out."""
        for where, _, path in self._marks:
            if where is blocks:
                self.lose(path, "dropped", "what the cache mark stands behind does not go out")
        self._marks = [mark for mark in self._marks if mark[0] is not blocks]

    def lose_mark(self, mark: ir.CacheMark | None, path: str) -> None:
        """As postpone: the mark of what does not go out stands behind what follows."""
        self.postpone(mark, path)

    def settle_marks(self) -> None:
        """Drops the mark that found no place, and all but the last four."""
        if self._pending is not None:
            self.lose(self._pending[1], "dropped", "no following part can have the cache mark")
        surplus = max(len(self._marks) - _MAX_MARKS, 0)
        for blocks, point, path in self._marks[:surplus]:
            blocks[:] = [block for block in blocks if block.get("cachePoint") is not point]
            self.lose(path, "dropped", "at most four cache marks: the last four are kept")
        hour = False
        for _, point, path in reversed(self._marks[surplus:]):
            if point.get("ttl") == _HOUR:
                hour = True
            elif hour:
                point["ttl"] = _HOUR
                self.lose(path, "approximated", "a cache mark before one of an hour lasts an hour")

    def _ttl(self, mark: ir.CacheMark, path: str) -> str | None:
        """The nearest lifetime that is not shorter."""
        seconds = mark.ttl
        if seconds not in _TTLS:
            self.lose(path, "approximated", "cache lifetimes are 5m and 1h")
        return _TTLS.get(seconds, "5m" if seconds is not None and seconds < 300 else _HOUR)
