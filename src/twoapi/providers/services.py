"""Where upstreams offer what is not an answer of a model: the operations of protocols/operations, as data."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
from msgspec import Meta

from twoapi.protocols.operations.table import OPERATIONS, USUAL


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation is offered: in which shape, and at which path behind the base URL of `protocol`.

    `path` None: where vendors of the shape have it (`{model}` stands for the model's name). `protocol` None: the one
    whose upstreams usually offer the shape, else the first that is spoken. `models`: those that it is offered for (`*`
    stands for any text).
    """

    shape: Annotated[
        str,
        Meta(
            description=(
                "The form of its requests: `openai`, `gemini`, `cohere`, `dashscope`, `ollama`, `bedrock-titan`, "
                "`bedrock-cohere` for embeddings; `jina`, `cohere`, `dashscope` for rerank; `openai` for the "
                "rest."
            )
        ),
    ]
    path: Annotated[
        str | None,
        Meta(
            description=(
                "Behind the base URL, when not where vendors of that shape have it; `{model}` is the model's name."
            )
        ),
    ] = None
    protocol: Annotated[
        str | None, Meta(description="Whose base URL and credentials it stands behind, when the upstream has several.")
    ] = None
    models: Annotated[
        tuple[str, ...], Meta(description="The models that it is offered for; `*` stands for any text.")
    ] = ("*",)


class Want(msgspec.Struct, frozen=True):
    """What a client asks for: an operation, in a shape. `protocol` is the client's, for upstreams that do not offer it
    and may answer by other means.
    """

    operation: str
    shape: str
    protocol: str


class Offered(msgspec.Struct, frozen=True):
    """An operation as an upstream offers it for one model."""

    shape: str
    path: str
    protocol: str


def offered(
    want: Want, model: str, said: Iterable[Mapping[str, tuple[Service, ...]]], spoken: Iterable[str]
) -> Offered | None:
    """How an upstream that speaks these protocols offers this: in the client's own shape if it can, else in the first
    that it has; None when it does not. `said`: what the operator and the provider's file say, the former first.
    """
    fitting = [
        one
        for one, models in _offers(want.operation, said, spoken)
        if any(fnmatchcase(model, pattern) for pattern in models)
    ]
    return next((one for one in fitting if one.shape == want.shape), fitting[0] if fitting else None)


def is_offered(operation: str, said: Iterable[Mapping[str, tuple[Service, ...]]], spoken: Iterable[str]) -> bool:
    """True when there is some model for which such an upstream offers this."""
    return any(models for _, models in _offers(operation, said, spoken))


def problems(services: Mapping[str, tuple[Service, ...]]) -> list[str]:
    """What is wrong with names in these, one sentence each."""
    found = []
    for name, several in services.items():
        operation = OPERATIONS.get(name)
        if operation is None:
            found.append(f"there is no operation {name!r}; known: {', '.join(OPERATIONS)}")
            continue
        known = ", ".join(operation.shapes)
        found += [
            f"{name} has no shape {one.shape!r}; known: {known}" for one in several if one.shape not in operation.shapes
        ]
    return found


def _offers(
    operation: str, said: Iterable[Mapping[str, tuple[Service, ...]]], spoken: Iterable[str]
) -> list[tuple[Offered, tuple[str, ...]]]:
    """Every way, with the models that it is for."""
    protocols = list(spoken)
    found = next((one[operation] for one in said if operation in one), None)
    return _usual(operation, protocols) if found is None else _placed(operation, found, protocols)


def _usual(operation: str, protocols: list[str]) -> list[tuple[Offered, tuple[str, ...]]]:
    return [
        (Offered(offer.shape, offer.path, protocol), offer.models)
        for protocol in protocols
        for offer in USUAL.get(protocol, {}).get(operation, ())
    ]


def _placed(operation: str, services: Iterable[Service], protocols: list[str]) -> list[tuple[Offered, tuple[str, ...]]]:
    found = []
    for service in services:
        usual = _usual_paths(operation, service.shape)
        protocol = service.protocol
        if protocol is None:
            protocol = next((one for one in protocols if one in usual), protocols[0] if protocols else "")
        path = service.path or usual.get(protocol) or next(iter(usual.values()), None)
        if protocol in protocols and path is not None:
            found.append((Offered(service.shape, path, protocol), service.models))
    return found


def _usual_paths(operation: str, shape: str) -> dict[str, str]:
    """Where upstreams of which protocol usually have this shape."""
    return {
        protocol: offer.path
        for protocol, offers in USUAL.items()
        for offer in offers.get(operation, ())
        if offer.shape == shape
    }
