"""A provider as the catalogue describes it."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from twoapi.protocols.capabilities import Capabilities
from twoapi.providers.errors import Errors
from twoapi.providers.mount import Mount, Option, option_names
from twoapi.providers.services import Service, problems


class Overrides(dict[str, object]):
    """Some capabilities by name; those that are not said stay as they are."""


SchemeName = Literal[
    "bearer",
    "header",
    "none",
    "sigv4",
    "aws",
    "google",
    "entra",
    "baidu-oauth",
    "baidu-iam",
    "bce",
    "tc3",
    "zhipu-jwt",
    "spark-url",
]


class Auth(msgspec.Struct, frozen=True, kw_only=True):
    """How a credential is presented: `Authorization: Bearer`, bare in the header `header`, not at all, or by one of the
    schemes of providers/schemes.py.

    `also` is a second header with the same secret. What such a scheme must know: `service` is what a signature is for,
    `scope` what a token is for, `token_url` where a token is asked for.
    """

    scheme: Annotated[
        SchemeName,
        Meta(
            description=(
                "`bearer` is `Authorization: Bearer`, `header` the bare secret in a header, `none` nothing; for "
                "the others see [Credentials](#credentials)."
            )
        ),
    ]
    header: Annotated[str | None, Meta(description="The header's name, with `scheme: header`.")] = None
    also: Annotated[str | None, Meta(description="A second header with the same secret.")] = None
    service: Annotated[
        str | None, Meta(description="What a signature is for, where the catalogue does not say it.")
    ] = None
    scope: Annotated[str | None, Meta(description="What a token is for, where the catalogue does not say it.")] = None
    token_url: Annotated[
        str | None, Meta(description="Where a token is asked for, when not where the vendor usually gives it.")
    ] = None

    def __post_init__(self) -> None:
        if (self.header is not None) != (self.scheme == "header"):
            raise ValueError("header goes with scheme: header, and only with it")
        if self.also is not None and self.header is None:
            raise ValueError("also goes with header")

    def over(self, base: "Auth") -> "Auth":
        """The same, with what it does not say from `base`, which has the same scheme."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(base, **said)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider speaks a protocol. `base_url` is what the vendor's own SDK takes; None: the operator says it. It
    may name the provider's options, as in `https://{resource}.example.com`.

    `env`: the variable from which the vendor's SDK reads another base URL. `auth`: the ways to authenticate, the usual
    one first; None: the protocol's usual way. `mount`: what is different there from the protocol.
    """

    base_url: str | None = None
    env: str | None = None
    mount: Mount | None = None
    auth: Auth | tuple[Auth, ...] | None = None
    capabilities: Overrides = msgspec.field(default_factory=Overrides)


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """Where the environment usually holds this provider's credential, and how that one is presented.

    `name` is the variable of a key, or `parts` are variables by the names of the parts; those that may be missing are
    optional for the scheme.
    """

    name: str | None = None
    auth: Auth | None = None
    parts: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.name is None) != bool(self.parts):
            raise ValueError("needs the name of a variable, or parts")

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, the one to tell of first."""
        return (self.name,) if self.name is not None else tuple(self.parts.values())


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the models whose name fits one of the patterns (`*` stands for any text)."""

    match: tuple[str, ...]
    capabilities: Overrides

    def fit(self, model: str) -> bool:
        """True when these facts hold for this model."""
        return any(fnmatchcase(model, pattern) for pattern in self.match)


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue file. The first of `protocols` is preferred when none of them is the client's.

    `credentials`: whether an upstream must have any. `probe`: look for it on this machine when nothing is configured.
    `local`: it answers within this process, by the answerer of that name, and speaks no
    protocol. `serves`: the names of its own models (`*` stands for any text), so that a bare name finds it. `options`:
    what an upstream of it can say, or must. `like`: the provider whose facts about models hold here too, under names
    with or without a prefix that ends in a dot or a slash; what this one says is laid over them.
    `cards`: the section of the model table, where its name is another. `errors`: what its errors mean, where its
    protocols do not tell. `operations`: how it offers what is not an answer of a model (embeddings, rerank ...), where
    that is not as its protocols usually do; an empty list says that it does not. `discovered`: False where another
    provider has the same variables, and is meant by them when nothing is configured. `evidence`: where its facts are
    from: requests of the vendor's own SDK were recorded, its documentation says so, another gateway's table lists it,
    or they are recalled. None was ever tried against the live service.
    """

    name: str
    title: str
    docs: str = ""
    protocols: dict[str, Endpoint] = msgspec.field(default_factory=dict)
    credentials: Literal["required", "optional", "none"] = "required"
    env: tuple[Variable, ...] = ()
    probe: bool = False
    local: str | None = None
    serves: tuple[str, ...] = ()
    capabilities: Overrides = msgspec.field(default_factory=Overrides)
    models: tuple[ModelFacts, ...] = ()
    options: dict[str, Option] = msgspec.field(default_factory=dict)
    like: str | None = None
    cards: str | None = None
    errors: Errors | None = None
    operations: dict[str, tuple[Service, ...]] = msgspec.field(default_factory=dict)
    discovered: bool = True
    evidence: Literal["recorded", "documented", "listed", "recalled"] = "documented"

    def __post_init__(self) -> None:
        if bool(self.protocols) == (self.local is not None):
            raise ValueError("must name protocols, or be local")
        named = {name for endpoint in self.protocols.values() for name in _named(endpoint)}
        if unknown := sorted(named - self.options.keys()):
            raise ValueError(f"its templates name {', '.join(unknown)}, which is no option of it")
        for problem in problems(self.operations):
            raise ValueError(problem)

    def needs(self, protocols: Iterable[str], *, moved: bool) -> list[str]:
        """The options without a default that these protocols need; `moved`: their base URLs are the operator's."""
        needed: set[str] = set()
        for protocol in protocols:
            if (endpoint := self.protocols.get(protocol)) is not None:
                needed |= _named(endpoint, moved=moved)
        return [name for name, option in self.options.items() if name in needed and option.default is None]


