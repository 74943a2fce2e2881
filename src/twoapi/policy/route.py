"""Where a request may go: from the name a client uses to candidates in the order in which they are tried."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

from twoapi.config.settings import ModelSettings, OnLoss, Settings, Timeouts, TimeoutSettings, UpstreamSettings
from twoapi.ir import Fault, FaultError
from twoapi.policy.credentials import Credential, credentials_of
from twoapi.policy.retry import answer_to_client
from twoapi.policy.turns import Turns, cycle
from twoapi.protocols.capabilities import Capabilities
from twoapi.providers.local import ANSWERERS, Answerer
from twoapi.providers.model import Provider, capabilities_for
from twoapi.providers.mount import Route, filled, option_values
from twoapi.providers.services import Offered, Want, offered
from twoapi.wire.fit import did_you_mean

LOCAL = "local"  # the protocol of a candidate that answers within this process
_MEMO = 4096  # names of clients' own choice whose plans are remembered
_LONGEST_NAME = 256
_RETRIES = 2


class Candidate:
    """One model of one upstream that may answer. Everything that a request needs of it, computed once.

    `label` is `upstream/model` for a header; `connection` is equal for candidates that can share connections; `local`
    answers within this process; `route`: how a platform's requests differ from the protocol's, None where they do not;
    `service`: how it offers the operation that was asked for, None where it does not and for answers of a model.
    """

    __slots__ = (
        "base_url",
        "ca",
        "capabilities",
        "client_cert",
        "connection",
        "credentials",
        "errors",
        "label",
        "local",
        "model",
        "only",
        "protocol",
        "proxy",
        "route",
        "service",
        "timeouts",
        "turns",
        "upstream",
        "weight",
    )

    def __init__(self, upstream: "_Upstream", model: str, protocol: str, timeouts: Timeouts, weight: int = 1) -> None:
        settings = upstream.settings
        self.upstream = upstream.name
        self.model = model
        self.protocol = protocol
        self.base_url = upstream.base_urls.get(protocol, "")
        self.ca = settings.ca
        self.client_cert = settings.client_cert
        self.proxy = settings.proxy
        self.connection = (self.base_url, self.ca, self.client_cert, self.proxy)
        self.capabilities: Capabilities = capabilities_for(upstream.provider, protocol, model, settings.capabilities)
        self.route = upstream.route(protocol, model)
        self.credentials = upstream.credentials(protocol)
        self.only = self.credentials if len(self.credentials) == 1 else None  # no turn to take
        self.turns = upstream.turns
        self.service: Offered | None = None
        self.timeouts = timeouts
        self.weight = weight
        self.local: Answerer | None = upstream.local
        self.errors = upstream.provider.errors
        self.label = "".join(char if 32 < ord(char) < 127 else "?" for char in f"{upstream.name}/{model}").encode()

    def credential_turn(self) -> tuple[Credential, ...]:
        """All credentials, beginning with the one whose turn it is."""
        credentials = self.credentials
        first = self.turns.take()
        return credentials[first:] + credentials[:first]

    def judged(self, fault: Fault) -> Fault:
        """What an error in a stream is for clients: as the provider means it, and no word of our credential."""
        if self.errors is not None:
            fault = self.errors.judged(fault, 200, {}, b"")
        return answer_to_client(fault, self.upstream)

    def __repr__(self) -> str:
        return f"Candidate({self.label.decode()!r}, {self.protocol!r})"


class Plan:
    """What a name stands for, for clients of one protocol."""

    __slots__ = ("_orders", "candidates", "on_loss", "only", "retries", "strategy")

    def __init__(
        self,
        candidates: tuple[Candidate, ...],
        strategy: Literal["fallback", "weighted"] = "fallback",
        retries: int = _RETRIES,
        on_loss: OnLoss | None = None,
    ) -> None:
        self.candidates = candidates
        self.only = candidates if len(candidates) == 1 else None  # no order to choose
        self.strategy = strategy
        self.retries = retries
        self.on_loss = on_loss
        firsts = cycle(tuple(candidate.weight for candidate in candidates)) if strategy == "weighted" else (0,)
        self._orders = tuple((candidates[first], *candidates[:first], *candidates[first + 1 :]) for first in firsts)

    def order(self, counter: int) -> tuple[Candidate, ...]:
        """The candidates in the order in which to try them; `counter` counts requests and decides whose turn it is."""
        orders = self._orders
        return orders[0] if len(orders) == 1 else orders[counter % len(orders)]


class Router:
    """The plans of a snapshot, each computed once per name and client protocol."""

    def __init__(self, settings: Settings, catalog: Mapping[str, Provider]) -> None:
        self._settings = settings
        self._timeouts = settings.timeouts.over(Timeouts())
        self._upstreams = {
            name: _Upstream(name, upstream, catalog[upstream.provider])
            for name, upstream in settings.upstreams.items()
            if upstream.provider is not None
        }
        self._plans: dict[tuple[str, str | Want], Plan] = {}

    def plan(self, name: str, wanted: str | Want) -> Plan:
        """What a client of this protocol, or with this wish, gets for this name; raises FaultError when nothing serves
        it.
        """
        found = self._plans.get((name, wanted))
        if found is None:
            found = self._make(name, wanted)
            if len(self._plans) >= _MEMO:
                self._plans.clear()
            self._plans[name, wanted] = found
        return found

    def speakers(self, protocol: str) -> list[Candidate]:
        """Every upstream that speaks this protocol, for what is about no model."""
        speaking = [upstream for upstream in self._upstreams.values() if protocol in upstream.base_urls]
        return [self._candidate(upstream, "", protocol, None) for upstream in speaking]

    def offering(self, want: Want) -> list[Candidate]:
        """Every upstream that offers this whatever the model, for what is about none."""
        found = []
        for upstream in self._upstreams.values():
            if upstream.local is None and upstream.service_for(want, "") is not None:
                candidate = self._candidate(upstream, "", want, None)
                candidate.label = candidate.label[:-1]  # it has no model to tell
                found.append(candidate)
        return found

    def model_names(self) -> list[tuple[str, str]]:
        """Every name that can be told, with its upstream: aliases, then what upstreams say they serve."""
        names = {alias: _owner(model) for alias, model in self._settings.models.items()}
        for upstream in self._upstreams.values():
            for model in upstream.names:
                if self._servers(model) == [upstream]:
                    names.setdefault(model, upstream.name)
                else:
                    names.setdefault(f"{upstream.name}/{model}", upstream.name)
        return list(names.items())

    def _make(self, name: str, wanted: str | Want) -> Plan:
        if len(name) > _LONGEST_NAME:
            raise FaultError(self._unknown(name[:40] + "...", []))
        alias = self._settings.models.get(name)
        if alias is not None:
            return self._alias(alias, wanted)
        head, slash, rest = name.partition("/")
        if slash and rest and head in self._upstreams:
            return Plan((self._candidate(self._upstreams[head], rest, wanted, None),))
        servers = self._servers(name)
        if len(servers) != 1:
            raise FaultError(self._unknown(name, servers))
        return Plan((self._candidate(servers[0], name, wanted, None),))

    def _alias(self, alias: ModelSettings, wanted: str | Want) -> Plan:
        candidates = []
        for candidate in alias.candidates:
            upstream, _, model = candidate.model.partition("/")
            found = self._upstreams[upstream]
            candidates.append(self._candidate(found, model, wanted, alias.timeouts, candidate.weight))
        strategy: Literal["fallback", "weighted"] = "weighted" if alias.strategy == "weighted" else "fallback"
        return Plan(tuple(candidates), strategy, alias.retries, alias.on_loss)

    def _candidate(
        self, upstream: "_Upstream", model: str, wanted: str | Want, timeouts: TimeoutSettings | None, weight: int = 1
    ) -> Candidate:
        limits = upstream.settings.timeouts.over(self._timeouts)
        limits = limits if timeouts is None else timeouts.over(limits)
        if isinstance(wanted, str):
            return Candidate(upstream, model, upstream.protocol_for(wanted), limits, weight)
        service = upstream.service_for(wanted, model)
        protocol = upstream.protocol_for(wanted.protocol) if service is None else service.protocol
        candidate = Candidate(upstream, model, protocol, limits, weight)
        candidate.service = service
        return candidate

    def _servers(self, model: str) -> list["_Upstream"]:
        """Who serves a bare name: by the operator's lists, else by the catalogue, else the only one without a list."""
        upstreams = list(self._upstreams.values())
        listed = [upstream for upstream in upstreams if upstream.lists(model)]
        if listed or not model:
            return listed
        unlisted = [upstream for upstream in upstreams if upstream.settings.models is None]
        known = [upstream for upstream in unlisted if _fits(model, upstream.provider.serves)]
        if known:
            return known
        remote = [upstream for upstream in unlisted if upstream.local is None]
        return remote if len(remote) == 1 else []

    def _unknown(self, name: str, servers: list["_Upstream"]) -> Fault:
        if servers:
            choice = " or ".join(f"{upstream.name}/{name}" for upstream in servers)
            message = f"several upstreams serve the model {name!r}; name one: {choice}"
        else:
            meant = did_you_mean(name, [known for known, _ in self.model_names()])
            hint = f"did you mean {meant!r}? " if meant else ""
            message = f"there is no model {name!r} here; {hint}GET /v1/models lists the models"
        return Fault("not_found", message, code="model_not_found", param="model")


