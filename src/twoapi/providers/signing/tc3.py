"""TC3-HMAC-SHA256, the signature of Tencent Cloud's API, in the `authorization` header."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from twoapi.providers.signing.signable import Signable
from twoapi.wire.http import Headers

_SCHEME = "TC3-HMAC-SHA256"
_SIGNED = "content-type;host"  # no other header need be


def sign(request: Signable, parts: Mapping[str, str], now: int) -> Headers:
    """The headers to add: the time, the region and the session token if there are any, and the signature.

    `parts` are secret_id, secret_key, service, and where there is one region and session_token; `now` is in seconds
    since the epoch, and the vendor takes it for five minutes. The request's content type is signed as it stands.
    Raises KeyError when a part is missing.
    """
    scope = f"{datetime.fromtimestamp(now, UTC).strftime('%Y-%m-%d')}/{parts['service']}/tc3_request"
    digest = hashlib.sha256(canonical(request).encode()).hexdigest()
    key = b"TC3" + parts["secret_key"].encode()
    for step in scope.split("/"):
        key = _mac(key, step)
    signature = _mac(key, f"{_SCHEME}\n{now}\n{scope}\n{digest}").hex()
    credential = f"Credential={parts['secret_id']}/{scope}"
    headers = {"x-tc-timestamp": str(now)}
    if region := parts.get("region"):
        headers["x-tc-region"] = region
    if token := parts.get("session_token"):
        headers["x-tc-token"] = token
    headers["authorization"] = f"{_SCHEME} {credential}, SignedHeaders={_SIGNED}, Signature={signature}"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def canonical(request: Signable) -> str:
    """The canonical request."""
    path, _, query = request.path.partition("?")
    return "\n".join(
        (
            request.method,
            path,
            query,
            f"content-type:{request.headers['content-type'].strip().lower()}",
            f"host:{request.host.lower()}",
            "",
            _SIGNED,
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
