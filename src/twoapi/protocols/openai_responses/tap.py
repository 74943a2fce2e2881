"""Watching a relayed stream: usage, the end mark and errors, with the bytes left as they are."""

import re

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, Usage
from twoapi.protocols.openai_responses.faults import event_fault, failed_error, hidden_fault
from twoapi.protocols.openai_responses.name import broken
from twoapi.protocols.openai_responses.usage import decode_usage
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.sse import Frame, SseReader, comment

KEEP_ALIVE = comment()
_CONTENT = b"event: response.output_text.delta\n"
_HELD = 1024 * 1024  # bytes of a frame that is not whole yet; a larger one is passed in pieces
_BLANK = (b"\n\n", b"\r\n\r\n", b"\r\r")
_BEGINNINGS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_MEMBER = b'"sequence_number"'
_NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,9})')
_TYPE = re.compile(rb'\s*\{\s*"type"\s*:\s*"([^"]+)"')
_LARGE = re.compile(rb'(?:^event: ?|"type"\s*:\s*")(response\.[a-z_.]+)')


class _Response(msgspec.Struct, gc=False):
    status: str | None = None
    usage: Raw = json.EMPTY
    error: Raw = json.EMPTY


class _Watched(msgspec.Struct, gc=False):
    type: str = ""
    response: Raw = json.EMPTY
    error: Raw = json.EMPTY


_decode = json.decoder(_Watched)
_decode_response = json.decoder(_Response)


class ResponsesTap:
    """Watches one relayed stream."""

    __slots__ = (
        "_begun",
        "_cut",
        "_held",
        "_inside",
        "_large",
        "_last",
        "_lost",
        "_passed",
        "_reader",
        "committed",
        "complete",
        "fault",
        "usage",
    )

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.fault: Fault | None = None
        self.committed = False
        self.complete = False
        self._reader: SseReader | None = SseReader()
        self._begun: Raw | None = None  # the response object of the first event: an error ending has to repeat it
        self._passed = b""  # the last bytes for the client in which an event is numbered
        self._last = b""  # the last bytes
        self._inside = False  # the bytes so far end inside a frame
        self._held = b""  # of that frame: an error may have to take its place, and half a frame helps no client
        self._cut = False  # the client has been given a part of it all the same
        self._large = ""  # the type of that frame, should it be too large to be read
        self._lost = False  # inside an event that is too large to be read

    def feed(self, data: bytes) -> bytes:
        """The same bytes, by whole frames. Those of text are not looked into."""
        if self.committed and not self._inside and data.startswith(_CONTENT) and data.find(b"\n\n") == len(data) - 2:
            self._last = self._passed = data
            return data  # one frame of content: what most reads bring
        self._look(data)
        return self._whole_frames(data)

    def close(self) -> bytes:
        """The failed ending when the stream was cut, in place of a half frame."""
        if self._reader is not None:
            for frame in self._reader.close():
                self._watch(frame)
        self._reader = None
        if self.complete or self.fault is not None:
            return self._held + b"\n\n" if self._inside and self.committed else b""
        return self.fail(broken("the upstream's stream ended before the answer did", code="stream_truncated"))

    def fail(self, fault: Fault) -> bytes:
        """The failed ending, after a blank line when the client's bytes end inside a frame."""
        self.fault = fault
        if not self.committed:
            return b""
        return (b"\n\n" if self._cut else b"") + failed_frame(fault, self._begun, self._next_number())

    def keep_alive(self) -> bytes:
        """A comment between frames."""
        return KEEP_ALIVE if not self._cut and not self.complete and self.fault is None else b""

    def _next_number(self) -> int:
        found = _NUMBER.findall(self._passed)
        return (int(found[-1]) if found else -1) + 1

    def _whole_frames(self, data: bytes) -> bytes:
        """What of these bytes and the held ones ends with a frame; the rest waits."""
        data = self._held + data
        if not self._inside:
            self._held, self._cut = b"", False
            return self._pass(data)
        end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\n\r\n") + 3, data.rfind(b"\r\r") + 2)
        if end > 2:
            self._cut = False
        elif len(data) > _HELD:
            if not self._cut:
                found = _LARGE.search(data, 0, 200)
                self._large = "" if found is None else found[1].decode()
            self._cut, end = True, len(data)
        else:
            end = 0
        self._held = data[end:]
        return self._pass(data[:end])

    def _pass(self, data: bytes) -> bytes:
        if _MEMBER in data:
            self._passed = data
        return data

    def _look(self, data: bytes) -> None:
        if not data:
            return
        before = self._last[-4:]
        self._last = before + data  # a blank line may lie across the seam
        behind = self._behind_lost(self._last) if self._lost else data
        self._inside = not self._last.endswith(_BLANK)
        if self._reader is None:
            return
        try:
            for frame in self._reader.feed(behind):
                self._watch(frame)
        except WireError:
            # It is relayed unread; what comes behind it, perhaps in the same read, is read again.
            self._reader = SseReader()
            for frame in self._reader.feed(self._behind_lost(self._last)):
                self._watch(frame)

    def _behind_lost(self, data: bytes) -> bytes:
        """What stands behind an event that is too large to be read."""
        _, blank, behind = data.replace(b"\r", b"").partition(b"\n\n")
        self._lost = not blank
        if blank and self._large in _ENDINGS:
            self.complete = True
        return behind

    def _watch(self, frame: Frame) -> None:
        name, data = frame
        kind = _type_of(name, data)
        if kind.startswith("response.") and kind not in _BEGINNINGS and kind not in _ENDINGS:
            self.committed = True
            return
        try:
            event = _decode(data)
            response = _Response() if json.is_null(event.response) else _decode_response(event.response)
        except WireError:
            if kind == "error":
                self.fault = self.fault or event_fault(data)
            return
        kind = event.type or kind
        if kind in _BEGINNINGS and self._begun is None:
            self._begun = event.response
        fault = hidden_fault(response.error)
        if kind == "error" or not json.is_null(event.error):
            fault = event_fault(data)
        elif fault is None and (kind == "response.failed" or response.status == "failed"):
            fault = broken("the upstream's answer failed without saying why", code="server_error")
        if kind in _ENDINGS:
            self.usage = decode_usage(response.usage) or self.usage
            self.complete = True
            self.committed = self.committed or fault is None
        self.fault = self.fault or fault


