"""How what is made for a request is presented with it: one explicit table of styles."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from twoapi.providers.signing import bce, sigv4, spark_url, tc3, zhipu_jwt
from twoapi.providers.signing.signable import Signable
from twoapi.wire.http import Headers

Parts = Mapping[str, str]


class Presented(NamedTuple):
    """What is added to a request: headers, and a query without a question mark."""

    headers: Headers
    query: str = ""


NOTHING = Presented([])
_HIDDEN = "***"


def hidden(style: str) -> Presented:
    """What this style adds, masked: for those who only show a request."""
    if style in _IN_QUERY:
        return Presented([], f"{_IN_QUERY[style]}={_HIDDEN}")
    return Presented([(b"authorization", _HIDDEN.encode())])


def present(style: str, request: Signable, parts: Parts, now: int) -> Presented:
    """What this style adds; `now` in seconds since the epoch. Raises KeyError and ValueError for parts that are
    missing or unusable; their messages hold no part.
    """
    return _STYLES[style](request, parts, now)


def said(style: str, body: bytes, parts: Parts) -> bytes:
    """The body with what this style says in it: for most nothing. Raises KeyError and ValueError as `present` does."""
    say = _SAYING.get(style)
    return body if say is None else say(body, parts)


def signs_body(style: str) -> bool:
    """True when what this style adds cannot be made before the whole body is there."""
    return style in _SIGNING_BODIES


def under(own: Headers, added: Headers) -> Headers:
    """The headers that are added, under an upstream's own: what the operator writes out wins."""
    named = {name for name, _ in own}
    return [*(header for header in added if header[0] not in named), *own]


def bearer(parts: Parts) -> Headers:
    """The header with a token."""
    return [(b"authorization", b"Bearer " + parts["access_token"].encode())]


_IN_QUERY: Mapping[str, str] = {"query": "access_token", "spark-url": "authorization"}


def _bearer(request: Signable, parts: Parts, now: int) -> Presented:  # noqa: ARG001  the token is all
    return Presented(bearer(parts))


def _query(request: Signable, parts: Parts, now: int) -> Presented:  # noqa: ARG001  as above
    return Presented([], f"access_token={quote(parts['access_token'], safe='')}")


def _by(sign: Callable[[Signable, Parts, int], Headers]) -> Callable[[Signable, Parts, int], Presented]:
    return lambda request, parts, now: Presented(sign(request, parts, now))


_STYLES: Mapping[str, Callable[[Signable, Parts, int], Presented]] = {
    "bearer": _bearer,
    "query": _query,
    "sigv4": _by(sigv4.sign),
    "bce": _by(bce.sign),
    "tc3": _by(tc3.sign),
    "zhipu-jwt": lambda request, parts, now: Presented(zhipu_jwt.sign(request, {"api_key": parts["key"]}, now)),
    "spark-url": lambda request, parts, now: Presented([], spark_url.sign_url(request, parts, now)),
}
_SIGNING_BODIES = frozenset(("sigv4", "tc3"))
# Styles that are not all in the head.
_SAYING: Mapping[str, Callable[[bytes, Parts], bytes]] = {
    "spark-url": lambda body, parts: spark_url.with_application(body, parts["app_id"]),
}