class _Upstream:
    """An upstream with its catalogue entry, resolved."""

    def __init__(self, name: str, settings: UpstreamSettings, provider: Provider) -> None:
        self.name = name
        self.settings = settings
        self.provider = provider
        self._credentials: dict[str, tuple[Credential, ...]] = {}
        places = base_urls(settings, provider)
        self.base_urls = {protocol: url for protocol, url in places.items() if self.credentials(protocol)} or places
        said = settings.models if settings.models is not None else provider.serves
        self.names = tuple(name for name in said if "*" not in name)
        self.local = None if provider.local is None else ANSWERERS[provider.local]
        self.turns = Turns(tuple(credential.weight for credential in settings.credentials) or (1,))

    def lists(self, model: str) -> bool:
        """True when the operator says that this model is served here."""
        return self.settings.models is not None and _fits(model, self.settings.models)

    def protocol_for(self, client: str) -> str:
        """The client's own protocol when it is spoken here, else the preferred one."""
        if self.local is not None:
            return LOCAL
        return client if client in self.base_urls else next(iter(self.base_urls))

    def service_for(self, want: Want, model: str) -> Offered | None:
        """How this operation is offered here for this model; None when it is not."""
        said = (self.settings.operations, self.provider.operations)
        return offered(want, model, said, self.base_urls)

    def route(self, protocol: str, model: str) -> Route | None:
        """How requests for this model differ here from the protocol's; None where they do not.

        Raises FaultError for a name that would lead elsewhere.
        """
        endpoint = self.provider.protocols.get(protocol)
        if endpoint is None or endpoint.mount is None:
            return None
        return Route(endpoint.mount, option_values(self.provider.options, self.settings.options), model, protocol)

    def credentials(self, protocol: str) -> tuple[Credential, ...]:
        """The credentials as this protocol presents them, with the upstream's own headers."""
        found = self._credentials.get(protocol)
        if found is None:
            found = credentials_of(self.name, self.settings, self.provider, protocol)
            self._credentials[protocol] = found
        return found


def base_urls(settings: UpstreamSettings, provider: Provider) -> dict[str, str]:
    """Where an upstream speaks which protocol; empty when it answers within this process."""
    if settings.protocols is not None:
        return {protocol: str(url) for protocol, url in settings.protocols.items()}
    if settings.base_url is not None:
        return {protocol: str(settings.base_url) for protocol in list(provider.protocols)[:1]}
    values = option_values(provider.options, settings.options)
    places = {name: endpoint.base_url for name, endpoint in provider.protocols.items()}
    return {name: filled(place, values) for name, place in places.items() if place is not None}


def _fits(model: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(model, pattern) if "*" in pattern else model == pattern for pattern in patterns)


def _owner(model: ModelSettings) -> str:
    return model.candidates[0].model.partition("/")[0]
