"""The ways in which a credential is presented: what each wants to be told, and where the rest comes from.

A scheme is given parts (a key, or several things by name) and knows facts (the service, the region). What it presents
are these, or what somebody gives for them: a token server, or the vendor's own chain of credentials.
"""

from collections.abc import Iterable, Mapping
from importlib.util import find_spec

import msgspec

from twoapi.providers.model import Auth
from twoapi.wire.fit import did_you_mean

KEY = "key"  # the part of schemes that take one secret


class Extra(msgspec.Struct, frozen=True):
    """A vendor's library: the extra that installs it, and the module that shows that it is there."""

    name: str
    module: str

    @property
    def mend(self) -> str:
        """How to install it."""
        return f"pip install 'twoapi[{self.name}]'"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One set of parts that a scheme takes.

    `source`: what gives that which is presented, by its name in the tables of exchanges and chains; "" when the parts
    themselves are presented. `extra`: the library that it wants.
    """

    parts: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    source: str = ""
    extra: Extra | None = None

    def takes(self, names: frozenset[str]) -> bool:
        """True when these parts are enough, and none too many."""
        return names.issuperset(self.parts) and names <= {*self.parts, *self.optional}


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """A way to present a credential. `facts`: what it must know beside the parts. `style`: what presents it; "static"
    are headers that never change.
    """

    forms: tuple[Form, ...]
    style: str = "static"
    facts: tuple[str, ...] = ()


_AWS = Extra("aws", "botocore")
_GOOGLE = Extra("google", "google.auth")
_AZURE = Extra("azure", "azure.identity")
_KEY = (Form(parts=(KEY,)),)
_PAIR = ("access_key_id", "secret_access_key")
_APP = ("tenant_id", "client_id")

SCHEMES: Mapping[str, Scheme] = {
    "bearer": Scheme(forms=_KEY),
    "header": Scheme(forms=_KEY),
    "none": Scheme(forms=_KEY),
    "sigv4": Scheme(
        forms=(Form(parts=_PAIR, optional=("session_token", "region")),), style="sigv4", facts=("region", "service")
    ),
    "aws": Scheme(
        forms=(Form(optional=("profile", "region"), source="aws", extra=_AWS),), style="sigv4", facts=("service",)
    ),
    "google": Scheme(
        forms=(
            Form(parts=("service_account_file",), optional=("scope",), source="google-service-account"),
            Form(parts=("service_account",), optional=("scope",), source="google-service-account"),
            Form(optional=("credentials_file", "scope"), source="google", extra=_GOOGLE),
        ),
        style="bearer",
    ),
    "entra": Scheme(
        forms=(
            Form(parts=(*_APP, "client_secret"), optional=("scope",), source="entra"),
            Form(parts=(*_APP, "federated_token_file"), optional=("scope",), source="entra"),
            Form(optional=("client_id", "scope"), source="azure", extra=_AZURE),
        ),
        style="bearer",
    ),
    "baidu-oauth": Scheme(forms=(Form(parts=("client_id", "client_secret"), source="baidu-oauth"),), style="query"),
    "baidu-iam": Scheme(forms=(Form(parts=_PAIR, optional=("session_token",), source="baidu-iam"),), style="bearer"),
    "bce": Scheme(forms=(Form(parts=_PAIR, optional=("session_token",)),), style="bce"),
    "tc3": Scheme(
        forms=(Form(parts=("secret_id", "secret_key"), optional=("session_token", "region")),),
        style="tc3",
        facts=("service",),
    ),
    "zhipu-jwt": Scheme(forms=_KEY, style="zhipu-jwt"),
    "spark-url": Scheme(forms=(Form(parts=("app_id", "api_key", "api_secret")),), style="spark-url"),
}


def part_names() -> list[str]:
    """The parts of all schemes but a mere key, in the order of the alphabet."""
    forms = [form for scheme in SCHEMES.values() for form in scheme.forms]
    return sorted({part for form in forms for part in (*form.parts, *form.optional)} - {KEY})


class Chosen(msgspec.Struct, frozen=True):
    """How one credential is presented, and which of its scheme's forms it has."""

    auth: Auth
    form: Form

    @property
    def scheme(self) -> Scheme:
        """The scheme."""
        return SCHEMES[self.auth.scheme]

    def facts(self, options: Mapping[str, str]) -> dict[str, str]:
        """What is known beside the parts: the upstream's options, and what the catalogue says of the scheme."""
        said = {name: getattr(self.auth, name) for name in ("service", "scope", "token_url")}
        return {**options, **{name: value for name, value in said.items() if value is not None}}

    def missing(self, known: Iterable[str]) -> list[str]:
        """The facts that nobody has said."""
        return sorted(set(self.scheme.facts) - set(known))