def _type_of(name: bytes, data: bytes) -> str:
    """The type of an event, without decoding it where its members stand in the vendor's order."""
    found = _TYPE.match(data)
    return (found[1] if found is not None else name).decode("latin-1")


def failed_frame(fault: Fault, begun: Raw | None, number: int) -> bytes:
    """The event that ends a stream in failure: the response that had begun, with the error in it."""
    try:
        members = {} if begun is None else json.fields(begun)
    except WireError:
        members = {}
    response = {
        "id": Raw(b'"resp_failed"'),
        "object": Raw(b'"response"'),
        "created_at": Raw(b"0"),
        "model": Raw(b'""'),
        "parallel_tool_calls": Raw(b"true"),
        "tool_choice": Raw(b'"auto"'),
        "tools": Raw(b"[]"),
        **members,
        "status": Raw(b'"failed"'),
        "error": Raw(json.encode(failed_error(fault))),
        "output": members.get("output", Raw(b"[]")),
    }
    event = {"type": "response.failed", "sequence_number": number, "response": response}
    data = json.encode(event).replace(b"\r", b" ").replace(b"\n", b" ")  # a client's frames have one data line
    return b"event: response.failed\ndata: " + data + b"\n\n"


def failed_stream(fault: Fault) -> bytes:
    """A whole stream that fails before anything has been said."""
    request_id = fault.request_id or "failed"
    response = {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "output": [],
        "model": "",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }
    begun = json.encode(response)
    created = json.encode({"type": "response.created", "sequence_number": 0, "response": response})
    return b"event: response.created\ndata: " + created + b"\n\n" + failed_frame(fault, Raw(begun), 1)
