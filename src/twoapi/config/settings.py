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

    connect: Annotated[Duration | None, Meta(description="Until there is a connection.")] = None
    first_byte: Annotated[Duration | None, Meta(description="From the request to the first byte of the answer.")] = None
    idle: Annotated[Duration | None, Meta(description="Without a byte of an answer that has begun.")] = None
    total: Annotated[Duration | None, Meta(description="The whole attempt.")] = None
    keep_alive: Annotated[
        Duration | None, Meta(description="After so long a silence a streaming client gets a sign of life.")
    ] = None

    def over(self, base: Timeouts) -> Timeouts:
        """The timeouts with what is said here put over `base`."""
        said = {name: float(value) for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(base, **said)


class CredentialSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an upstream, its share of the requests, and its limits (kept for the limiter).

    It is one `key`, or `parts` by their names, which its scheme tells. `auth`: how it is presented; not said: in the
    first of the provider's ways that takes such parts.
    """

    key: Annotated[Secret | None, Meta(description="The secret, best by reference.")] = None
    auth: Annotated[
        Auth | None,
        Meta(description="How it is presented, instead of the first of the provider's ways that takes its parts."),
    ] = None
    parts: Annotated[
        dict[str, Secret],
        Meta(description="The secrets by name, where it is not a key: see [Credentials](#credentials)."),
    ] = field(default_factory=dict)
    weight: Annotated[Weight, Meta(description="Its share of the requests.")] = 1
    concurrency: Annotated[Count | None, Meta(description="Requests at once. Kept, not enforced yet.")] = None
    rpm: Annotated[Count | None, Meta(description="Requests per minute. Kept, not enforced yet.")] = None
    tpm: Annotated[Count | None, Meta(description="Tokens per minute. Kept, not enforced yet.")] = None


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A destination: a provider of the catalogue, with credentials.

    `base_url` replaces the provider's for its first protocol and leaves its other protocols out: a credential goes
    nowhere that was not named. `protocols` replaces them all, protocol by protocol. `options`: what the
    provider asks for, such as a region. `models`: what it serves (`*` stands for any
    text), so that a bare name finds it. `prices`: what its models cost here, in place of the model table's, in US
    dollars for a million tokens or for one of anything else. `operations`: how it offers embeddings, rerank and
    others, where that is not as the catalogue says. `session` and `accounts` are for session upstreams.
    """

    provider: Annotated[Annotated[str, Meta(min_length=1)] | None, Meta(description="A provider of the catalogue.")] = (
        None
    )
    base_url: Annotated[
        BaseUrl | None,
        Meta(
            description=(
                "Replaces the provider's, for its first protocol; its other protocols are then left out. It is "
                "what the vendor's own SDK takes: with `/v1` for OpenAI's protocol, without a version for "
                "Anthropic's."
            )
        ),
    ] = None
    protocols: Annotated[
        dict[str, BaseUrl] | None, Meta(description="Base URLs by protocol, instead of the provider's.")
    ] = None
    options: Annotated[
        dict[str, str], Meta(description="What the provider asks for: a region, a project, a resource.")
    ] = field(default_factory=dict)
    auth: Annotated[
        Auth | None, Meta(description="How a credential is presented, when not as the protocol usually does.")
    ] = None
    credentials: Annotated[
        tuple[CredentialSettings, ...],
        Meta(
            description=(
                "The secrets for this upstream; they take turns, and one that is refused or exhausted is followed"
                " by the next."
            )
        ),
    ] = ()
    headers: Annotated[
        dict[str, Secret],
        Meta(description="Further headers of each request. They win over a credential's header of the same name."),
    ] = field(default_factory=dict)
    models: Annotated[
        tuple[str, ...] | None,
        Meta(description="What it serves, so that a bare name finds it; `*` stands for any text."),
    ] = None
    prices: Annotated[
        dict[str, dict[Metered, Dollars]],
        Meta(description="What models (`*` allowed) cost here: US dollars for a million `input`, `output` ... tokens."),
    ] = field(default_factory=dict)
    capabilities: Annotated[Overrides, Meta(description="What it takes, where that differs from the catalogue.")] = (
        field(default_factory=Overrides)
    )
    operations: Annotated[
        dict[str, tuple[Service, ...]],
        Meta(
            description=(
                "How it offers `embeddings`, `rerank`, `moderations`, `completions`, `images`, `speech`, `image-"
                "edits`, `image-variations`, `transcriptions`, `translations`, `files`, `batches`, `caches`, where "
                "that differs from the catalogue: a list of ways, empty when it does not."
            )
        ),
    ] = field(default_factory=dict)
    timeouts: Annotated[TimeoutSettings, Meta(description="Instead of the ones above.")] = field(
        default_factory=TimeoutSettings
    )
    proxy: Annotated[
        BaseUrl | None, Meta(description="An HTTP proxy through which it is reached; needs the extra `proxy`.")
    ] = None
    ca: Annotated[
        str | None, Meta(description="A PEM file with the authorities that its certificate is checked against.")
    ] = None
    client_cert: Annotated[
        str | None, Meta(description="A PEM file with our certificate and key, when it asks for one.")
    ] = None
    session: Annotated[str | None, Meta(description="For session upstreams, which are not available yet.")] = None
    accounts: Annotated[
        tuple[dict[str, Secret], ...], Meta(description="For session upstreams, which are not available yet.")
    ] = ()


class CandidateSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one upstream that may answer for an alias: `upstream/model`."""

    model: Annotated[str, Meta(description="`upstream/model`, the model as the upstream names it.")]
    weight: Annotated[Weight, Meta(description="Its share, with `weighted`.")] = 1


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A condition and the candidates to use when it holds."""

    when: Annotated[dict[str, bool | int | str], Meta(description="The conditions.")]
    use: Annotated[tuple[str, ...], Meta(description="The candidates when they hold.")]


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an alias stands for. `retries`: how often one candidate is tried again before the next one."""

    candidates: Annotated[
        tuple[CandidateSettings, ...],
        Meta(description="What may answer, as `upstream/model`, in the order in which it is tried."),
    ]
    strategy: Annotated[
        Strategy,
        Meta(
            description=(
                "`fallback` begins with the first, `weighted` shares by weight; then the others follow. The other"
                " strategies are not available yet."
            )
        ),
    ] = "fallback"
    rules: Annotated[tuple[Rule, ...], Meta(description="Not available yet.")] = ()
    timeouts: Annotated[TimeoutSettings, Meta(description="Instead of the upstream's.")] = field(
        default_factory=TimeoutSettings
    )
    retries: Annotated[
        Annotated[int, Meta(ge=0, le=10)],
        Meta(description="How often one candidate is tried again before the next one."),
    ] = 2
    on_loss: Annotated[OnLoss | None, Meta(description="Instead of the top level's.")] = None


class KeySettings(msgspec.Struct, frozen=True, kw_only=True):
    """A client's key. `models`: the names it may use, `*` stands for any text; not said means all."""

    key: Annotated[
        Secret,
        Meta(
            description=(
                "What clients present: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`, `?key=`."
            )
        ),
    ]
    name: Annotated[str, Meta(description="What the access log calls this client.")] = ""
    models: Annotated[
        tuple[str, ...] | None, Meta(description="The names it may use; `*` stands for any text. Not said: all.")
    ] = None
    on_loss: Annotated[OnLoss | None, Meta(description="Instead of the alias's and the top level's.")] = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one process accepts: the size of a body, of one that is sent on as it comes, and of a request's head,
    requests at once, the silence of a client connection between requests and within one, connections in all.
    """

    body: Annotated[Size, Meta(description="The size of a request's body.")] = field(
        default_factory=lambda: Size(32 * 2**20)
    )
    upload: Annotated[
        Size,
        Meta(
            description="The size of what is taken as it comes: audio, pictures to be edited, files, message batches."
        ),
    ] = field(default_factory=lambda: Size(512 * 2**20))
    header: Annotated[Size, Meta(description="The size of a request's line and headers together.")] = field(
        default_factory=lambda: Size(64 * 2**10)
    )
    streams: Annotated[Count, Meta(description="Requests that are answered at once; one more gets a 503.")] = 10_000
    connections: Annotated[Count, Meta(description="Client connections; one more is closed.")] = 20_000
    idle: Annotated[Duration, Meta(description="How long a client connection may stand unused.")] = field(
        default_factory=lambda: Duration(75.0)
    )
    receive: Annotated[
        Duration, Meta(description="How long a request may make no progress in arriving; then it gets a 408.")
    ] = field(default_factory=lambda: Duration(60.0))


class MediaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whether, from where and how much is fetched when a client gives a file by a URL and its upstream fetches none.

    `hosts` may hold `*` for any text, and ports. `size` is of one file, `total` and `count` are of the files of one
    request, `timeout` is for all of them, `concurrency` of one worker.
    """

    fetch: Annotated[bool, Meta(description="Fetch them, and send what they hold.")] = False
    hosts: Annotated[
        tuple[HostPattern, ...],
        Meta(
            description=(
                "Where from: names in which `*` stands for any text, or addresses, each with a port or `:*` where"
                " it is not the scheme's own, as in `*.example.com`, `10.0.0.7:8080`, `[::1]:*`."
            )
        ),
    ] = field(default_factory=lambda: (HostPattern("*"),))
    schemes: Annotated[
        tuple[Literal["https", "http"], ...],
        Meta(description="By what; `[https, http]` fetches without encryption, too."),
    ] = ("https",)
    private: Annotated[
        bool,
        Meta(
            description=(
                "Also from this machine, private networks and shared address space. Where clouds keep a machine's"
                " secrets (169.254.169.254 and the like) is never asked."
            )
        ),
    ] = False
    size: Annotated[Size, Meta(description="The most bytes of one file.")] = field(
        default_factory=lambda: Size(20 * 2**20)
    )
    total: Annotated[Size, Meta(description="The most bytes of the files of one request.")] = field(
        default_factory=lambda: Size(50 * 2**20)
    )
    count: Annotated[Count, Meta(description="The most files of one request.")] = 20
    timeout: Annotated[Duration, Meta(description="How long all files of a request may take.")] = field(
        default_factory=lambda: Duration(10.0)
    )
    concurrency: Annotated[
        Count, Meta(description="How many files one worker fetches at once; further ones wait within `timeout`.")
    ] = 16


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. `secret`: what sealed state is sealed with; None: what the store made for itself.
    `model_table`: a file with newer model cards than those of the package, as `twoapi models refresh` writes it.
    """

    listen: Annotated[
        Address,
        Meta(
            description="Where to listen. Any address but a loopback one demands client keys. Read at the start only."
        ),
    ] = field(default_factory=lambda: Address("127.0.0.1:8000"))
    store: Annotated[
        Secret,
        Meta(
            description=(
                "Where state that outlives a request is kept: sealed reasoning, conversations that clients go on "
                "from. `sqlite:///` and a file; other stores are checked, and not used yet. Read at the start "
                "only."
            )
        ),
    ] = field(default_factory=lambda: Secret("sqlite:///twoapi.db"))
    secret: Annotated[
        Secret | None,
        Meta(
            description=(
                "What sealed reasoning is sealed with, for nodes without a common store; at least 16 characters. "
                "Without it the store makes one. Read at the start only."
            )
        ),
    ] = None
    shared: Annotated[
        Secret,
        Meta(
            description="Where several nodes will share their limits and health. Checked, not used yet in this version."
        ),
    ] = field(default_factory=lambda: Secret("memory"))
    on_loss: Annotated[
        OnLoss,
        Meta(
            description=(
                "Whether a request that loses something in conversion is sent or refused; the header `twoapi-on-"
                "loss`, a key and an alias can say otherwise, in this order."
            )
        ),
    ] = "allow"
    upstreams: Annotated[
        dict[str, UpstreamSettings],
        Meta(description="Where requests can go, by a name of your choice without a slash."),
    ] = field(default_factory=dict)
    models: Annotated[
        dict[str, ModelSettings], Meta(description="Aliases: names that clients use, and what answers for them.")
    ] = field(default_factory=dict)
    keys: Annotated[
        Literal["open", "managed"] | tuple[KeySettings, ...],
        Meta(
            description=(
                "Who may use the gateway: `open` is everyone who reaches a loopback address, else a list. "
                "`managed` is not available yet."
            )
        ),
    ] = "open"
    limits: Annotated[Limits, Meta(description="What one worker accepts.")] = field(default_factory=Limits)
    media: Annotated[
        MediaSettings,
        Meta(description="Whether the gateway fetches files that clients give by URL, for upstreams that do not."),
    ] = field(default_factory=MediaSettings)
    timeouts: Annotated[
        TimeoutSettings,
        Meta(description="How long an attempt may take, unless an upstream or an alias says otherwise."),
    ] = field(default_factory=TimeoutSettings)
    origins: Annotated[
        tuple[str, ...] | None,
        Meta(
            description=(
                "The web pages that may call from a browser: a list of origins such as `https://app.example`, or "
                "`*`. Not said: pages of this machine. With open keys no other page is served at all."
            )
        ),
    ] = None
    catalog: Annotated[
        str | None,
        Meta(
            description="A directory of provider files of your own; one with a shipped provider's name replaces that."
        ),
    ] = None
    model_table: Annotated[
        str | None,
        Meta(description="A file with newer model cards than the package's, as `twoapi models refresh` writes it."),
    ] = None