def is_installed(extra: Extra) -> bool:
    """True when the library of an extra can be imported; it is not imported for that."""
    top = extra.module.partition(".")[0]
    return find_spec(top) is not None and find_spec(extra.module) is not None


class UnfitError(ValueError):
    """These parts are no credential here. `part`: the one that is at fault, if one is."""

    def __init__(self, message: str, part: str | None = None) -> None:
        super().__init__(message)
        self.part = part


def choose(ways: tuple[Auth, ...], said: Auth | None, parts: frozenset[str]) -> Chosen:
    """How a credential with these parts is presented where these ways are known; raises UnfitError.

    `said` is the operator's word for it. Without one it is the first way that takes such parts.
    """
    if said is not None:
        known = next((way for way in ways if way.scheme == said.scheme), None)
        return Chosen(said if known is None else said.over(known), _form(said.scheme, parts))
    for way in ways:
        for form in SCHEMES[way.scheme].forms:
            if parts and form.takes(parts):
                return Chosen(way, form)
    if not parts:
        raise UnfitError("needs a key, or auth and its parts")
    if len(ways) == 1:
        return Chosen(ways[0], _form(ways[0].scheme, parts))
    names = {part for way in ways for form in SCHEMES[way.scheme].forms for part in (*form.parts, *form.optional)}
    for part in sorted(parts - names):
        if meant := did_you_mean(part, names):
            raise UnfitError(f"no way to authenticate here has such a part; did you mean {meant!r}?", part)
    raise UnfitError(f"no way to authenticate takes just {_listed(sorted(parts))}: {_choices(ways)}")


def _form(scheme: str, parts: frozenset[str]) -> Form:
    """The form of a scheme that takes these parts; raises UnfitError with what is wrong with them."""
    forms = SCHEMES[scheme].forms
    for form in forms:
        if form.takes(parts):
            return form
    known = {part for form in forms for part in (*form.parts, *form.optional)}
    for part in sorted(parts - known):
        if part == KEY:
            raise UnfitError(f"{scheme} takes no key, but parts: {_described(forms)}", KEY)
        meant = did_you_mean(part, known)
        hint = f"did you mean {meant!r}?" if meant else f"it takes {_described(forms)}"
        raise UnfitError(f"{scheme} has no such part; {hint}", part)
    nearest = max(forms, key=lambda form: (len(parts & {*form.parts}), -len(form.parts)))
    absent = [part for part in nearest.parts if part not in parts]
    if absent and len(forms) == 1:
        raise UnfitError(f"{scheme} needs {_listed(absent)}{' too' if parts else ''}")
    raise UnfitError(f"{scheme} takes {_described(forms)}")


def _choices(ways: tuple[Auth, ...]) -> str:
    return "; ".join(f"{way.scheme} takes {_described(SCHEMES[way.scheme].forms)}" for way in ways)


def _described(forms: tuple[Form, ...]) -> str:
    return ", or ".join(_parts(form) for form in forms)


def _parts(form: Form) -> str:
    text = _listed(form.parts) if form.parts else "nothing"
    return f"{text} ({_listed(form.optional)} if need be)" if form.optional else text


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else str(last)
