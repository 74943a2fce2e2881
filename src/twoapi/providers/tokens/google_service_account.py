"""Google: a service account's key signs a JWT, which is given for a token."""

import base64
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from twoapi.providers.tokens import oauth
from twoapi.providers.tokens.source import Ask, RefusedError, Token
from twoapi.wire import json
from twoapi.wire.errors import WireError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
AUDIENCE = "https://oauth2.googleapis.com/token"  # also where the token is asked for elsewhere
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFETIME = 3600  # seconds
_LOOPBACKS = ("127.0.0.1", "localhost", "::1")


class _Account(msgspec.Struct):
    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = AUDIENCE
    type: str = "service_account"


_decode = json.decoder(_Account)


class GoogleServiceAccount:
    """`parts`: service_account, the JSON document that Google gives for a key, and scope if it is another."""

    def ask(self, parts: Mapping[str, str], now: int) -> Ask:
        """The request, with the JWT as its assertion."""
        try:
            account = _decode(parts["service_account"].encode())
        except WireError:
            raise _no_account() from None
        if account.type != "service_account":
            message = f"this is no service account's key but one of another type; use {_OTHER}"
            raise RefusedError(message, lasting=True)
        header = {"typ": "JWT", "alg": "RS256", "kid": account.private_key_id}
        claims = {
            "iat": now,
            "exp": now + _LIFETIME,
            "iss": account.client_email,
            "aud": AUDIENCE,
            "scope": parts.get("scope", SCOPE),
        }
        signed = b".".join((_part(json.encode(header)), _part(json.encode(claims))))
        assertion = b".".join((signed, _part(_sign(account.private_key, signed))))
        url = parts.get("token_url", account.token_uri)
        place = urlsplit(url)
        if place.scheme != "https" and place.hostname not in _LOOPBACKS:
            raise RefusedError("the token_uri of this service account must begin with https://", lasting=True)
        return oauth.form(url, {"grant_type": _GRANT, "assertion": assertion.decode()})

    def read(self, status: int, body: bytes, now: int) -> Token:  # noqa: ARG002  its lifetime is a span
        """The token as the part access_token."""
        return oauth.read(status, body)


_OTHER = "`parts: {credentials_file: ...}`, or none for the default credentials"


def _sign(key: str, data: bytes) -> bytes:
    """The signature; cryptography is imported here, as most gateways sign nothing."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        loaded = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_account() from None
    if not isinstance(loaded, RSAPrivateKey):
        raise _no_account()
    return loaded.sign(data, PKCS1v15(), SHA256())


def _no_account() -> RefusedError:
    message = "this is not the JSON document of a service account's key, with client_email and an RSA private_key"
    return RefusedError(message, lasting=True)


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
