"""Where an upstream is, and the bytes that open a request to it."""

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from typing import Literal, Self
from urllib.parse import SplitResult, urlsplit

import msgspec

Scheme = Literal["http", "https", "ws", "wss"]
_PORTS: dict[Scheme, int] = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_is_value = re.compile(rb"[\t\x20-\x7e\x80-\xff]*").fullmatch  # no CR, LF or NUL: they could start a header
_is_target = re.compile(rb"/[\x21\x22\x24-\x7e]*").fullmatch  # no space, no fragment
_is_host = re.compile(r"[0-9A-Za-z._\-]+|[0-9a-f:.]+").fullmatch

# How the message is framed and by whom is said here only, or two parties could disagree on where it ends.
_RESERVED = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"te",  # codespell:ignore te
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)


class Endpoint(msgspec.Struct, frozen=True):
    """An upstream's address. `base_path` has no trailing slash; `server_name` is what its certificate must say."""

    scheme: Scheme
    host: str
    port: int
    base_path: str = ""
    server_name: str = ""

    @classmethod
    def parse(cls, base_url: str) -> Self:
        """The endpoint of a base URL; raises ValueError that does not repeat the URL: it may hold a secret."""
        try:
            url = urlsplit(base_url)
            port = url.port
        except ValueError as error:
            raise ValueError(f"base_url is not a URL: {error}") from None
        scheme = next((known for known in _PORTS if known == url.scheme), None)
        if scheme is None:
            raise ValueError("base_url must begin with http://, https://, ws:// or wss://")
        _refuse_extras(url)
        host = _host(url.hostname or "")
        path = url.path.rstrip("/")
        if not path.isascii() or (path and not _is_target(path.encode())):
            raise ValueError("base_url has characters in its path that must be percent-encoded")
        return cls(scheme, host, _PORTS[scheme] if port is None else port, path, host)

    @property
    def authority(self) -> str:
        """Host and, where it is not the scheme's own, port: the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def open_head(endpoint: Endpoint, method: str, path: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """The head of a request up to its last header, to be made once: append header_line()s and close_head().

    `path` goes after the base path and may have a query. Raises ValueError for what would break the framing.
    """
    verb, target = method.encode(), (endpoint.base_path + path).encode()
    if not _is_token(verb):
        raise ValueError("the method is not an HTTP token")
    if not _is_target(target):
        raise ValueError("the path must begin with a slash and hold no spaces or control characters")
    first = b"%b %b HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n" % (verb, target, endpoint.authority.encode())
    return first + b"".join(header_line(name, value) for name, value in headers)


def header_line(name: bytes, value: bytes) -> bytes:
    """One header with its line end; raises ValueError for a value with CR, LF or NUL and for names the head owns."""
    if not _is_token(name):
        raise ValueError("a header name is not an HTTP token")
    shown = name.decode()
    if name.lower() in _RESERVED:
        raise ValueError(f"the header {shown} is set by the transport")
    if not _is_value(value):
        raise ValueError(f"the header {shown} holds a control character")
    return name + b": " + value + b"\r\n"


def close_head(head: bytes, content_length: int | None) -> bytes:
    """An opened head made complete; None for a request without a body."""
    return head + (b"\r\n" if content_length is None else b"content-length: %d\r\n\r\n" % content_length)


def request_head(
    endpoint: Endpoint,
    method: str,
    path: str,
    headers: Iterable[tuple[bytes, bytes]] = (),
    content_length: int | None = None,
) -> bytes:
    """The complete head of a request, blank line included; raises ValueError for what would break its framing."""
    return close_head(open_head(endpoint, method, path, headers), content_length)


def _refuse_extras(url: SplitResult) -> None:
    if url.username is not None or url.password is not None:
        raise ValueError("base_url must not hold a user name or password")
    if url.query:
        raise ValueError("base_url must not have a query")
    if url.fragment:
        raise ValueError("base_url must not have a fragment")
    if url.port == 0:
        raise ValueError("base_url has port 0")


def _host(name: str) -> str:
    if not name:
        raise ValueError("base_url has no host")
    if ":" in name:
        try:
            return str(IPv6Address(name))
        except ValueError:
            raise ValueError("base_url has an invalid IPv6 address") from None
    try:
        host = name.encode("idna").decode()
    except UnicodeError:
        raise ValueError("base_url has an invalid host name") from None
    if not _is_host(host):
        raise ValueError("base_url has an invalid host name")
    return host
