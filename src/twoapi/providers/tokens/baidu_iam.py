"""Baidu's newer API: a key pair of its IAM signs the request for a short-lived bearer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from twoapi.providers.signing import bce
from twoapi.providers.signing.signable import Signable
from twoapi.providers.tokens import oauth
from twoapi.providers.tokens.source import Ask, Token
from twoapi.wire import json
from twoapi.wire.errors import WireError

_URL = "https://iam.bj.baidubce.com/v1/BCE-BEARER/token"
_LIFETIME = 43_200  # seconds, as the vendor's own SDK asks for


class _Answer(msgspec.Struct, rename="camel"):
    token: str = ""
    expire_time: str = ""


_decode = json.decoder(_Answer)


class BaiduIAM:
    """`parts`: access_key_id and secret_access_key."""

    def ask(self, parts: Mapping[str, str], now: int) -> Ask:
        """The request, signed."""
        url = f"{parts.get('token_url', _URL)}?expireInSeconds={_LIFETIME}"
        place = urlsplit(url)
        headers = {"content-type": "application/json"}
        signable = Signable("GET", place.netloc, f"{place.path}?{place.query}", headers, b"")
        signature = bce.sign(signable, parts, now)
        return Ask("GET", url, [(name.encode(), value.encode()) for name, value in headers.items()] + signature)

    def read(self, status: int, body: bytes, now: int) -> Token:
        """The token as the part access_token."""
        try:
            answer = _decode(body)
            said = datetime.fromisoformat(answer.expire_time)
            expires = (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
        except (WireError, ValueError):
            raise oauth.unexpected(status) from None
        if not 200 <= status < 300 or not answer.token or expires <= now:
            raise oauth.unexpected(status)
        return Token({"access_token": answer.token}, expires - now)
