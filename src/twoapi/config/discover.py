"""What is there when nothing is configured: the vendors' usual environment variables, and servers on this machine."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from twoapi.config.settings import CredentialSettings, Settings, UpstreamSettings
from twoapi.config.values import Address, BaseUrl
from twoapi.protocols.registry import CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Endpoint, Provider, Variable, auth_ways
from twoapi.providers.mount import is_option, option_values
from twoapi.providers.schemes import UnfitError, choose, is_installed
from twoapi.wire.secret import Secret

# Asks all these base URLs at once, in bounded time, and tells what those that answered serve.
Probe = Callable[[Sequence[str]], Mapping[str, tuple[str, ...]]]


def discover(environ: Mapping[str, str], probe: Probe, listen: Address | None = None) -> Settings:
    """Settings with every upstream that can be found, and always `demo`.

    A base URL that leads to the address we listen on is not used: clients of the gateway set the same variables.
    """
    own = listen or Settings().listen
    catalog = load_catalog()
    set_up = frozenset(name for name, value in environ.items() if value.strip())
    found = ((provider.name, _from_environ(provider, environ, own)) for provider in catalog.mentioning(set_up))
    upstreams = {name: upstream for name, upstream in found if upstream is not None}
    upstreams |= _from_probe(catalog.mentioning({"probe"}), probe, own)
    within = catalog.mentioning({"local"})
    upstreams |= {provider.name: UpstreamSettings(provider=provider.name) for provider in within if provider.local}
    return msgspec.structs.replace(Settings(), listen=own, upstreams=upstreams)


def _from_environ(provider: Provider, environ: Mapping[str, str], own: Address) -> UpstreamSettings | None:
    options = _options(provider, environ) if provider.discovered else {}
    for variable in provider.env if provider.discovered else ():
        credential = _credential(provider, variable, environ, options)
        if credential is not None:
            protocols = _moved(provider, environ, own)
            spoken = provider.protocols if protocols is None else protocols
            if not options.keys() >= set(provider.needs(spoken, moved=protocols is not None)):
                return None
            return UpstreamSettings(
                provider=provider.name,
                protocols=protocols,
                options=options,
                auth=variable.auth,
                credentials=(credential,),
            )
    return None


def _credential(
    provider: Provider, variable: Variable, environ: Mapping[str, str], options: Mapping[str, str]
) -> CredentialSettings | None:
    """What these variables hold, when that is a credential for the protocol that the provider prefers."""
    if variable.name is not None:
        key = environ.get(variable.name, "").strip()
        return CredentialSettings(key=Secret(key)) if key else None
    parts = {part: value for part, name in variable.parts.items() if (value := environ.get(name, "").strip())}
    protocol = next(iter(provider.protocols), None)
    if not parts or protocol is None:
        return None
    try:
        chosen = choose(auth_ways(provider, protocol), variable.auth, frozenset(parts))
    except UnfitError:
        return None
    extra = chosen.form.extra
    known = {*parts, *chosen.facts(option_values(provider.options, options))}
    if chosen.missing(known) or (extra is not None and not is_installed(extra)):
        return None
    return CredentialSettings(parts={part: Secret(value) for part, value in parts.items()})


def _options(provider: Provider, environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment says of the provider's options, where the vendor's own tools look for it."""
    found = {
        name: next((value for variable in option.env if (value := environ.get(variable, "").strip())), "")
        for name, option in provider.options.items()
    }
    return {name: value for name, value in found.items() if value and is_option(value)}


def _moved(provider: Provider, environ: Mapping[str, str], own: Address) -> dict[str, BaseUrl] | None:
    """The protocols at other base URLs, when the environment names one; only those that it names."""
    moved = {
        protocol: url
        for protocol, endpoint in provider.protocols.items()
        if (url := _usable_url(environ.get(endpoint.env or "", ""), own)) is not None
    }
    return moved or None


def _usable_url(text: str, own: Address) -> BaseUrl | None:
    try:
        url = BaseUrl.parse(text.strip())
    except ValueError:
        return None
    return None if _is_own(url, own) else url


def _from_probe(providers: Iterable[Provider], probe: Probe, own: Address) -> dict[str, UpstreamSettings]:
    places = {
        provider.name: endpoint.base_url
        for provider in providers
        if provider.probe
        for endpoint in _listing(provider)
        if endpoint.base_url is not None and not _is_own(endpoint.base_url, own)
    }
    served = probe(list(places.values()))
    return {
        name: UpstreamSettings(provider=name, models=served[url] or None)
        for name, url in places.items()
        if url in served
    }


def _listing(provider: Provider) -> list[Endpoint]:
    """Where a provider lists its models in the shape that is asked for: a protocol of clients, no dialect."""
    return [endpoint for protocol, endpoint in provider.protocols.items() if protocol in CODECS][:1]


def _is_own(url: str, own: Address) -> bool:
    """True when a request to this URL would come back to us, as far as names tell."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port != own.port:
        return False
    return parts.hostname == own.host or parts.hostname in _LOOPBACKS


_LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104  compared with, not bound
