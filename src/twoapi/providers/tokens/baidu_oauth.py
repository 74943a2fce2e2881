"""Baidu's older API: an application's API key and secret key for an access token of thirty days."""

from collections.abc import Mapping
from urllib.parse import urlencode

from twoapi.providers.tokens import oauth
from twoapi.providers.tokens.source import Ask, Token

_URL = "https://aip.baidubce.com/oauth/2.0/token"


class BaiduOAuth:
    """`parts`: client_id, the API key, and client_secret. Both travel in the query, as the vendor wants it."""

    def ask(self, parts: Mapping[str, str], now: int) -> Ask:  # noqa: ARG002  nothing here is signed
        """The request."""
        query = urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": parts["client_id"],
                "client_secret": parts["client_secret"],
            }
        )
        url = f"{parts.get('token_url', _URL)}?{query}"
        return Ask("POST", url, [(b"content-type", b"application/json"), (b"accept", b"application/json")], b"{}")

    def read(self, status: int, body: bytes, now: int) -> Token:  # noqa: ARG002  its lifetime is a span
        """The token as the part access_token."""
        return oauth.read(status, body)
