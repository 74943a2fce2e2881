"""What the types of the settings cannot say: names that must exist, combinations that make no sense or are unsafe."""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from twoapi.config.check_credentials import check_credentials, spoken
from twoapi.config.settings import KeySettings, ModelSettings, Settings, UpstreamSettings
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.providers.cards import METERS
from twoapi.providers.model import Provider
from twoapi.providers.mount import is_option
from twoapi.providers.services import problems as service_problems
from twoapi.wire.fit import did_you_mean
from twoapi.wire.yaml import Path, Place, Problem

_Complaint = tuple[Path, str]

_OPEN_TO_ALL = (
    "open keys would let everyone who reaches this address spend your credentials; "
    "list keys under `keys`, or listen on 127.0.0.1"
)
_STRATEGIES = ("fallback", "weighted")
_STORES = ("sqlite:///", "postgresql://", "mysql://")
_SHARED = ("redis://", "rediss://", "valkey://")


def check(
    settings: Settings, catalog: Mapping[str, Provider], file: str, places: Mapping[Path, Place]
) -> list[Problem]:
    """Everything that is wrong with well-formed settings."""
    complaints = [
        *_check_top(settings),
        *_check_origins(settings),
        *_check_keys(settings),
        *_check_media(settings),
    ]
    for name, upstream in settings.upstreams.items():
        complaints += _check_upstream(name, upstream, catalog)
    for alias, model in settings.models.items():
        complaints += _check_model(alias, model, settings)
    return [Problem(file, _nearest(places, path), path, message) for path, message in complaints]


def unenforced(settings: Settings) -> list[str]:
    """What is set and has no effect in this version, one sentence each: it must not look like protection."""
    found = []
    for name, upstream in settings.upstreams.items():
        for index, credential in enumerate(upstream.credentials):
            limits = [limit for limit in ("concurrency", "rpm", "tpm") if getattr(credential, limit) is not None]
            if limits:
                place = f"upstreams.{name}.credentials.{index}"
                found.append(f"{place}: {', '.join(limits)} kept, but not enforced in this version")
    if not settings.store.reveal().startswith("sqlite:///"):
        found.append("store: this version stores in SQLite only; sealed state and conversations end with the process")
    if settings.shared.reveal() != "memory":
        found.append("shared: kept, but nothing is shared in this version")
    return found


def _check_top(settings: Settings) -> Iterator[_Complaint]:
    if not settings.store.reveal().startswith(_STORES):
        yield ("store",), "expected sqlite:///file, postgresql://... or mysql://..."
    if settings.secret is not None and len(settings.secret.reveal()) < _SHORTEST_SECRET:
        yield (
            ("secret",),
            f"too short to seal with: at least {_SHORTEST_SECRET} characters, as `openssl rand -hex 32` makes",
        )
    if settings.shared.reveal() != "memory" and not settings.shared.reveal().startswith(_SHARED):
        yield ("shared",), "expected memory or redis://..."


def _check_origins(settings: Settings) -> Iterator[_Complaint]:
    for index, origin in enumerate(settings.origins or ()):
        parts = urlsplit(origin)
        if origin != "*" and (not parts.scheme or not parts.netloc or origin != f"{parts.scheme}://{parts.netloc}"):
            yield ("origins", index), "expected a scheme, a host and maybe a port, as in https://app.example, or *"


def _check_media(settings: Settings) -> Iterator[_Complaint]:
    media = settings.media
    for name in ("hosts", "schemes", "timeout", "size", "total"):
        if not getattr(media, name):
            yield ("media", name), "allows nothing; to fetch no files write `fetch: false`"


def _check_keys(settings: Settings) -> Iterator[_Complaint]:
    keys = settings.keys
    if keys == "managed":
        yield ("keys",), "managed keys are not available yet in this version; list the keys here"
    elif keys == "open":
        if not settings.listen.is_loopback:
            yield ("listen",), _OPEN_TO_ALL
    elif not keys:
        yield ("keys",), "an empty list lets nobody in; list a key, or write `keys: open` for this machine alone"
    else:
        yield from _check_key_list(keys)


def _check_key_list(keys: tuple[KeySettings, ...]) -> Iterator[_Complaint]:
    by_key: dict[object, int] = {}
    by_name: dict[str, int] = {}
    for index, entry in enumerate(keys):
        first = by_key.setdefault(entry.key, index)
        if first != index:
            yield ("keys", index), f"the same key as keys.{first}"
        if entry.name and by_name.setdefault(entry.name, index) != index:
            yield ("keys", index, "name"), f"the same name as keys.{by_name[entry.name]}"


