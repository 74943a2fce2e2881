"""Ids of calls: older servers give none, and then none may go back."""

import base64
import hashlib

_MADE = "call_unnamed_"


def made_id(answer: str, number: int) -> str:
    """The id of call `number` of an answer that gives it none; `answer` tells it from other answers."""
    digest = hashlib.sha256(f"{answer}/{number}".encode("utf-8", "surrogatepass")).digest()
    return _MADE + base64.b32encode(digest)[:16].decode().lower()


def is_made(call_id: str) -> bool:
    """True for an id that the upstream does not know: its calls are told apart by name and order."""
    return call_id.startswith(_MADE)
