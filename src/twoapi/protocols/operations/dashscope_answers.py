"""What DashScope's answers have in common: `output`, `usage`, and errors told by code and message."""

from msgspec import Raw

from twoapi.ir import FaultError, Usage
from twoapi.protocols import openai_errors
from twoapi.protocols.operations import json_bodies
from twoapi.protocols.operations.members import broken
from twoapi.wire import json
from twoapi.wire.errors import WireError


def output(body: bytes, member: str) -> tuple[dict[str, Raw], dict[str, Raw]]:
    """The members of `output`, one of which is `member`, and those around it; raises FaultError, for a hidden error
    too.
    """
    try:
        members = json.fields(body)
        found = json.fields(members["output"]) if json.first_byte(members.get("output", json.EMPTY)) == 123 else {}
    except WireError:
        raise broken("the upstream's answer is not a JSON object") from None
    if not json.is_null(found.get(member, json.EMPTY)):
        return found, members
    code = json.string(members.get("code", json.EMPTY))
    if code:
        message = json.string(members.get("message", json.EMPTY))
        raise FaultError(openai_errors.coded_fault(code, message, None, None, "dashscope"))
    raise broken(f"the upstream's answer has no {member!r} in its output")


def usage(raw: Raw) -> Usage | None:
    """What the answer tells of tokens."""
    return None if json.is_null(raw) else json_bodies.usage(raw)
