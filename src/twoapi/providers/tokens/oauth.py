"""What the answers of OAuth's token endpoints have in common."""

from urllib.parse import urlencode

import msgspec

from twoapi.providers.tokens.source import Ask, RefusedError, Token
from twoapi.wire import json
from twoapi.wire.errors import WireError

# Errors of RFC 6749 and RFC 7523, and what an operator can do. They say that asking again helps nobody.
_REFUSALS = {
    "invalid_client": "check the client and its secret, which may have expired or been replaced",
    "invalid_grant": "check whether the account exists, the key is not revoked, and this machine's clock is right",
    "unauthorized_client": "this client may not ask for such tokens; its administrator can allow it",
    "access_denied": "this client may not ask for such tokens; its administrator can allow it",
    "invalid_scope": "check the scope",
    "invalid_request": "check the parts of the credential",
    "unsupported_grant_type": "is this the right token_url?",
}
_FORM = [(b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json")]


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: int | float | str | None = None
    error: str = ""
    error_codes: list[int] = []


_decode = json.decoder(_Answer)


def form(url: str, fields: dict[str, str]) -> Ask:
    """A request with these fields as its form."""
    return Ask("POST", url, list(_FORM), urlencode(fields).encode())


def read(status: int, body: bytes, name: str = "access_token") -> Token:
    """The token of an answer, as the part of this name; raises RefusedError."""
    try:
        answer = _decode(body)
    except WireError:
        raise unexpected(status) from None
    lifetime = _seconds(answer.expires_in)
    if 200 <= status < 300 and answer.access_token and lifetime > 0:
        return Token({name: answer.access_token}, lifetime)
    mend = _REFUSALS.get(answer.error)
    if mend is None:
        raise unexpected(status)
    codes = "".join(f", AADSTS{code}" for code in answer.error_codes[:3])
    raise RefusedError(f"the token server refuses this credential ({answer.error}{codes}); {mend}", lasting=True)


def unexpected(status: int) -> RefusedError:
    """For an answer that is neither a token nor one of the protocol's errors."""
    if status in (401, 403):
        message = f"the token server refuses this credential (status {status}); check it, and whether it is revoked"
        return RefusedError(message, lasting=True)
    return RefusedError(f"the token server gave no token (status {status})")


def _seconds(said: float | str | None) -> float:
    try:
        return float(said or 0)
    except ValueError:
        return 0.0
