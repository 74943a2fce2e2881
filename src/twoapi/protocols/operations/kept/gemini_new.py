"""New batches and cached contents of Gemini's clients: of which model they are, and the same for an upstream's name."""

from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import Raw

from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.gemini_paths import name_of, target
from twoapi.protocols.operations.kept.base import Kind
from twoapi.protocols.operations.members import Members, elements, refuse
from twoapi.wire import json
from twoapi.wire.http import Incoming

_PREFIX = "models/"
_UPDATED = ("updateMask", "update_mask")  # of a query: which members a change is for


class New(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be begun. `file`: the one that a batch is made of, "" when it has its requests in it; `caches`: the
    cached contents that these go on from; `method`: what stands behind the model's name in the path, "" when the model
    is in the body.
    """

    model: str
    method: str = ""
    file: str = ""
    caches: tuple[str, ...] = ()


def new(kind: Kind, incoming: Incoming) -> New:
    """What a client asks for; raises FaultError, also for a batch whose requests are for several models."""
    if kind == "caches":
        model = Members(incoming.body).text("model")
        if not model:
            raise refuse("model is required", "/model")
        return New(model=model.removeprefix(_PREFIX))
    _, model, method = target(incoming.path)
    batch = _Batch(incoming.body)
    models, caches = batch.named()
    for where, said in models:
        if said.removeprefix(_PREFIX) != model:
            raise refuse(f"all requests of a batch are for the model in its path, {model!r}", where)
    return New(model=model, method=method, file=batch.file, caches=tuple(dict.fromkeys(caches)))


def body_for(kind: Kind, incoming: Incoming, asked: New, model: str) -> bytes:
    """The client's own body, with an upstream's own name of the model wherever it stands."""
    if model == asked.model or b'"model"' not in incoming.body:
        return incoming.body
    name = Raw(json.encode(name_of(model)))
    if kind == "caches":
        return json.replace_field(incoming.body, "model", bytes(name))
    return _Batch(incoming.body).with_model(name)


def path_for(collection: str, asked: New, model: str) -> str:
    """The path at an upstream that has the collection at this one."""
    json_bodies.check_name(model)
    if not asked.method:
        return collection
    return f"{collection.rpartition('/')[0]}/{quote(name_of(model), safe='/:@')}:{quote(asked.method, safe='')}"


def update_query(query: str) -> str:
    """The part of a client's query that belongs to a change, with its question mark; "" for none."""
    said = [(name, value) for name, value in parse_qsl(query) if name in _UPDATED]
    return f"?{urlencode(said)}" if said else ""


class _Batch:
    """The body of a new batch. Raises FaultError for what is none."""

    def __init__(self, body: bytes) -> None:
        self._body = Members(body, spellings=True)
        batch_at, batch = self._body.where("batch"), self._body.raw("batch")
        if batch is None:
            raise refuse("batch is required", batch_at)
        self._batch = Members(batch, batch_at, spellings=True)
        self._model_at, self._model = self._batch.where("model"), self._batch.text("model")
        config_at, config = self._batch.where("inputConfig"), self._batch.raw("inputConfig")
        if config is None:
            raise refuse("inputConfig is required", config_at)
        self._config = Members(config, config_at, spellings=True)
        self.file = self._config.text("fileName") or ""
        self._outer_at, outer = self._config.where("requests"), self._config.raw("requests")
        self._outer = None if outer is None else Members(outer, self._outer_at)
        self._requests: list[Raw] = []
        if self._outer is not None:
            listed = self._outer.raw("requests")
            self._requests = [] if listed is None else elements(listed, f"{self._outer_at}/requests")
        if bool(self.file) == bool(self._requests):
            raise refuse("a batch is made of a file or of requests", config_at)

    def named(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Every model that the body names, with the place where it does; and every cached content."""
        found = [] if self._model is None else [(self._model_at, self._model)]
        caches = []
        for number, one in enumerate(self._requests):
            at = f"{self._outer_at}/requests/{number}"
            inner = Members(one, at).raw("request")
            if inner is None:
                raise refuse("request is required", f"{at}/request")
            request = Members(inner, f"{at}/request", spellings=True)
            model, cache = request.text("model"), request.text("cachedContent")
            if model is not None:
                found.append((f"{at}/request/model", model))
            if cache is not None:
                caches.append(cache)
        return found, caches

    def with_model(self, name: Raw) -> bytes:
        """The same body with another model."""
        config: dict[str, object] = _left(self._config)
        if self.file:
            config["fileName"] = self.file
        if self._outer is not None:
            config["requests"] = {**_left(self._outer), "requests": [_renamed(one, name) for one in self._requests]}
        batch: dict[str, object] = {**_left(self._batch), "inputConfig": config}
        if self._model is not None:
            batch["model"] = name
        return json.encode({**_left(self._body), "batch": batch})


def _left(members: Members) -> dict[str, object]:
    """What was not taken, by its own names."""
    return {json.unescape(pointer.rpartition("/")[2]): value for pointer, value in members.rest().items()}


def _renamed(one: Raw, name: Raw) -> dict[str, object]:
    """A request of a batch; one that names no model still names none."""
    members = json.fields(one)
    request: dict[str, object] = dict(json.fields(members["request"]))
    if "model" in request:
        request["model"] = name
    return {**members, "request": request}
