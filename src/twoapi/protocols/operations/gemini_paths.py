"""Paths of Gemini's operations: version, model and method of a client's, and one for an upstream."""

from urllib.parse import quote, unquote

from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.members import refuse

_VERSION = "v1beta"
_COLLECTIONS = ("/models/", "/tunedModels/")
_SPELLED = ("models/", "tunedModels/", "publishers/", "projects/")


def target(path: str) -> tuple[str, str, str]:
    """Version ("" for none), model and method of a path; raises FaultError."""
    head, _, method = unquote(path).rpartition(":")
    for collection in _COLLECTIONS:
        before, found, name = head.partition(collection)
        name = name.removeprefix("models/")
        if found and name:
            return version_of(before), name if collection == "/models/" else collection[1:] + name, method
    raise refuse("the path must name a model and a method: /v1beta/models/{model}:{method}", None)


def version_of(path: str) -> str:
    """The version that a path ends with; "" for none."""
    last = path.rpartition("/")[2]
    return last if last[:1] == "v" and last[1:2].isdecimal() else ""


def name_of(model: str) -> str:
    """An upstream's name of a model as bodies and paths have it."""
    return model if model.startswith(_SPELLED) else f"models/{model}"


def place(path: str, model: str, version: str, method: str) -> str:
    """A path such as `/{version}/{model}` for a model and a method, under the version that the client asked for."""
    json_bodies.check_name(model)
    path = path.replace("{version}", version or _VERSION)
    return f"{path.replace('{model}', quote(name_of(model), safe='/:@'))}:{method}"
