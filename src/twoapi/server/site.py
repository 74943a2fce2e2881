"""The small answers that need no upstream: model lists, health, readiness, the root."""

from urllib.parse import unquote

from twoapi.gateway.headers import refusal_headers
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.server.head import Head
from twoapi.server.model_lists import Listed, listed, model_alone, model_list

_JSON = b"content-type: application/json\r\n"
_ROOT = b'{"name":"twoapi","docs":"README.md","health":"/healthz","models":"/v1/models"}'
_PREFIX = "models/"  # before every name, where Gemini's clients write one


class Site:
    """Answers routes from what the worker knows."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker

    def answer(self, head: Head) -> tuple[int, bytes, bytes]:
        """Status, header lines and body for a route that starts no exchange."""
        kind = head.route.kind if head.route is not None else "root"
        if head.key is not None and kind == "models":
            try:
                return 200, _JSON, self._models(head, head.key)
            except FaultError as error:
                return self._refusal(head.codec, error.fault)
        if kind == "ready" and self.worker.draining:
            return 503, _JSON, b'{"status":"draining"}'
        return 200, _JSON, _ROOT if kind == "root" else b'{"status":"ok"}'

    def _models(self, head: Head, key: KeyEntry) -> bytes:
        codec = head.codec
        _, _, name = head.path.partition("/models/")
        if name:
            name = unquote(name)
            return model_alone(codec, self._listed(codec, name.removeprefix(_PREFIX), key))
        names = self.worker.snapshot.model_names()
        models = [self._listed(codec, name, key, owner) for name, owner in names if key.may_use(name)]
        # Codex names its version and reads a list of its own, also where the rest of its protocol is OpenAI's.
        return model_list(codec, models, for_codex="client_version=" in head.query)

    def _listed(self, codec: Codec, name: str, key: KeyEntry, owner: str | None = None) -> Listed:
        """Raises FaultError when there is no such model for this client."""
        snapshot = self.worker.snapshot
        plan = snapshot.plan(name, codec.name, key)
        return listed(codec, name, owner or plan.candidates[0].upstream, snapshot.created, plan)

    def _refusal(self, codec: Codec, fault: Fault) -> tuple[int, bytes, bytes]:
        request_id = next(self.worker.ids)
        status, headers, body = codec.encode_fault(fault, request_id)
        return status, refusal_headers((request_id.encode(), codec.request_id_header), 0, headers), body
