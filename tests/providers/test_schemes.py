"""The ways to present a credential: their tables agree, and the right one is chosen."""

import contextlib
from typing import get_args

import pytest

from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import Auth, SchemeName, Variable, auth_ways
from twoapi.providers.presenting import _STYLES, hidden, present
from twoapi.providers.schemes import SCHEMES, Chosen, UnfitError, choose
from twoapi.providers.signing.signable import Signable
from twoapi.providers.tokens.exchanges import EXCHANGES
from twoapi.transport.chains import CHAINS

FORMS = [(name, form) for name, scheme in SCHEMES.items() for form in scheme.forms]
WAYS = (Auth(scheme="sigv4", service="bedrock"), Auth(scheme="aws", service="bedrock"), Auth(scheme="bearer"))
CATALOG = load_catalog()
PARTS = {
    "key": "id.secret",
    "access_token": "t",
    "access_key_id": "a",
    "secret_access_key": "s",
    "region": "r",
    "service": "v",
    "secret_id": "i",
    "secret_key": "k",
    "app_id": "a",
    "api_key": "k",
    "api_secret": "s",
}


def test_every_scheme_is_in_every_table() -> None:
    assert set(SCHEMES) == set(get_args(SchemeName))
    assert {scheme.style for scheme in SCHEMES.values()} == {"static", *_STYLES}
    assert {form.source for _, form in FORMS} - {""} == {*EXCHANGES, *CHAINS}
    assert {form.source for _, form in FORMS if form.extra is not None} == set(CHAINS)


@pytest.mark.parametrize("name", CATALOG)
def test_what_a_scheme_must_know_is_in_the_catalogue(name: str) -> None:
    provider = CATALOG[name]
    for protocol in provider.protocols:
        for way in auth_ways(provider, protocol):
            for form in SCHEMES[way.scheme].forms:
                assert Chosen(way, form).missing({*provider.options, *Chosen(way, form).facts({})}) == [], protocol


@pytest.mark.parametrize("name", CATALOG)
def test_what_the_environment_holds_can_be_presented(name: str) -> None:
    provider = CATALOG[name]
    for variable in provider.env:
        fit = []
        for protocol in provider.protocols:
            with contextlib.suppress(UnfitError):
                fit.append(choose(auth_ways(provider, protocol), variable.auth, _whole(variable)))
        assert fit, variable.names


def _whole(variable: Variable) -> frozenset[str]:
    return frozenset(variable.parts or {"key"})


def test_no_parts_fit_two_forms_of_a_scheme() -> None:
    for name, scheme in SCHEMES.items():
        for form in scheme.forms:
            fit = [one for one in scheme.forms if one.takes(frozenset(form.parts))]
            assert fit == [form], name


@pytest.mark.parametrize("style", _STYLES)
def test_what_is_shown_of_a_style_is_what_it_adds(style: str) -> None:
    request = Signable("POST", "h", "/p", {"content-type": "application/json"}, b"{}")
    added, shown = present(style, request, PARTS, 1_795_176_000), hidden(style)
    assert {name for name, _ in shown.headers} <= {name for name, _ in added.headers}
    assert (shown.query == "") == (added.query == "")
    assert shown.query.partition("=")[0] in added.query
    assert "***" in f"{shown}"


@pytest.mark.parametrize(
    ("parts", "scheme"),
    [
        ({"key"}, "bearer"),
        ({"access_key_id", "secret_access_key"}, "sigv4"),
        ({"access_key_id", "secret_access_key", "session_token", "region"}, "sigv4"),
        ({"profile"}, "aws"),
    ],
)
def test_the_first_way_that_takes_such_parts_is_chosen(parts: set[str], scheme: str) -> None:
    assert choose(WAYS, None, frozenset(parts)).auth.scheme == scheme


def test_what_an_operator_says_is_laid_over_what_the_catalogue_says() -> None:
    chosen = choose(WAYS, Auth(scheme="sigv4"), frozenset({"access_key_id", "secret_access_key"}))
    assert chosen.auth == Auth(scheme="sigv4", service="bedrock")
    assert chosen.missing({"service"}) == ["region"]
    chosen = choose(WAYS, Auth(scheme="sigv4", service="other"), frozenset({"access_key_id", "secret_access_key"}))
    assert chosen.facts({"region": "r"}) == {"service": "other", "region": "r"}
    elsewhere = choose(WAYS, Auth(scheme="header", header="x-key"), frozenset({"key"}))
    assert elsewhere.auth == Auth(scheme="header", header="x-key")


def test_nothing_said_is_no_chain() -> None:
    """A credential of nothing must not become whatever this machine may use."""
    with pytest.raises(UnfitError):
        choose(WAYS, None, frozenset())
    assert choose(WAYS, Auth(scheme="aws"), frozenset()).form.source == "aws"