# How a credential is presented where neither the catalogue nor the operator says otherwise.
_BEARER = Auth(scheme="bearer")
_USUAL_AUTH: Mapping[str, Auth] = {
    "anthropic-messages": Auth(scheme="header", header="x-api-key"),
    "gemini": Auth(scheme="header", header="x-goog-api-key"),
}


def capabilities_for(
    provider: Provider, protocol: str, model: str, overrides: Mapping[str, object] | None = None
) -> Capabilities:
    """What this model takes there: the provider's, the endpoint's and the model's facts, then the operator's word."""
    endpoint = provider.protocols.get(protocol)
    layers: list[Mapping[str, object]] = [provider.capabilities]
    if provider.errors is not None and (hidden := provider.errors.hidden) is not None:
        layers.append({"hidden_error": (hidden.code, hidden.ok, hidden.message)})
    if endpoint is not None:
        layers.append(endpoint.capabilities)
    layers += [facts.capabilities for facts in provider.models if facts.fit(model)]
    layers.append(overrides or {})
    return msgspec.structs.replace(Capabilities(), **_merged(layers))


def usual_auth(provider: Provider, protocol: str) -> Auth:
    """How a credential is presented to this provider in this protocol, when nothing else is said."""
    return auth_ways(provider, protocol)[0]


def auth_ways(provider: Provider, protocol: str) -> tuple[Auth, ...]:
    """The ways in which a credential can be presented to this provider in this protocol, the usual one first."""
    endpoint = provider.protocols.get(protocol)
    said = endpoint.auth if endpoint is not None else None
    if isinstance(said, Auth):
        return (said,)
    return said or (_USUAL_AUTH.get(protocol, _BEARER),)


def auth_headers(auth: Auth, secret: str) -> list[tuple[bytes, bytes]]:
    """The request headers that present a credential."""
    if auth.scheme == "none":
        return []
    if auth.scheme == "header":
        names = filter(None, (auth.header, auth.also))
        return [(name.lower().encode("ascii"), secret.encode("utf-8")) for name in names]
    return [(b"authorization", b"Bearer " + secret.encode("utf-8"))]


def _named(endpoint: Endpoint, *, moved: bool = False) -> set[str]:
    """The options that an endpoint's templates name; `moved`: but for its base URL."""
    templates = [] if endpoint.mount is None else list(endpoint.mount.templates())
    if endpoint.base_url is not None and not moved:
        templates.append(endpoint.base_url)
    return {name for template in templates for name in option_names(template)}


def _merged(layers: Iterable[Mapping[str, object]]) -> dict[str, object]:
    return {name: value for layer in layers for name, value in layer.items()}
