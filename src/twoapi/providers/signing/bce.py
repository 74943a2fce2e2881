"""bce-auth-v1, the signature of Baidu's cloud, in the `authorization` header."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from twoapi.providers.signing.signable import Signable
from twoapi.wire.http import Headers

_SCHEME = "bce-auth-v1"
_VALID = 300  # seconds, as the vendor's own SDK says
_SIGNED = ("host", "content-type", "content-md5", "request-source", "request_id")  # and whatever begins with x-bce-


def sign(request: Signable, parts: Mapping[str, str], now: int) -> Headers:
    """The headers to add: the date, the session token if there is one, and the signature, good for five minutes.

    `parts` are access_key_id, secret_access_key, and for temporary credentials session_token; `now` is in seconds since
    the epoch. Raises KeyError when a part is missing.
    """
    date = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    added = {"x-bce-date": date}
    if token := parts.get("session_token"):
        added["x-bce-security-token"] = token
    signed = {
        name: value
        for name, value in sorted({**request.headers, "host": request.host, **added}.items())
        if name in _SIGNED or name.startswith("x-bce-")
    }
    prefix = f"{_SCHEME}/{parts['access_key_id']}/{date}/{_VALID}"
    key = _mac(parts["secret_access_key"], prefix)
    signature = _mac(key, canonical(request, signed))
    headers = {**added, "authorization": f"{prefix}/{';'.join(signed)}/{signature}"}
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def canonical(request: Signable, signed: Mapping[str, str]) -> str:
    """The canonical request over these headers; the body is not signed."""
    path, _, query = request.path.partition("?")
    lines = sorted(f"{_quoted(name)}:{_quoted(value.strip())}" for name, value in signed.items() if value.strip())
    return "\n".join((request.method, quote(unquote(path), safe="/~"), _canonical_query(query), *lines))


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    return "&".join(
        sorted(
            f"{_quoted(unquote(name))}={_quoted(unquote(value))}"
            for name, _, value in pairs
            if name.lower() != "authorization"
        )
    )


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _mac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
