"""The token that Zhipu's service takes in the place of the API key it is made of: a JWT of one's own making."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from twoapi.providers.signing.signable import Signable
from twoapi.wire.http import Headers
from twoapi.wire.json import encode

_HEADER = {"alg": "HS256", "sign_type": "SIGN", "typ": "JWT"}
LIFETIME = 210  # seconds


def sign(request: Signable, parts: Mapping[str, str], now: int) -> Headers:  # noqa: ARG001  it says who, not what
    """The header to add, which is good for LIFETIME seconds. `parts` has api_key, which is `id.secret`; `now` is in
    seconds since the epoch. Raises KeyError when there is no key, ValueError when it has no dot.
    """
    return [(b"authorization", b"Bearer " + token(parts["api_key"], now).encode())]


def token(api_key: str, now: int) -> str:
    """The token. Its times are in milliseconds, unlike those of other JWTs."""
    name, dot, secret = api_key.partition(".")
    if not dot:
        raise ValueError("the key must have the form id.secret")
    milliseconds = now * 1000
    claims = {"api_key": name, "exp": milliseconds + LIFETIME * 1000, "timestamp": milliseconds}
    signed = f"{_part(encode(_HEADER))}.{_part(encode(claims))}"
    return f"{signed}.{_part(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
