"""Settings written as one scalar: durations, sizes, addresses, URLs, prices."""

import ipaddress
import re
from urllib.parse import urlsplit

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)").fullmatch
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(B|kB|KB|KiB|MB|MiB|GB|GiB)?").fullmatch
_BYTES = {
    None: 1,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "KiB": 2**10,
    "MB": 10**6,
    "MiB": 2**20,
    "GB": 10**9,
    "GiB": 2**30,
}
_PRICE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,12})?").fullmatch
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?").fullmatch


class Duration(float):
    """Seconds. Written `300ms`, `5s`, `2m`, `1h`; `0` means none."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Raises ValueError that says how a duration is written."""
        found = _DURATION(text)
        if found is not None:
            return cls(float(found[1]) * _SECONDS[found[2]])
        if text == "0":
            return cls(0.0)
        raise ValueError("expected a duration with a unit, as in 300ms, 5s, 2m or 1h (0: none)")


class Size(int):
    """Bytes. Written `65536`, `64KiB`, `32MiB`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Raises ValueError that says how a size is written."""
        found = _SIZE(text)
        if found is None:
            raise ValueError("expected a size, as in 65536, 64KiB or 32MiB")
        return cls(float(found[1]) * _BYTES[found[2]])


class Address(str):
    """Where to listen: `127.0.0.1:8000`, `[::1]:8000`, `:8000` for every interface."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises ValueError that says how an address is written."""
        host, colon, port = text.rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        legal = not bare or _HOST_NAME(bare) is not None or _ip(bare) is not None
        if not colon or not port.isdecimal() or int(port) > 65535 or not legal or (":" in bare and bare == host):
            raise ValueError("expected host:port, as in 127.0.0.1:8000 or [::1]:8000")
        return cls(text)

    @property
    def host(self) -> str:
        """The name or IP address, without brackets; "" for every interface."""
        return self.rpartition(":")[0].removeprefix("[").removesuffix("]")

    @property
    def port(self) -> int:
        """The port; 0 lets the system choose one."""
        return int(self.rpartition(":")[2])

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can reach it."""
        if self.host == "localhost":
            return True
        address = _ip(self.host)
        return address is not None and address.is_loopback


class BaseUrl(str):
    """An http(s) or ws(s) URL to which a protocol's paths are appended; without a trailing slash."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "BaseUrl":
        """Raises ValueError that says how a base URL is written."""
        unsound = ValueError("expected a URL, as in https://api.example.com/v1")
        try:
            parts = urlsplit(text)
            sound = parts.scheme in {"http", "https", "ws", "wss"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            raise unsound from None
        if not sound or any(char.isspace() or ord(char) < 33 for char in text):
            raise unsound
        if "@" in parts.netloc:
            raise ValueError("a URL must not hold a user name or password; use credentials or headers")
        if parts.query or parts.fragment:
            raise ValueError("a base URL ends before any ? or #; the protocol's path is appended to it")
        return cls(text.rstrip("/"))


class HostPattern(str):
    """A host and maybe a port, in both of which `*` may stand: `*.example.com`, `10.0.0.7:8080`, `[::1]:*`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "HostPattern":
        """Raises ValueError that says how such an entry is written."""
        made = cls(text.strip().lower())
        bare, port = made.host, made.port
        legal = port in ("", "*") or (port.isascii() and port.isdecimal() and 0 < int(port) < 65536)
        if made.startswith("["):
            sound = ":" in bare and _ip(bare) is not None and made.partition("]")[2][:1] in ("", ":")
        else:
            sound = _HOST_NAME(bare.replace("*", "x")) is not None
        if not legal or not sound or made.endswith(":"):
            raise ValueError(
                "expected a host and maybe a port, as in files.example.com, *.example.com, 10.0.0.7:8080 or [::1]:*"
            )
        return made

    @property
    def host(self) -> str:
        """The name, or the address as it is usually written, without brackets."""
        if not self.startswith("["):
            return self.partition(":")[0]
        bare = self[1:].partition("]")[0]
        address = _ip(bare)
        return bare if address is None else str(address)

    @property
    def port(self) -> str:
        """Its digits, "*", or "" for the scheme's own."""
        return (self.rpartition("]")[2] if self.startswith("[") else self).partition(":")[2]


class Dollars(str):
    """A price in US dollars as decimal text: `0`, `2.5`, `0.0375`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Dollars":
        """Raises ValueError that says how a price is written."""
        if _PRICE(text) is None:
            raise ValueError("expected a price in US dollars, as in 2.5 or 0")
        return cls(text)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
