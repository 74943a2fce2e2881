"""What is asked of each token server, as the vendors' own libraries ask it, and what its answers mean."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.providers.tokens.service_account import document, opened

from twoapi.providers.tokens.exchanges import EXCHANGES
from twoapi.providers.tokens.source import Ask, RefusedError
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply

CAPTURES = Path(__file__).parents[2] / "captures"
NOW = 1_795_176_000
PARTS = {
    "google-service-account": {"service_account": document()},
    "entra": {"tenant_id": "ten", "client_id": "cid", "client_secret": "s3cret&="},
    "baidu-oauth": {"client_id": "akTEST", "client_secret": "skTEST"},
    "baidu-iam": {"access_key_id": "iamAK", "secret_access_key": "iamSK"},
}
GIVEN: dict[str, Any] = {
    "google-service-account": {"access_token": "ya29.X", "expires_in": 3599, "token_type": "Bearer"},
    "entra": {"token_type": "Bearer", "expires_in": "3599", "ext_expires_in": 3599, "access_token": "eyJ"},
    "baidu-oauth": {"access_token": "24.abc", "expires_in": 2592000, "refresh_token": "25.x", "session_key": "s"},
    "baidu-iam": {"userId": "u", "token": "bce-v3/ALTAK-x/T", "status": "enable", "expireTime": "2026-11-21T00:00:00Z"},
}
each = pytest.mark.parametrize("kind", EXCHANGES)


def captured(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text("utf-8"))["requests"][0]


def form(ask: Ask) -> dict[str, str]:
    return dict(parse_qsl(ask.body.decode(), strict_parsing=True))


def test_a_service_account_asks_as_googles_own_library_does() -> None:
    sdk = captured("google-auth-2.62.2/service_account_token")
    issued = sdk["json"]["assertion.payload"]["iat"]
    ask = EXCHANGES["google-service-account"].ask(PARTS["google-service-account"], issued)
    fields = form(ask)
    header, claims = opened(fields.pop("assertion"))
    assert (ask.method, ask.url) == ("POST", "https://oauth2.googleapis.com/token")
    assert fields == {"grant_type": sdk["json"]["FORM grant_type"].replace("%3A", ":")}
    assert header == sdk["json"]["assertion.header"]
    assert claims == sdk["json"]["assertion.payload"]
    assert dict(ask.headers)[b"content-type"].decode() == dict(sdk["headers"])["Content-Type"]


def test_googles_own_library_is_told_the_same_by_the_same_key() -> None:
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account

    with FakeUpstream(lambda _: json_reply(GIVEN["google-service-account"])) as server:
        url = f"http://127.0.0.1:{server.port}/token"
        info = json.loads(document(token_uri=url))
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        service_account.Credentials.from_service_account_info(info, scopes=scopes).refresh(Request())
        theirs = server.requests[0]
    sent = dict(parse_qsl(theirs.body.decode()))
    header, claims = opened(sent["assertion"])
    ask = EXCHANGES["google-service-account"].ask({"service_account": json.dumps(info)}, claims["iat"])
    ours = form(ask)
    assert ask.url == url
    assert opened(ours["assertion"]) == (header, claims)
    assert {**ours, "assertion": ""} == {**sent, "assertion": ""}


def test_an_entra_application_shows_its_secret_or_what_another_says_of_it() -> None:
    exchange = EXCHANGES["entra"]
    ask = exchange.ask(PARTS["entra"], NOW)
    scope = "https://cognitiveservices.azure.com/.default"
    assert ask.url == "https://login.microsoftonline.com/ten/oauth2/v2.0/token"
    assert form(ask) == {
        "grant_type": "client_credentials",
        "client_id": "cid",
        "client_secret": "s3cret&=",
        "scope": scope,
    }
    federated = {"tenant_id": "a/b", "client_id": "cid", "federated_token": "jwt\n", "scope": "https://ai.azure.com/x"}
    ask = exchange.ask(federated, NOW)
    assert ask.url == "https://login.microsoftonline.com/a%2Fb/oauth2/v2.0/token"
    assert form(ask) == {
        "grant_type": "client_credentials",
        "client_id": "cid",
        "scope": "https://ai.azure.com/x",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "jwt",
    }


def test_baidus_older_token_is_asked_for_as_its_own_library_does() -> None:
    sdk = captured("qianfan-0.4.12.3/v1_access_token")
    ask = EXCHANGES["baidu-oauth"].ask(PARTS["baidu-oauth"], NOW)
    place = urlsplit(ask.url)
    assert (ask.method, place.netloc, place.path) == (sdk["method"], "aip.baidubce.com", sdk["path"])
    assert place.query == sdk["query"]
    assert json.loads(ask.body) == sdk["json"]


def test_baidus_newer_token_is_asked_for_as_its_own_library_does() -> None:
    sdk = captured("qianfan-0.4.12.3/v2_bearer_from_iam")
    ask = EXCHANGES["baidu-iam"].ask(PARTS["baidu-iam"], NOW)
    place = urlsplit(ask.url)
    headers = {name.decode(): value.decode() for name, value in ask.headers}
    theirs = {name.lower(): value for name, value in sdk["headers"]}
    assert (ask.method, place.netloc, place.path, place.query) == (
        sdk["method"],
        "iam.bj.baidubce.com",
        sdk["path"],
        sdk["query"],
    )
    assert headers["content-type"] == theirs["content-type"]
    assert headers["authorization"].split("/")[:2] == theirs["authorization"].split("/")[:2]
    assert headers["x-bce-date"] == "2026-11-20T12:00:00Z"


@each
def test_an_answer_gives_a_token_for_a_time(kind: str) -> None:
    token = EXCHANGES[kind].read(200, json.dumps(GIVEN[kind]).encode(), NOW)
    given = GIVEN[kind]
    assert token.parts == {"access_token": given.get("access_token") or given["token"]}
    assert token.lifetime == (43_200 if kind == "baidu-iam" else float(given["expires_in"]))


ERRORS = {
    "entra": {
        "error": "invalid_client",
        "error_description": "AADSTS7000215: Invalid s3cret",
        "error_codes": [7000215],
    },
    "google-service-account": {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
    "baidu-oauth": {"error": "invalid_client", "error_description": "unknown client id akTEST"},
    "baidu-iam": {"code": "SignatureDoesNotMatch", "message": "iamSK"},
}


@each
def test_a_refusal_lasts_and_says_what_to_do_in_words_of_our_own(kind: str) -> None:
    with pytest.raises(RefusedError) as caught:
        EXCHANGES[kind].read(401, json.dumps(ERRORS[kind]).encode(), NOW)
    assert caught.value.lasting
    assert "refuses this credential" in caught.value.message
    assert not any(word in caught.value.message for word in ("s3cret", "JWT", "akTEST", "iamSK"))


def test_entras_number_of_the_error_is_told_as_its_documentation_is_sorted_by_it() -> None:
    with pytest.raises(RefusedError, match="AADSTS7000215"):
        EXCHANGES["entra"].read(401, json.dumps(ERRORS["entra"]).encode(), NOW)


@each
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"access_token": "", "expires_in": 1}', b'{"a":1'])
@pytest.mark.parametrize("status", [200, 500, 503])
def test_what_is_no_answer_may_be_one_next_time(kind: str, body: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as caught:
        EXCHANGES[kind].read(status, body, NOW)
    assert not caught.value.lasting
    assert str(status) in caught.value.message


WRONG_ACCOUNTS = {
    "no JSON": "{",
    "no document": "[]",
    "no key": json.dumps({"client_email": "e"}),
    "no PEM": document(private_key="-----BEGIN"),
    "another type": document(type="external_account"),
    "a token_uri in the clear": document(token_uri="http://oauth.example/token"),
}


@pytest.mark.parametrize("name", WRONG_ACCOUNTS)
def test_a_wrong_service_account_is_refused_without_being_shown(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        EXCHANGES["google-service-account"].ask({"service_account": WRONG_ACCOUNTS[name]}, NOW)
    assert caught.value.lasting
    assert "BEGIN" not in str(caught.value)
    assert caught.value.__cause__ is None


@each
def test_nothing_that_is_printed_holds_a_part(kind: str) -> None:
    ask = EXCHANGES[kind].ask(PARTS[kind], NOW)
    shown = f"{ask!r} {ask} {EXCHANGES[kind].read(200, json.dumps(GIVEN[kind]).encode(), NOW)!r}"
    parts = [value for part, value in PARTS[kind].items() if part != "tenant_id"]  # which is a part of the URL
    for secret in (*parts, "ya29.X", "eyJ", "24.abc", "ALTAK"):
        assert secret not in shown