def _check_upstream(name: str, upstream: UpstreamSettings, catalog: Mapping[str, Provider]) -> Iterator[_Complaint]:
    path: Path = ("upstreams", name)
    if not name or "/" in name:
        yield path, "an upstream's name must not be empty or hold a slash: models are named upstream/model"
    if upstream.session is not None or upstream.accounts:
        yield path, "session upstreams are not available yet in this version"
    elif upstream.provider is None:
        yield path, "needs a provider; openai-compatible and its like stand for any server of a protocol"
    elif upstream.provider not in catalog:
        yield (*path, "provider"), f"no such provider in the catalogue; {_provider_hint(upstream.provider, catalog)}"
    else:
        yield from _check_endpoints(path, upstream, catalog[upstream.provider])
        yield from (((*path, "operations"), problem) for problem in service_problems(upstream.operations))
        yield from _check_options(path, upstream, catalog[upstream.provider])
        yield from _check_connection(path, upstream)
        yield from check_credentials(path, upstream, catalog[upstream.provider])


def _check_endpoints(path: Path, upstream: UpstreamSettings, provider: Provider) -> Iterator[_Complaint]:
    if upstream.base_url is not None and upstream.protocols is not None:
        yield (*path, "protocols"), "base_url and protocols exclude each other; name every base URL under protocols"
    if upstream.protocols is not None:
        if not upstream.protocols:
            yield (*path, "protocols"), "names no protocol; leave it out, or give base URLs"
        for protocol in upstream.protocols:
            if protocol not in _PROTOCOLS:
                yield (*path, "protocols", protocol), f"unknown protocol; {_hint(protocol, _PROTOCOLS)}"
    elif upstream.base_url is None and any(endpoint.base_url is None for endpoint in provider.protocols.values()):
        yield path, f"needs a base_url: {provider.name} stands for any server of its protocol"
    if provider.credentials == "required" and not upstream.credentials:
        variable = provider.env[0].names[0] if provider.env else "API_KEY"
        yield path, f"needs credentials, as in `credentials: [${{{variable}}}]`"
    if provider.credentials == "none" and upstream.credentials:
        yield (*path, "credentials"), f"{provider.name} takes no credentials; leave them out"


def _check_options(path: Path, upstream: UpstreamSettings, provider: Provider) -> Iterator[_Complaint]:
    for name, value in upstream.options.items():
        if name not in provider.options:
            known = _hint(name, provider.options) if provider.options else "it takes none; leave them out"
            yield (*path, "options", name), f"{provider.name} has no such option; {known}"
        elif not is_option(value):
            yield (*path, "options", name), "expected letters, digits and . - _ : ~, not a URL or a path"
    moved = upstream.protocols is not None or upstream.base_url is not None
    for name in provider.needs(spoken(upstream, provider), moved=moved):
        if name not in upstream.options:
            option = provider.options[name]
            example = f"${{{option.env[0]}}}" if option.env else "..."
            others = "".join(f" or ${{{variable}}}" for variable in option.env[1:])
            yield path, f"needs the option {name}, {option.meaning}, as in `options: {{{name}: {example}}}`{others}"


def _check_connection(path: Path, upstream: UpstreamSettings) -> Iterator[_Complaint]:
    for header in upstream.headers:
        if not header or not _HEADER_CHARS.issuperset(header.lower()):
            yield (*path, "headers", header), "not a legal header name"
        elif header.lower() in _OWN_HEADERS:
            yield (*path, "headers", header), "the gateway sets this header itself"
    for model, prices in upstream.prices.items():
        for meter in prices:
            if meter not in METERS:
                yield (*path, "prices", model, meter), f"nothing is counted by this name; {_hint(meter, METERS)}"


def _check_model(alias: str, model: ModelSettings, settings: Settings) -> Iterator[_Complaint]:
    path: Path = ("models", alias)
    if not alias:
        yield path, "an alias must not be empty"
    if not model.candidates:
        yield (*path, "candidates"), "needs at least one candidate, as in upstream/model"
    if model.strategy not in _STRATEGIES:
        yield (*path, "strategy"), f"not available yet in this version: strategy {model.strategy}; use fallback"
    if model.rules:
        yield (*path, "rules"), "not available yet in this version: rules; use candidates"
    for index, candidate in enumerate(model.candidates):
        upstream, slash, name = candidate.model.partition("/")
        place: Path = (*path, "candidates", index)
        if not slash or not name:
            yield place, "expected upstream/model"
        elif upstream not in settings.upstreams:
            yield place, f"no upstream named {upstream!r}; {_hint(upstream, settings.upstreams)}"


def _hint(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    meant = did_you_mean(name, names)
    return f"did you mean {meant!r}?" if meant else f"known: {', '.join(names) or 'none'}"


def _provider_hint(name: str, catalog: Mapping[str, Provider]) -> str:
    """By the services that people know by that word, else by what the name is nearly."""
    known = [one for one in catalog if name.lower() in re.findall(r"\w+", catalog[one].title.lower())]
    meant = min(known, key=len) if known else did_you_mean(name, list(catalog))
    asked = "" if meant is None else f"did you mean {meant!r} ({catalog[meant].title})? "
    return f"{asked}`twoapi providers` lists all"


def _nearest(places: Mapping[Path, Place], path: Path) -> Place:
    """The place of a path, else of what it would stand in."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, Place(1, 1))


_PROTOCOLS = tuple(UPSTREAM_CODECS)
_SHORTEST_SECRET = 16
_HEADER_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")
_OWN_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "expect",
        "upgrade",
        "accept-encoding",
    }
)
