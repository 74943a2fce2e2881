"""Whether an upstream can be reached: name, connection, TLS, credential, and, when allowed, its list of models."""

import email.utils
import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from twoapi.cli.surroundings import Finding
from twoapi.cli.tokens import Given, asked_for, is_refused, shown
from twoapi.config.settings import Settings, UpstreamSettings
from twoapi.policy.credentials import Credential, credentials_of
from twoapi.policy.route import base_urls
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Provider
from twoapi.providers.tokens.source import RefusedError, Token

Findings = Iterator[Finding]

_SECURE = ("https", "wss")
_PATIENCE = 5.0  # seconds per step
_SKEW = 120.0  # seconds by which clocks may differ

# Where a protocol lists its models, below the base URL, and the headers it wants for that.
_LISTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "openai-chat": ("/models", {}),
    "openai-responses": ("/models", {}),
    "anthropic-messages": ("/v1/models", {"anthropic-version": "2023-06-01"}),
    "gemini": ("/v1beta/models", {}),
}


def examine_upstream(settings: Settings, name: str, *, online: bool) -> Findings:
    """What is found about one upstream, base URL by base URL."""
    upstream = settings.upstreams[name]
    catalog = load_catalog(Path(settings.catalog) if settings.catalog else None)
    provider = catalog[upstream.provider or ""]
    check = f"upstream {name}"
    if provider.local is not None:
        yield Finding(check, "ok", "answers within the gateway")
        return
    yield _credential(check, upstream, provider)
    places = base_urls(upstream, provider)
    credentials = {protocol: credentials_of(name, upstream, provider, protocol) for protocol in places}
    given = asked_for([one for spoken in credentials.values() for one in spoken]) if online else {}
    yield from _tokens(check, given)
    for protocol, url in places.items():
        reached = _reach(check, str(upstream.proxy or url), upstream)
        yield reached
        if online and reached.status == "ok":
            if upstream.proxy is not None:
                yield Finding(check, "warn", f"{url} is behind a proxy: its models were not asked for")
            elif protocol not in _LISTS or credentials[protocol] == () or _is_mounted(provider, protocol):
                yield Finding(check, "ok", f"{url} has no list of models that could be asked for")
            elif not is_refused(credentials[protocol][0], given):
                yield _ask(check, protocol, url, upstream, credentials[protocol][0], given)


def _credential(check: str, upstream: UpstreamSettings, provider: Provider) -> Finding:
    count = len(upstream.credentials)
    if count:
        return Finding(check, "ok", f"{count} credential{'' if count == 1 else 's'}")
    needless = provider.credentials != "required"
    mend = "" if needless else f"add credentials to upstreams.{check.removeprefix('upstream ')}"
    return Finding(check, "ok" if needless else "fail", "no credential", mend)


def _reach(check: str, url: str, upstream: UpstreamSettings) -> Finding:
    """Name, connection, TLS: the first that fails."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme in _SECURE else 80)
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        mend = "check the spelling of base_url, and the DNS settings of this machine"
        return Finding(check, "fail", f"{host}: the name is not found: {error.strerror}", mend)
    try:
        plain = socket.create_connection((host, port), _PATIENCE)
    except OSError as error:
        mend = "is the server running, and does a firewall or a proxy stand in between? (`proxy:` sets one)"
        return Finding(check, "fail", f"{host}:{port}: no connection: {error.strerror or error}", mend)
    with plain:
        if parts.scheme not in _SECURE:
            return Finding(check, "ok", f"{url} is reachable")
        try:
            with _tls(upstream).wrap_socket(plain, server_hostname=host) as secure:
                return Finding(check, "ok", f"{url} is reachable, {secure.version()}")
        except (OSError, ValueError) as error:
            reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error)
            mend = "name the authority's certificate with `ca:`; if the clock is wrong, set it"
            return Finding(check, "fail", f"{host}:{port}: TLS failed: {reason}", mend)


def _tokens(check: str, given: Given) -> Findings:
    """Whether there are tokens, credential by credential."""
    for source, token in sorted(given.items(), key=lambda one: one[0].label):
        place = source.label.partition(".")[2].partition(".")[2]
        if isinstance(token, Token):
            yield Finding(check, "ok", f"{place}: a token was given, for {token.lifetime:.0f} s")
        else:
            what, _, mend = token.message.partition("; ")
            yield Finding(check, "fail", f"{place}: {what}", mend)


def _is_mounted(provider: Provider, protocol: str) -> bool:
    endpoint = provider.protocols.get(protocol)
    return endpoint is not None and endpoint.mount is not None


def _ask(
    check: str, protocol: str, url: str, upstream: UpstreamSettings, credential: Credential, given: Given
) -> Finding:
    """Asks for the list of models with this credential."""
    path, headers = _LISTS[protocol]
    try:
        place, headers = shown(credential, given, "GET", url + path, dict(headers))
    except RefusedError as error:
        what, _, mend = error.message.partition("; ")
        return Finding(check, "fail", f"credentials.{credential.index}: {what}", mend)
    connection = _connection(url, upstream)
    try:
        target = urlsplit(place)
        connection.request("GET", target.path + (f"?{target.query}" if target.query else ""), headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return Finding(check, "fail", f"{url}{path}: no answer: {error}", "try again; see the upstream's status page")
    finally:
        connection.close()
    if answer.status in (401, 403):
        mend = "the credential is refused: is it this provider's, complete and not revoked?"
        return Finding(check, "fail", f"{url}{path}: status {answer.status}", mend)
    if answer.status != 200:
        return Finding(
            check, "warn", f"{url}{path}: status {answer.status}", "is base_url what this vendor's SDK takes?"
        )
    return _skew(check, answer.getheader("date")) or Finding(check, "ok", f"{url}{path}: the credential is accepted")


def _skew(check: str, date: str | None) -> Finding | None:
    try:
        theirs = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    skew = time.time() - theirs
    if abs(skew) <= _SKEW:
        return None
    return Finding(check, "warn", f"its clock and ours differ by {round(abs(skew))} s", "set the clock (NTP)")


def _connection(url: str, upstream: UpstreamSettings) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=_PATIENCE, context=_tls(upstream))
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_PATIENCE)


def _tls(upstream: UpstreamSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=upstream.ca)
    if upstream.client_cert is not None:
        context.load_cert_chain(upstream.client_cert)
    return context
