"""Requests and answers that are JSON objects: the model is a member, and everything else is moved as it is."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec
from msgspec import Raw

from twoapi.ir import Fault, FaultError, Usage
from twoapi.protocols import openai_errors
from twoapi.protocols.base import Inspection, Peek
from twoapi.protocols.members import peek_members
from twoapi.protocols.operations.base import Native
from twoapi.protocols.operations.members import broken, refuse
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Incoming, Outgoing

PROTOCOL = "openai-chat"  # whose errors are OpenAI's, in every operation of theirs


def peek_model(incoming: Incoming) -> Peek:
    """Model and stream flag of a body that must name its model."""
    return peek_members(incoming)


def relayed(member: str, model: str = "") -> Native:
    """How a shape of OpenAI's kind is relayed whose answers have `member` ("" when they need none); `model` is the one
    that is meant when none is named.
    """
    return Native(peek=_peek_with(model) if model else peek_model, relay=relay, inspect=_inspect_with(member))


def _peek_with(default: str) -> Callable[[Incoming], Peek]:
    """The same for an operation whose model may be left out."""

    def peek(incoming: Incoming) -> Peek:
        try:
            members = json.fields(incoming.body)
        except WireError as error:
            raise refuse(f"the body must be a JSON object: {error.message}", None) from None
        if json.is_null(members.get("model", json.EMPTY)):
            flag = bytes(members.get("stream", b"false"))
            return Peek(default, flag == b"true", members)
        return peek_members(incoming)

    return peek


def relay(incoming: Incoming, peek: Peek, model: str, path: str) -> Outgoing:
    """The client's own bytes with the upstream's name of the model."""
    body = incoming.body
    if model != peek.model:
        body = json.replace_member(body, peek.members, "model", json.encode(model))
    return Outgoing(place(path, model), body)


def place(path: str, model: str) -> str:
    """The path with the model's name put in; raises FaultError for a name that would lead to another path."""
    if "{" not in path:
        return path
    check_name(model)
    return path.replace("{model}", quote(model, safe=""))


def check_name(model: str) -> None:
    """Raises FaultError for a name whose parts are dots: it would lead elsewhere."""
    if any(part in ("", ".", "..") for part in model.split("/")):
        raise FaultError(Fault("not_found", f"{model!r} is no name of a model", code="model_not_found"))


def _inspect_with(member: str) -> Callable[[bytes], Inspection]:
    """How a relayed answer is looked at: it must be an object that has `member`."""

    def inspect(body: bytes) -> Inspection:
        try:
            members = answer_members(body, member)
        except FaultError as error:
            return Inspection(fault=error.fault)
        said = members.get("usage")
        return Inspection(usage=None if said is None else usage(said))

    return inspect


def answer_members(body: bytes, member: str, protocol: str = PROTOCOL) -> dict[str, Raw]:
    """The members of an upstream's answer, one of which is `member`; raises FaultError, for a hidden error too, which
    `protocol` words.
    """
    try:
        members = json.fields(body)
    except WireError:
        raise broken("the upstream's answer is not a JSON object") from None
    fault = hidden_fault(members, protocol)
    if fault is not None:
        raise FaultError(fault)
    if member and json.is_null(members.get(member, json.EMPTY)):
        raise broken(f"the upstream's answer has no {member!r}")
    return members


def hidden_fault(members: dict[str, Raw], protocol: str) -> Fault | None:
    """An error in an answer with status 200, as OpenAI and most others write one."""
    return openai_errors.hidden_fault(members.get("error", json.EMPTY), protocol)


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None
    input_tokens: int | None = None
    completion_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None


_decode_counts = json.decoder(_Counts)


def usage(raw: Raw) -> Usage | None:
    """The usage object of an operation that is not an answer of a model; None when it cannot be read."""
    try:
        found = _decode_counts(raw)
    except WireError:
        return None
    told_in = found.prompt_tokens if found.prompt_tokens is not None else found.input_tokens
    told_out = found.completion_tokens if found.completion_tokens is not None else found.output_tokens
    if told_in is None and found.total_tokens is not None and told_out is None:
        told_in = found.total_tokens  # all there is to count is what came in
    return None if told_in is None and told_out is None else Usage(input=told_in, output=told_out, raw=raw)
