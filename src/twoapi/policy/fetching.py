"""What may be fetched for a client, from where, and what it may turn out to be. Decides; it does not fetch."""

from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, Literal
from urllib.parse import quote, urlsplit

import msgspec

from twoapi.config.settings import MediaSettings
from twoapi.wire.media_types import ENDINGS, sniffed

_PORTS: Final = {"https": 443, "http": 80}
_LONGEST = 8192  # characters of a URL
_LONGEST_HOST = 253
_HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
_SAFE = "/?%:@!$&'()*+,;=~-._[]|^`{}\"<>"  # of a path and query; the rest is percent-encoded
_NUMERIC = frozenset("0123456789")

# Never, whatever is allowed: where clouds tell machines their secrets, and what is no host at all.
_NEVER = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.0/24", "224.0.0.0/3"),
        *("fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "ff00::/8", "::/128"),
    )
)
# Only where the operator allows it: this machine and its networks.
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"),
        *("::1/128", "fc00::/7"),
    )
)
# Neither public nor anyone's own: documentation, tunnels, what is reserved.
_RESERVED = tuple(
    ip_network(text)
    for text in (
        *("192.0.2.0/24", "192.88.99.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_GLOBAL = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 behind a translator


class NotFetchedError(Exception):
    """A file that is not fetched, or not used. The message is for the client: it tells nothing of this network."""


class Place(msgspec.Struct, frozen=True):
    """Where a file is. `host` is a name in ASCII or a canonical address; `path` has its query."""

    scheme: Literal["https", "http"]
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The URL, to resolve a redirect against."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


class Guard:
    """The settings, compiled."""

    def __init__(self, settings: MediaSettings) -> None:
        self.settings = settings
        self._hosts = tuple((entry.host, entry.port) for entry in settings.hosts)

    def place(self, url: str) -> Place:
        """Where a URL leads, as far as that can be told without asking anyone. Raises NotFetchedError."""
        place = _parsed(url)
        if place.scheme not in self.settings.schemes:
            raise NotFetchedError(f"files are fetched by {' and '.join(self.settings.schemes)} only")
        if not any(fnmatchcase(place.host, host) and _fits(port, place) for host, port in self._hosts):
            raise NotFetchedError("files are not fetched from this host and port")
        if _is_address(place.host) and not self.permits(place.host):
            raise NotFetchedError("files are not fetched from this address")
        return place

    def permits(self, address: str) -> bool:
        """Whether a connection to this address may be made; `address` is one that a name has been resolved to."""
        try:
            found = ip_address(address)
        except ValueError:  # with a zone, say
            return False
        return _permits(found, private=self.settings.private)


def judged(data: bytes, kind: str, claimed: str | None, told: str, path: str) -> str:
    """The media type of what was fetched for a part of this kind; raises NotFetchedError when it is something else.

    `claimed` is what the client says, `told` what the server says, `path` the URL's.
    """
    if not data:
        raise NotFetchedError("it is empty")
    found = sniffed(data)
    if found is None:
        raise NotFetchedError("it is of no type that is known here")
    told = told.partition(";")[0].strip().lower()
    ending = ENDINGS.get(path.partition("?")[0].rpartition(".")[2].lower())
    if kind != "file":
        return _as_media(found, kind, claimed or told)
    expected = claimed or ending
    if expected is not None and _family(expected) not in ("", _family(found)):
        raise NotFetchedError(f"it is {found}, not {expected}")
    return next((mime for mime in (claimed, told, ending) if mime and _may_be(found, mime)), found)


def _as_media(found: str, kind: str, said: str) -> str:
    if found.startswith(f"{kind}/"):
        return found
    # Sound and film share containers.
    if kind == "audio" and said.startswith("audio/") and found in ("video/mp4", "video/webm", "video/3gpp"):
        return said
    if kind == "video" and said.startswith("video/") and found == "audio/ogg":
        return said
    raise NotFetchedError(f"it is {found}, and no {kind}")


def _family(mime: str) -> str:
    """What bytes tell for sure; "" where they do not: office documents, text of any kind."""
    main = mime.partition("/")[0]
    return main if main in ("image", "audio", "video") else mime if mime in ("application/pdf", "text/html") else ""


def _may_be(found: str, mime: str) -> bool:
    """Whether bytes that look like `found` may be of the closer type `mime`."""
    if found == "text/plain":
        textual = ("application/json", "application/xml", "application/yaml", "application/x-yaml")
        return (mime.startswith("text/") and mime != "text/html") or mime in textual
    if found == "application/zip":
        return mime.startswith("application/vnd.")
    if found == "application/x-ole-storage":
        return mime == "application/msword" or mime.startswith("application/vnd.ms-")
    return found == mime


def _parsed(url: str) -> Place:
    """A URL taken apart so that there is one way to read it; what could be read in two ways is refused."""
    if len(url) > _LONGEST or "\\" in url or any(char.isspace() or ord(char) < 33 or ord(char) == 127 for char in url):
        raise NotFetchedError("this is not a URL that files are fetched from: it is too long, or has stray characters")
    try:
        parts = urlsplit(url)
        port = parts.port
        usual = _PORTS[parts.scheme]
        scheme: Literal["https", "http"] = "https" if parts.scheme == "https" else "http"
    except (ValueError, KeyError):
        raise NotFetchedError("this is not a URL that files are fetched from") from None
    if "@" in parts.netloc:
        raise NotFetchedError("a URL with a user name or password is not fetched")
    if port == 0 or parts.netloc.endswith(":"):
        raise NotFetchedError("this is not a URL that files are fetched from")
    path = quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")
    return Place(scheme, _host(parts.hostname or ""), usual if port is None else port, path)


def _host(name: str) -> str:
    wrong = NotFetchedError("this is not a host that files are fetched from")
    if len(name) > _LONGEST_HOST:
        raise wrong
    if ":" in name:
        try:
            return str(IPv6Address(name.replace("%", "zone")))  # a zone means another host on each machine
        except ValueError:
            raise wrong from None
    try:
        host = name.encode("idna").decode().lower().removesuffix(".")
    except UnicodeError:
        raise wrong from None
    labels = host.split(".")
    if not all(labels) or not _HOST_CHARS.issuperset(host):
        raise wrong
    last = labels[-1]
    if _NUMERIC.issuperset(last) or last.startswith("0x"):  # what some resolvers take for an address
        try:
            return str(IPv4Address(host))
        except ValueError:
            raise wrong from None
    return host


def _fits(port: str, place: Place) -> bool:
    """An entry that names no port means the usual one."""
    return port == "*" or place.port == (int(port) if port else _PORTS[place.scheme])


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _permits(address: IPv4Address | IPv6Address, *, private: bool) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _permits(address.ipv4_mapped, private=private)
        if address in _TRANSLATED:
            return _permits(IPv4Address(int(address) & 0xFFFFFFFF), private=private)
    if any(address in network for network in (*_NEVER, *_RESERVED)):
        return False
    if any(address in network for network in _PRIVATE):
        return private
    return isinstance(address, IPv4Address) or address in _GLOBAL
