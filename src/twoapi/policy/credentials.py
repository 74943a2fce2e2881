"""The credentials of an upstream, as far as they can be known before there is a request."""

from collections.abc import Mapping

from twoapi.config.check_credentials import part_names
from twoapi.config.settings import CredentialSettings, UpstreamSettings
from twoapi.providers.model import Provider, auth_headers, auth_ways
from twoapi.providers.mount import option_values
from twoapi.providers.presenting import under
from twoapi.providers.schemes import Chosen, UnfitError, choose
from twoapi.providers.tokens.source import Source
from twoapi.wire.http import Headers

_PASSING = frozenset({"session_token"})  # parts that change while the account stays the same


class Made:
    """What of a credential is presented anew: by this style, with these parts, and with what its source gives."""

    __slots__ = ("parts", "source", "style")

    def __init__(self, style: str, parts: Mapping[str, str], source: Source | None) -> None:
        self.style = style
        self.parts = parts
        self.source = source

    def __repr__(self) -> str:
        return f"Made({self.style!r})"


class Credential:
    """One credential of an upstream, as the headers that present it. `index` counts from 0 in the settings.

    `made` is None when the headers are all; else they are the upstream's own, and the rest is made for a request.
    `account` tells accounts apart; it holds secrets.
    """

    __slots__ = ("account", "headers", "index", "made")

    def __init__(self, index: int, headers: Headers, made: Made | None = None) -> None:
        self.index = index
        self.headers = headers
        self.made = made
        self.account = tuple(part for header in headers for part in header)
        if made is not None:
            lasting = sorted(item for item in made.parts.items() if item[0] not in _PASSING)
            self.account += (made.style.encode(), *(text.encode() for item in lasting for text in item))

    def __repr__(self) -> str:
        return f"Credential({self.index})"


def credentials_of(name: str, settings: UpstreamSettings, provider: Provider, protocol: str) -> tuple[Credential, ...]:
    """The credentials of the upstream of this name, with its own headers; one without any when there are none.

    Those that this protocol cannot present are left out.
    """
    own = [
        (header.lower().encode("ascii"), value.reveal().encode("utf-8")) for header, value in settings.headers.items()
    ]
    if not settings.credentials:
        return (Credential(0, own),)
    ways = auth_ways(provider, protocol)
    found = []
    for index, credential in enumerate(settings.credentials):
        try:
            chosen = choose(ways, credential.auth or settings.auth, part_names(credential))
        except UnfitError:
            continue
        if chosen.scheme.style == "static":
            presented = auth_headers(chosen.auth, "" if credential.key is None else credential.key.reveal())
            found.append(Credential(index, under(own, presented)))
        else:
            place = f"upstreams.{name}.credentials.{index}"
            parts = _parts(credential, chosen, option_values(provider.options, settings.options))
            found.append(Credential(index, own, _made(chosen, parts, place, settings)))
    return tuple(found)


def _parts(credential: CredentialSettings, chosen: Chosen, options: Mapping[str, str]) -> dict[str, str]:
    said = {part: value.reveal() for part, value in credential.parts.items()}
    if credential.key is not None:
        said[chosen.form.parts[0]] = credential.key.reveal()
    return {**chosen.facts(options), **said}


def _made(chosen: Chosen, parts: Mapping[str, str], place: str, settings: UpstreamSettings) -> Made:
    kind = chosen.form.source
    proxy = None if settings.proxy is None else str(settings.proxy)
    source = Source(kind, parts, place, settings.ca, proxy) if kind else None
    return Made(chosen.scheme.style, parts, source)
