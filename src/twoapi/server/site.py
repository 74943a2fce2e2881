"""The small answers that need no upstream: model lists, health, readiness, the root."""

from twoapi.gateway.worker import Worker
from twoapi.ir import Fault
from twoapi.protocols.base import ModelEntry
from twoapi.server.head import Head
from twoapi.wire import json
from twoapi.wire.http import Headers

_JSON = b"content-type: application/json\r\n"


class Site:
    """Answers routes from what the worker knows."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def answer(self, head: Head) -> tuple[int, bytes, bytes]:
        """Status, header lines and body for a route that starts no exchange."""
        kind = head.route.kind if head.route is not None else "root"
        if kind == "models":
            return self._models(head)
        if kind == "ready" and self._worker.draining:
            return 503, _JSON, b'{"status":"draining"}'
        if kind == "root":
            return 200, _JSON, b'{"name":"twoapi","docs":"README.md","health":"/healthz","models":"/v1/models"}'
        return 200, _JSON, b'{"status":"ok"}'

    def _models(self, head: Head) -> tuple[int, bytes, bytes]:
        key, codec = head.key, head.codec
        entries = [
            ModelEntry(id=name, created=self._worker.snapshot.created, owner=owner)
            for name, owner in self._worker.snapshot.model_names()
            if key is None or key.may_use(name)
        ]
        _, _, name = head.path.partition("/models/")
        if not name:
            return 200, _JSON, codec.encode_models(entries)
        for entry in entries:
            if entry.id == name:
                listed = json.at_pointer(codec.encode_models([entry]), "/data/0")
                return 200, _JSON, bytes(listed or b"{}")
        fault = Fault("not_found", f"there is no model {name!r}; GET /v1/models lists them", code="model_not_found")
        status, headers, body = codec.encode_fault(fault, next(self._worker.ids))
        return status, header_lines(headers), body


def header_lines(headers: Headers) -> bytes:
    """Headers as lines for ClientPort.answer; the values are the gateway's own or came out of a parsed header."""
    return _JSON + b"".join(b"%s: %s\r\n" % header for header in headers)
