"""Where a request goes: the model and the method are in the path, not in the body."""

from functools import lru_cache
from urllib.parse import quote, unquote

from msgspec import Struct

from twoapi.ir import FaultError
from twoapi.protocols.base import Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.gemini.name import refuse
from twoapi.wire.http import Incoming

GENERATE, STREAM, COUNT = "generateContent", "streamGenerateContent", "countTokens"
VERSION = "v1beta"
_COLLECTIONS = ("/models/", "/tunedModels/")
_SPELLED = ("models/", "tunedModels/", "publishers/", "projects/", "endpoints/")


class Target(Struct, frozen=True):
    """What a path names. `version` is "" where the path has none."""

    model: str
    method: str
    version: str

    @property
    def stream(self) -> bool:
        """True for a streamed answer."""
        return self.method == STREAM


@lru_cache(maxsize=1024)
def target_of(path: str) -> Target:
    """Model and method of a path such as `/v1beta/models/{model}:generateContent`, under any prefix.

    Raises FaultError when it names no model.
    """
    path = unquote(path)
    head, colon, method = path.rpartition(":")
    for collection in _COLLECTIONS:
        before, found, name = head.partition(collection)
        if found and name:
            name = name.removeprefix("models/")
            version = before.rpartition("/")[2] if "/projects/" not in before else before.split("/")[1]
            if version[:1] != "v" or not version[1:2].isdecimal():
                version = ""
            model = name if collection == "/models/" else collection[1:] + name
            if colon and model:
                return Target(model, method, version)
    raise refuse("the path must name a model and a method: /v1beta/models/{model}:generateContent", None)


def path_of(model: str, method: str, capabilities: Capabilities, version: str = VERSION) -> str:
    """The path of an upstream request: under the pinned version ("" for none), else under `version`."""
    pinned = capabilities.api_version
    return _path(model, method, version if pinned is None else pinned)


@lru_cache(maxsize=1024)
def _path(model: str, method: str, prefix: str) -> str:
    name = model if model.startswith(_SPELLED) else f"models/{model}"
    return f"{'/' + prefix if prefix else ''}/{quote(name, safe='/:@')}:{method}"


def wants_events(incoming: Incoming) -> bool:
    """True when a stream is wanted as server-sent events; without `alt=sse` it is one JSON array."""
    return "alt=sse" in incoming.query.split("&")


def peek(incoming: Incoming) -> Peek:
    """Model and stream flag: both are in the path. The body is not read."""
    target = target_of(incoming.path)
    return Peek(target.model, target.stream, array=target.stream and not wants_events(incoming))


def mentions(incoming: Incoming, model: str) -> bool:
    """Whether the name stands in the path."""
    return model in incoming.path


def guess_model(incoming: Incoming) -> str:
    """The model that the path names; "" when it names none."""
    try:
        return target_of(incoming.path).model
    except FaultError:
        return ""
