"""What can be configured: the schema of `twoapi.yaml`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from twoapi.config.values import Address, BaseUrl, Dollars, Duration, HostPattern, Size
from twoapi.providers.cards import Metered
from twoapi.providers.model import Auth, Overrides
from twoapi.providers.services import Service
from twoapi.wire.secret import Secret

OnLoss = Literal["allow", "reject"]
Strategy = Literal["fallback", "weighted", "least-busy", "latency", "cost", "prefix-cache"]
Weight = Annotated[int, Meta(ge=1, le=1000)]
Count = Annotated[int, Meta(ge=1)]


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long an attempt may take, in seconds; 0 means no limit. `keep_alive`: after so long a silence a streaming
    client gets a sign of life.
    """

    connect: float = 10.0
    first_byte: float = 300.0
    idle: float = 120.0
    total: float = 3600.0
    keep_alive: float = 15.0


class TimeoutSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The timeouts that are said here; the others come from the level above, at last from Timeouts."""

    connect: Duration | None = None
    first_byte: Duration | None = None
    idle: Duration | None = None
    total: Duration | None = None
    keep_alive: Duration | None = None

    def over(self, base: Timeouts) -> Timeouts:
        """The timeouts with what is said here put over `base`."""
        said = {name: float(value) for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(base, **said)


class CredentialSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an upstream, its share of the requests, and its limits (kept for the limiter).

    It is one `key`, or `parts` by their names, which its scheme tells. `auth`: how it is presented; not said: in the
    first of the provider's ways that takes such parts.
    """

    key: Secret | None = None
    auth: Auth | None = None
    parts: dict[str, Secret] = field(default_factory=dict)
    weight: Weight = 1
    concurrency: Count | None = None
    rpm: Count | None = None
    tpm: Count | None = None


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A destination: a provider of the catalogue, with credentials.

    `base_url` replaces the provider's for its first protocol and leaves its other protocols out: a credential goes
    nowhere that was not named. `protocols` replaces them all, protocol by protocol. `options`: what the
    provider asks for, such as a region. `models`: what it serves (`*` stands for any
    text), so that a bare name finds it. `prices`: what its models cost here, in place of the model table's, in US
    dollars for a million tokens or for one of anything else. `operations`: how it offers embeddings, rerank and
    others, where that is not as the catalogue says. `session` and `accounts` are for session upstreams.
    """

    provider: Annotated[str, Meta(min_length=1)] | None = None
    base_url: BaseUrl | None = None
    protocols: dict[str, BaseUrl] | None = None
    options: dict[str, str] = field(default_factory=dict)
    auth: Auth | None = None
    credentials: tuple[CredentialSettings, ...] = ()
    headers: dict[str, Secret] = field(default_factory=dict)
    models: tuple[str, ...] | None = None
    prices: dict[str, dict[Metered, Dollars]] = field(default_factory=dict)
    capabilities: Overrides = field(default_factory=Overrides)
    operations: dict[str, tuple[Service, ...]] = field(default_factory=dict)
    timeouts: TimeoutSettings = field(default_factory=TimeoutSettings)
    proxy: BaseUrl | None = None
    ca: str | None = None
    client_cert: str | None = None
    session: str | None = None
    accounts: tuple[dict[str, Secret], ...] = ()


class CandidateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one upstream that may answer for an alias: `upstream/model`."""

    model: str
    weight: Weight = 1


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A condition and the candidates to use when it holds."""

    when: dict[str, bool | int | str]
    use: tuple[str, ...]


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an alias stands for. `retries`: how often one candidate is tried again before the next one."""

    candidates: tuple[CandidateSettings, ...]
    strategy: Strategy = "fallback"
    rules: tuple[Rule, ...] = ()
    timeouts: TimeoutSettings = field(default_factory=TimeoutSettings)
    retries: Annotated[int, Meta(ge=0, le=10)] = 2
    on_loss: OnLoss | None = None


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key. `models`: the names it may use, `*` stands for any text; not said means all."""

    key: Secret
    name: str = ""
    models: tuple[str, ...] | None = None
    on_loss: OnLoss | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one process accepts: the size of a body, of one that is sent on as it comes, and of a request's head,
    requests at once, the silence of a client connection between requests and within one, connections in all.
    """

    body: Size = field(default_factory=lambda: Size(32 * 2**20))
    upload: Size = field(default_factory=lambda: Size(512 * 2**20))
    header: Size = field(default_factory=lambda: Size(64 * 2**10))
    streams: Count = 10_000
    connections: Count = 20_000
    idle: Duration = field(default_factory=lambda: Duration(75.0))
    receive: Duration = field(default_factory=lambda: Duration(60.0))


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whether, from where and how much is fetched when a client gives a file by a URL and its upstream fetches none.

    `hosts` may hold `*` for any text, and ports. `size` is of one file, `total` and `count` are of the files of one
    request, `timeout` is for all of them, `concurrency` of one worker.
    """

    fetch: bool = False
    hosts: tuple[HostPattern, ...] = field(default_factory=lambda: (HostPattern("*"),))
    schemes: tuple[Literal["https", "http"], ...] = ("https",)
    private: bool = False
    size: Size = field(default_factory=lambda: Size(20 * 2**20))
    total: Size = field(default_factory=lambda: Size(50 * 2**20))
    count: Count = 20
    timeout: Duration = field(default_factory=lambda: Duration(10.0))
    concurrency: Count = 16


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. `secret`: what sealed state is sealed with; None: what the store made for itself.
    `model_table`: a file with newer model cards than those of the package, as `twoapi models refresh` writes it.
    """

    listen: Address = field(default_factory=lambda: Address("127.0.0.1:8000"))
    store: Secret = field(default_factory=lambda: Secret("sqlite:///twoapi.db"))  # a URL with a password in it
    secret: Secret | None = None
    shared: Secret = field(default_factory=lambda: Secret("memory"))
    on_loss: OnLoss = "allow"
    upstreams: dict[str, UpstreamSettings] = field(default_factory=dict)
    models: dict[str, ModelSettings] = field(default_factory=dict)
    keys: Literal["open", "managed"] | tuple[KeySettings, ...] = "open"
    limits: Limits = field(default_factory=Limits)
    media: MediaSettings = field(default_factory=MediaSettings)
    timeouts: TimeoutSettings = field(default_factory=TimeoutSettings)
    origins: tuple[str, ...] | None = None
    catalog: str | None = None
    model_table: str | None = None
