"""What Cohere's answers have in common: errors, and the member `meta` that tells what is paid."""

from msgspec import Raw

from twoapi.ir import Fault, FaultError, Usage
from twoapi.protocols import openai_errors
from twoapi.protocols.base import Inspection
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers


class CohereClients:
    """How clients of Cohere's paths are told of errors."""

    name = "cohere"
    request_id_header = b"x-debug-trace-id"

    def encode_fault(self, fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
        """Status, headers and body of an error answer: {"message": ...}."""
        status, headers, _ = openai_errors.encode_fault(fault, request_id, self.name)
        return status, headers, json.encode({"message": fault.message, "id": request_id})


def members_of(body: bytes, member: str) -> dict[str, Raw]:
    """The members of an answer, one of which is `member`; raises FaultError, for a hidden error too."""
    try:
        members = json.fields(body)
    except WireError:
        raise broken("the upstream's answer is not a JSON object") from None
    if not json.is_null(members.get(member, json.EMPTY)):
        return members
    message = json.string(members.get("message", json.EMPTY))
    fault = openai_errors.hidden_fault(members.get("error", json.EMPTY), "cohere")
    if fault is not None:
        raise FaultError(fault)
    raise broken(message or f"the upstream's answer has no {member!r}")


def inspect(body: bytes, member: str) -> Inspection:
    """Usage and hidden error of an answer, one of whose members is `member`."""
    try:
        members = members_of(body, member)
    except FaultError as error:
        return Inspection(fault=error.fault)
    return Inspection(usage=usage(members.get("meta", json.EMPTY)))


def usage(meta: Raw) -> Usage | None:
    """The tokens and searches of an answer; None when nothing is told. Its numbers are written as floats."""
    try:
        told = json.decode(meta) if json.first_byte(meta) == 123 else {}
    except WireError:
        return None
    found = _count(told, "tokens", "input_tokens")
    if found is None:
        found = _count(told, "billed_units", "input_tokens")
    searches = _count(told, "billed_units", "search_units")
    if found is None and searches is None:
        return None
    return Usage(input=found, server_tools=None if searches is None else {"search_units": searches}, raw=meta)


def _count(told: dict[str, object], where: str, name: str) -> int | None:
    unit = told.get(where)
    value = unit.get(name) if isinstance(unit, dict) else None
    return int(value) if isinstance(value, int | float) and value >= 0 else None


def meta(usage: Usage | None) -> dict[str, object]:
    """The member `meta` for a client."""
    billed: dict[str, int] = {}
    if usage is not None and usage.input is not None:
        billed["input_tokens"] = usage.input
    if usage is not None and usage.server_tools and "search_units" in usage.server_tools:
        billed["search_units"] = usage.server_tools["search_units"]
    return {"api_version": {"version": "2"}, **({"billed_units": billed} if billed else {})}
