"""The small answers that need no upstream: model lists, health, readiness, the root."""

from twoapi.gateway.worker import Worker
from twoapi.ir import Fault
from twoapi.protocols.base import Codec, ModelEntry
from twoapi.server.inbound import Inbound
from twoapi.server.routes import Route
from twoapi.wire import json
from twoapi.wire.http import Headers

_JSON = b"content-type: application/json\r\n"


class Site:
    """Answers routes from what the worker knows."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def answer(self, route: Route, inbound: Inbound, codec: Codec) -> tuple[int, bytes, bytes]:
        """Status, header lines and body for a route that starts no exchange."""
        if route.kind == "models":
            return self._models(inbound, codec)
        if route.kind == "ready" and self._worker.draining:
            return 503, _JSON, b'{"status":"draining"}'
        if route.kind == "root":
            return 200, _JSON, b'{"name":"twoapi","docs":"README.md","health":"/healthz","models":"/v1/models"}'
        return 200, _JSON, b'{"status":"ok"}'

    def _models(self, inbound: Inbound, codec: Codec) -> tuple[int, bytes, bytes]:
        key = inbound.key
        entries = [
            ModelEntry(id=name, created=self._worker.snapshot.created, owner=owner)
            for name, owner in self._worker.snapshot.model_names()
            if key is None or key.may_use(name)
        ]
        _, _, wanted = inbound.path.partition(b"/models/")
        if not wanted:
            return 200, _JSON, codec.encode_models(entries)
        name = wanted.decode("utf-8", "replace")
        for entry in entries:
            if entry.id == name:
                listed = json.at_pointer(codec.encode_models([entry]), "/data/0")
                return 200, _JSON, bytes(listed or b"{}")
        fault = Fault("not_found", f"there is no model {name!r}; GET /v1/models lists them", code="model_not_found")
        status, headers, body = codec.encode_fault(fault, self._worker.next_id())
        return status, header_lines(headers), body


def header_lines(headers: Headers) -> bytes:
    """Headers as lines for ClientPort.answer; the values are the gateway's own or came out of a parsed header."""
    return _JSON + b"".join(b"%s: %s\r\n" % header for header in headers)
