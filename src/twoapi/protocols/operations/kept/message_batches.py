"""A new batch of Anthropic's: requests, each of which names its model. It may be hundreds of megabytes."""

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Raw

from twoapi.protocols.operations.members import refuse
from twoapi.protocols.sealing import SEAL_PREFIX
from twoapi.wire import json
from twoapi.wire.errors import WireError

_AT = "/requests"
_MOST_REQUESTS, _MOST_MODELS = 100_000, 100  # of one batch; the first is the vendor's own limit
_PIECE = 256 * 1024  # bytes, nearly, of a piece that is sent at once
_SEALED = SEAL_PREFIX.encode()


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    """A batch with nothing beside its requests, as most are: one scan of it takes half the time of two."""

    requests: list[Raw]


_decode_plain = json.decoder(_Plain)


class MessageBatch(msgspec.Struct):
    """A batch that was looked at. `members`: what is beside the requests; `models`: the names in it, each with
    the pointer of its first place.
    """

    members: dict[str, Raw]
    requests: list[Raw]
    models: dict[str, str]


def read_batch(body: bytes) -> MessageBatch:
    """What a client asks for; raises FaultError."""
    members, requests = _members(body)
    if not requests:
        raise refuse("a batch has at least one request", _AT)
    if len(requests) > _MOST_REQUESTS:
        raise refuse(f"a batch has at most {_MOST_REQUESTS} requests", _AT)
    models: dict[str, str] = {}
    for index, request in enumerate(requests):
        at = f"{_AT}/{index}/params"
        _, params = _taken_apart(request, index)
        models.setdefault(_model(params, f"{at}/model"), f"{at}/model")
        if len(models) > _MOST_MODELS:
            raise refuse(f"the batch names more than {_MOST_MODELS} models", f"{at}/model")
        if _SEALED in _text(request, f"{_AT}/{index}"):
            message = "it holds reasoning that another upstream has made, which a batch does not carry; leave it out"
            raise refuse(message, f"{at}/messages")
    return MessageBatch(members, requests, models)


def _members(body: bytes) -> tuple[dict[str, Raw], list[Raw]]:
    """The members of a batch, and its requests."""
    try:
        return {}, _decode_plain(body).requests
    except WireError:
        pass  # something else is said, or wrong
    try:
        members = json.fields(body)
    except WireError as error:
        raise refuse(f"the body must be a JSON object: {error.message}", None) from None
    try:
        requests = json.items(members.pop("requests", Raw(b"[]")))
    except WireError as error:
        raise refuse(error.message, _AT) from None
    for name, value in members.items():
        _text(value, f"/{json.escape(name)}")
    return members, requests


def written_batch(batch: MessageBatch, names: Mapping[str, str]) -> list[bytes]:
    """The same batch with other names of its models, in pieces. What a member says is kept byte for byte, and of those
    that are there twice the last, which is the one that was looked at.
    """
    pieces: list[bytes] = []
    held: list[bytes] = []
    size = 0
    for part in _parts(batch, {name: Raw(json.encode(own)) for name, own in names.items()}):
        held.append(part)
        size += len(part)
        if size >= _PIECE:
            pieces.append(b"".join(held))
            held, size = [], 0
    return [*pieces, b"".join(held)]


def _parts(batch: MessageBatch, names: Mapping[str, Raw]) -> Iterator[bytes]:
    yield b"{"
    for name, value in batch.members.items():
        yield b"%b:%b," % (json.encode(name), bytes(value))
    yield b'"requests":['
    for index, request in enumerate(batch.requests):
        members, params = _taken_apart(request, index)
        params["model"] = names[_model(params, "")]
        members["params"] = Raw(json.encode(params))
        yield b"," + json.encode(members) if index else json.encode(members)
    yield b"]}"


def _taken_apart(request: Raw, index: int) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """The members of a request of a batch, and those of its parameters."""
    at = f"{_AT}/{index}"
    members = _object(request, at)
    return members, _object(members.get("params", json.EMPTY), f"{at}/params")


def _object(value: Raw, at: str) -> dict[str, Raw]:
    if json.first_byte(value) != 123:
        raise refuse("must be an object", at)
    try:
        return json.fields(value)
    except WireError as error:
        raise refuse(error.message, at) from None


def _model(params: Mapping[str, Raw], at: str) -> str:
    name = json.string(params.get("model", json.EMPTY))
    if not name:
        raise refuse("must name a model", at)
    return name


def _text(value: Raw, at: str) -> bytes:
    """Its bytes; raises FaultError for such as are no text."""
    data = bytes(value)
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise refuse(f"is not UTF-8: {error.reason}", at) from None
    return data
