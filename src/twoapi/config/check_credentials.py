"""What is wrong with an upstream's credentials: parts that are missing or misspelled, libraries that are not there."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from twoapi.config.settings import CredentialSettings, UpstreamSettings
from twoapi.providers.model import Auth, Provider, auth_ways
from twoapi.providers.mount import option_values
from twoapi.providers.schemes import KEY, Chosen, UnfitError, choose, is_installed
from twoapi.wire.yaml import Path

_Complaint = tuple[Path, str]
_LOOPBACKS = ("127.0.0.1", "localhost", "::1")


def check_credentials(path: Path, upstream: UpstreamSettings, provider: Provider) -> Iterator[_Complaint]:
    """Each credential of an upstream, and those that are there twice."""
    ways = [auth_ways(provider, protocol) for protocol in spoken(upstream, provider)]
    options = option_values(provider.options, upstream.options)
    seen: dict[object, int] = {}
    for index, credential in enumerate(upstream.credentials):
        place: Path = (*path, "credentials", index)
        first = seen.setdefault((credential.key, credential.auth, *sorted(credential.parts.items(), key=_name)), index)
        if first != index:
            same = "the same key as" if credential.key is not None else "the same as"
            yield place, f"{same} credentials.{first}; give that one a weight"
        else:
            yield from _check(place, credential, upstream.auth, ways, options)


def spoken(upstream: UpstreamSettings, provider: Provider) -> list[str]:
    """The protocols in which this upstream is spoken to."""
    if upstream.protocols is not None:
        return list(upstream.protocols)
    return list(provider.protocols)[:1] if upstream.base_url is not None else list(provider.protocols)


def part_names(credential: CredentialSettings) -> frozenset[str]:
    """The names of a credential's parts; that of a mere key is `key`."""
    return frozenset(credential.parts if credential.key is None else (KEY, *credential.parts))


def _check(
    place: Path,
    credential: CredentialSettings,
    said: Auth | None,
    ways: list[tuple[Auth, ...]],
    options: Mapping[str, str],
) -> Iterator[_Complaint]:
    """It must fit one of the protocols; in the others it is not used."""
    if KEY in credential.parts:
        yield (*place, "parts", KEY), "a key stands beside the parts, not among them"
        return
    unfit: list[UnfitError] = []
    for way in ways:
        try:
            chosen = choose(way, credential.auth or said, part_names(credential))
        except UnfitError as error:
            unfit.append(error)
        else:
            yield from _check_surroundings(place, chosen, {*options, *credential.parts})
            return
    for first in unfit[:1]:
        yield (*place, *_place_of_part(first.part)), str(first)


def _place_of_part(part: str | None) -> Path:
    if part is None:
        return ()
    return (KEY,) if part == KEY else ("parts", part)


def _check_surroundings(place: Path, chosen: Chosen, known: set[str]) -> Iterator[_Complaint]:
    extra = chosen.form.extra
    if extra is not None and not is_installed(extra):
        yield place, f"{chosen.auth.scheme} needs a library of the vendor's: {extra.mend}"
    for fact in chosen.missing(known | chosen.facts({}).keys()):
        yield place, f"{chosen.auth.scheme} needs a {fact}: {_MENDS[fact]}"
    url = urlsplit(chosen.auth.token_url or "")
    if url.scheme == "http" and url.hostname not in _LOOPBACKS:
        yield place, "a secret is sent to token_url: it must begin with https://"


def _name(part: tuple[str, object]) -> str:
    return part[0]


_MENDS = {
    "region": "say it among the upstream's `options`, or among the `parts`",
    "service": "write `auth: {scheme: ..., service: ...}`",
}
