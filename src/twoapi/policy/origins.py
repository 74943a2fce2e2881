"""Which web pages may call the gateway from a browser, and what their browsers must be told."""

from twoapi.config.settings import Settings

ANY = "*"
_LOOPBACK_HOSTS = (b"localhost", b"127.0.0.1", b"[::1]")
_WEB = (b"http://", b"https://")
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_REMEMBERED = b"600"  # seconds for which a browser need not ask again


class Origins:
    """The origins of a snapshot: those that are listed, or, where nothing is said, the pages of this machine."""

    __slots__ = ("_any", "_listed", "_loopback", "_open")

    def __init__(self, settings: Settings) -> None:
        listed = settings.origins
        self._loopback = listed is None
        self._any = listed is not None and ANY in listed
        self._listed = frozenset(one.encode("latin-1", "replace") for one in listed or ())
        self._open = settings.keys == "open"

    def allows(self, origin: bytes) -> bool:
        """True when pages of this origin may read answers."""
        if self._any or origin in self._listed:
            return True
        return self._loopback and origin.startswith(_WEB) and _host(origin) in _LOOPBACK_HOSTS

    def refuses(self, origin: bytes) -> bool:
        """True when a request of such a page is not served at all. A gateway without keys serves whoever reaches it,
        and any page in the browser of its user does.
        """
        return self._open and origin.startswith(_WEB) and not self.allows(origin)


def answer_lines(origin: bytes) -> bytes:
    """The header lines of every answer to a page that may read it. Answers carry no cookies, so none are asked for."""
    return b"access-control-allow-origin: %b\r\naccess-control-expose-headers: *\r\nvary: origin\r\n" % origin


def preflight_lines(asked_headers: bytes, *, private: bool) -> bytes:
    """The further lines of the answer to a browser that asks before it sends a request with these headers; `private`:
    it asks whether a page from outside may reach into this network.
    """
    return b"access-control-allow-methods: %b\r\naccess-control-max-age: %b\r\n%b%b" % (
        _METHODS,
        _REMEMBERED,
        b"access-control-allow-headers: %b\r\n" % asked_headers if asked_headers else b"",
        b"access-control-allow-private-network: true\r\n" if private else b"",
    )


def _host(origin: bytes) -> bytes:
    host = origin.partition(b"://")[2]
    return host[: host.rfind(b"]") + 1] if host[:1] == b"[" else host.partition(b":")[0]
