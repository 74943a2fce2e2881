"""Tool call ids across protocols whose alphabets and lengths differ: injective, stable, reversible where it fits."""

import base64
import binascii
import hashlib
import re

_LEGAL = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "tw_"  # an id that holds another one: "tw_" + base64url of it


def encode_call_id(call_id: str, limit: int) -> str:
    """The id as it goes on a wire that takes `[A-Za-z0-9_-]` and at most `limit` characters.

    A legal id is kept. One that breaks the alphabet is wrapped so that decode_call_id gives it back; one that does
    not fit is replaced by a digest, the same one for the same id every time.
    """
    legal = (call_id.isidentifier() and call_id.isascii()) or _LEGAL(call_id)  # the first is cheaper, and mostly true
    if legal and len(call_id) <= limit and not call_id.startswith(_PREFIX):
        return call_id
    wrapped = _PREFIX + base64.urlsafe_b64encode(call_id.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()
    if len(wrapped) <= limit:
        return wrapped
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()
    return "call_" + base64.b32encode(digest)[:24].decode().lower()


def decode_call_id(call_id: str) -> str:
    """The id that encode_call_id wrapped; any other id as it is, also one that only looks wrapped."""
    if not call_id.startswith(_PREFIX):
        return call_id
    packed = call_id[len(_PREFIX) :]
    try:
        found = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return call_id
    return found if encode_call_id(found, len(call_id)) == call_id else call_id


def short_call_id(call_id: str, length: int) -> str:
    """The id on a wire whose ids are exactly `length` letters and digits: one that is so is kept, any other is replaced
    by a digest, the same one for the same id every time.
    """
    if len(call_id) == length and call_id.isascii() and call_id.isalnum():
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest())
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[rest])
    return "".join(letters)
