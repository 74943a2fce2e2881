"""The configuration in force, compiled: what a request runs under from its first byte to its last."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from twoapi.config.settings import Limits, Settings
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry, KeyRing
from twoapi.policy.credentials import Credential
from twoapi.policy.fetching import Guard
from twoapi.policy.origins import Origins
from twoapi.policy.pricing import card_for
from twoapi.policy.route import Candidate, Plan, Router
from twoapi.providers.cards import ModelCard, Table, load_table, shipped_table
from twoapi.providers.catalog import load_catalog
from twoapi.providers.presenting import bearer, under
from twoapi.providers.services import Want
from twoapi.providers.tokens.source import Token
from twoapi.transport.endpoint import Endpoint, open_head
from twoapi.wire.http import Headers, Outgoing

_PLANS = 4096  # plans that are remembered; more only when clients make up names
_HEADS = 4096  # request heads that are remembered; more only when clients vary their protocol headers


class Snapshot:
    """Immutable but for memos of what has been computed from it."""

    def __init__(self, settings: Settings, created: int = 0) -> None:
        self.settings = settings
        self.created = created
        self.limits: Limits = settings.limits
        self.keys = KeyRing(settings)
        self.origins = Origins(settings)
        self.guard = Guard(settings.media) if settings.media.fetch else None  # of what is fetched for clients
        self._catalog = load_catalog(Path(settings.catalog) if settings.catalog else None)
        self._router = Router(settings, self._catalog)
        self.plans: dict[tuple[str, str | Want, KeyEntry], Plan] = {}
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._bearers: dict[Credential, tuple[Token, Credential]] = {}

    def plan(self, model: str, wanted: str | Want, key: KeyEntry) -> Plan:
        """What this client gets for this name; raises FaultError when it may not or nothing serves it."""
        if not key.may_use(model):
            raise FaultError(
                Fault("forbidden", f"this key may not use the model {model!r}; GET /v1/models lists what it may use")
            )
        plan = self._router.plan(model, wanted)
        if len(self.plans) >= _PLANS:
            self.plans.clear()
        self.plans[model, wanted, key] = plan
        return plan

    def speakers(self, protocol: str) -> list[Candidate]:
        """Every upstream that speaks this protocol, for what is about no model."""
        return self._router.speakers(protocol)

    def offering(self, want: Want) -> list[Candidate]:
        """Every upstream that offers this whatever the model, for what is about none."""
        return self._router.offering(want)

    def model_names(self) -> list[tuple[str, str]]:
        """Every name that can be told, with its upstream."""
        return self._router.model_names()

    def card(self, candidate: Candidate) -> ModelCard | None:
        """What is known of a candidate's model, and what it costs; None when nothing is."""
        upstream = self.settings.upstreams[candidate.upstream]
        if upstream.provider is None:
            return None
        return card_for(self._catalog[upstream.provider], upstream, candidate.model, self._table)

    @cached_property
    def _table(self) -> Table:
        own = self.settings.model_table
        return shipped_table() if own is None else load_table(Path(own))

    def rejects_losses(self, headers: Mapping[bytes, bytes], key: KeyEntry, plan: Plan) -> bool:
        """True when a conversion that loses anything must be refused: the request's word, else the key's, else the
        alias's, else the configuration's.
        """
        said = headers.get(b"twoapi-on-loss")
        if said is not None:
            return said.strip().lower() == b"reject"
        return (key.on_loss or plan.on_loss or self.settings.on_loss) == "reject"

    def head(self, candidate: Candidate, credential: Credential, outgoing: Outgoing) -> bytes:
        """The complete head of an upstream request; raises ValueError for header values that would break it."""
        key: tuple[object, ...] = (candidate, credential, outgoing.path, *outgoing.headers)
        opened = self._heads.get(key)
        if opened is None:
            headers = request_headers(outgoing, credential)
            opened = open_head(Endpoint.parse(candidate.base_url), "POST", outgoing.path, headers)
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[key] = opened
        return b"%bcontent-length: %d\r\n\r\n" % (opened, len(outgoing.body))

    def with_token(self, credential: Credential, token: Token) -> Credential:
        """A credential as it is presented with this token, the same one for the same token."""
        held = self._bearers.get(credential)
        if held is None or held[0] is not token:
            held = (token, Credential(credential.index, under(credential.headers, bearer(token.parts))))
            self._bearers[credential] = held
        return held[1]


def request_headers(outgoing: Outgoing, credential: Credential) -> Headers:
    """The headers of an upstream request: it is JSON unless it says otherwise."""
    said = [*outgoing.headers, *credential.headers]
    if any(name == b"content-type" for name, _ in outgoing.headers):
        return said
    return [(b"content-type", b"application/json"), *said]
