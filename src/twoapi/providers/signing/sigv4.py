"""AWS Signature Version 4, with the signature in the `authorization` header."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from twoapi.providers.signing.signable import Signable
from twoapi.wire.http import Headers

_SCHEME = "AWS4-HMAC-SHA256"
_SIGNED = ("host", "content-type")  # beside them whatever begins with x-amz
_CHANGING = "x-amzn-trace-id"  # proxies write it


def sign(request: Signable, parts: Mapping[str, str], now: int) -> Headers:
    """The headers to add: the date, the session token if there is one, and the signature.

    `parts` are access_key_id, secret_access_key, region, service, and for temporary credentials session_token; `now`
    is in seconds since the epoch. Raises KeyError when a part is missing.
    """
    date = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": date}
    if token := parts.get("session_token"):
        added["x-amz-security-token"] = token
    signed = {
        name: value
        for name, value in sorted({**request.headers, "host": request.host, **added}.items())
        if name in _SIGNED or (name.startswith("x-amz") and name != _CHANGING)
    }
    scope = f"{date[:8]}/{parts['region']}/{parts['service']}/aws4_request"
    digest = hashlib.sha256(canonical(request, signed).encode()).hexdigest()
    key = b"AWS4" + parts["secret_access_key"].encode()
    for step in scope.split("/"):
        key = _mac(key, step)
    signature = _mac(key, f"{_SCHEME}\n{date}\n{scope}\n{digest}").hex()
    credential = f"{parts['access_key_id']}/{scope}"
    authorization = f"{_SCHEME} Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"
    headers = {**added, "authorization": authorization}
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def canonical(request: Signable, signed: Mapping[str, str]) -> str:
    """The canonical request over these headers, which are in the order of their names."""
    path, _, query = request.path.partition("?")
    return "\n".join(
        (
            request.method,
            quote(_without_dots(path), safe="/~"),  # what is encoded already is encoded once more
            "&".join(f"{name}={value}" for name, value in sorted(_pairs(query))),
            *(f"{name}:{' '.join(value.split())}" for name, value in signed.items()),
            "",
            ";".join(signed),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _pairs(query: str) -> list[tuple[str, str]]:
    found = [pair.partition("=") for pair in query.split("&") if pair]
    return [(name, value) for name, _, value in found]


def _without_dots(path: str) -> str:
    """The path without empty segments, `.` and `..`."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + end


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
