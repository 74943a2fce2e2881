"""The upstreams behind the gateway under test: all vendors on one port, each under a path of its own."""

import contextlib
import http.server
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import msgspec

from twoapi.conformance.reply import Fault, Json, Reply, Spoken
from twoapi.conformance.vendor import Arrival, Vendor
from twoapi.conformance.vendors import VENDORS


class Upstream:
    """`with Upstream() as upstream:` serves on `upstream.url` until the block ends.

    `patience` is how long, in seconds, a stream that is held waits for its client; `vendors` are those by protocol.
    """

    arrivals: list[Arrival]
    reply: Reply
    fault: Fault | None
    hold: threading.Event | None  # when set, a stream stops after its first half until the client has heard some of it
    held_in_vain: bool

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        patience: float = 3.0,
        vendors: Mapping[str, Vendor] = VENDORS,
    ) -> None:
        self.vendors = vendors
        self.patience = patience
        self.play(Reply(text="Ready."))
        upstream = self

        class Handler(_Handler):
            owner = upstream

        self._server = _Server((host, port), Handler)
        self.port: int = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @staticmethod
    def bases(url: str, vendors: Mapping[str, Vendor] = VENDORS) -> dict[str, str]:
        """The base URL of each vendor, as its own SDK takes it, behind this one."""
        return {protocol: url + vendor.base for protocol, vendor in vendors.items()}

    def base(self, protocol: str) -> str:
        """The base URL of one vendor."""
        return self.url + self.vendors[protocol].base

    def play(self, reply: Reply, fault: Fault | None = None, *, hold: bool = False) -> None:
        """Forgets what came, and answers this from now on."""
        self.arrivals = []
        self.reply, self.fault = reply, fault
        self.hold, self.held_in_vain = (threading.Event() if hold else None), False


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A gateway that leaves is not worth a traceback."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is written in pieces
    owner: Upstream

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Nothing: the suite says what came."""

    def do_GET(self) -> None:
        """The model list, in a shape that all clients read."""
        models = [{"id": "conf", "object": "model", "created": 1, "owned_by": "conformance", "type": "model"}]
        self._json(200, {"object": "list", "data": models, "models": [{"name": "models/conf"}], "has_more": False})

    def do_POST(self) -> None:
        """The scripted answer, to a request of the protocol that the path is for."""
        path, _, query = self.path.partition("?")
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = msgspec.json.decode(data)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in self.headers.items()}
        vendor = self._vendor(path)
        protocol = "" if vendor is None else vendor.protocol
        arrival = Arrival(protocol=protocol, path=path, query=query, headers=headers, body=body)
        self.owner.arrivals.append(arrival)
        if vendor is None or not isinstance(body, dict):
            self._json(
                404, {"error": {"message": f"no such path: {path}", "type": "invalid_request_error", "code": 404}}
            )
            return
        fault = self.owner.fault
        if fault is not None and fault.where == "before":
            self._json(vendor.status(fault), vendor.fail(fault), vendor.headers(fault))
            return
        spoken = vendor.say(self.owner.reply, "conf")
        if vendor.streams(arrival):
            self._stream(vendor, spoken, fault, as_array=vendor.as_array(arrival))
        else:
            self._whole(spoken, fault)

    def _vendor(self, path: str) -> Vendor | None:
        for vendor in self.owner.vendors.values():
            if path.startswith(vendor.base) and vendor.takes(path[len(vendor.base) :]):
                return vendor
        return None

    def _whole(self, spoken: Spoken, fault: Fault | None) -> None:
        data = msgspec.json.encode(spoken.body)
        if fault is None or fault.where == "within":
            self._json(200, spoken.body)
            return
        half = data[: len(data) // 2]
        self._head(200, "application/json", {"content-length": str(len(data) if fault.where == "cut" else len(half))})
        self.wfile.write(half)
        self.close_connection = True

    def _stream(self, vendor: Vendor, spoken: Spoken, fault: Fault | None, *, as_array: bool) -> None:
        frames = [*spoken.head, *spoken.tail]
        half = len(spoken.head) // 2 + 1
        if fault is not None:
            frames = spoken.head[:half]
            if fault.where == "within":
                frames.append(vendor.break_off(fault))
        if as_array:
            frames = [(b"," if n else b"[") + frame[6:].strip() for n, frame in enumerate(frames)] + [b"]"]
        kind = "application/json" if as_array else vendor.stream_type
        self._head(200, kind, {"transfer-encoding": "chunked", "cache-control": "no-cache"})
        for number, frame in enumerate(frames):
            hold = self.owner.hold
            if hold is not None and number == half and not hold.wait(self.owner.patience):
                self.owner.held_in_vain = True
            self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
            self.wfile.flush()
        if fault is not None and fault.where == "cut":
            self.close_connection = True
            return
        with contextlib.suppress(OSError):
            self.wfile.write(b"0\r\n\r\n")

    def _json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        data = msgspec.json.encode(body)
        self._head(status, "application/json", {"content-length": str(len(data)), **(headers or {})})
        self.wfile.write(data)

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "x-request-id": "req_conf", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
