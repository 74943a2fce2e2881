"""Errors in answers whose status says that all is well, at the places that a provider's file names."""

from twoapi.ir import Fault
from twoapi.wire import json
from twoapi.wire.errors import WireError

HiddenAt = tuple[str, str, str]  # pointer to the code, the code of no error, pointer to the message
_LONGEST_MESSAGE = 1000


def hidden_error(body: bytes, where: HiddenAt) -> Fault | None:
    """The fault in a JSON document; None when it tells none. Its kind is for the provider's rules to say."""
    try:
        code = _said(body, where[0])
        if code in ("", where[1]):
            return None
        message = _said(body, where[2])[:_LONGEST_MESSAGE]
    except WireError:
        return None
    message = message or f"the upstream answered with the error code {code} and no message"
    return Fault("upstream_error", message, whose="upstream", code=code)


def may_hide(data: bytes, where: HiddenAt) -> bool:
    """False when these bytes certainly tell no such error."""
    return where[0].split("/")[1].encode() in data


def _said(body: bytes, pointer: str) -> str:
    raw = json.at_pointer(body.strip(), pointer)
    if raw is None or json.is_null(raw):
        return ""
    return json.string(raw) if json.first_byte(raw) == 34 else bytes(raw).decode("utf-8", "replace")
