"""Baidu's bce-auth-v1, against a recorded vector and the requests of the vendor's own SDK."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from twoapi.providers.signing.bce import sign
from twoapi.providers.signing.signable import Signable

CAPTURES = Path(__file__).parents[2] / "captures"
VECTOR = json.loads((CAPTURES / "fixtures" / "signing_vectors.json").read_text())["baidu_bce_v1"]
SDK = CAPTURES / "qianfan-0.4.12.3"
PLACE = "127.0.0.1:38169"  # where the SDK was pointed to when its requests were recorded
PARTS = {"access_key_id": "iamAK", "secret_access_key": "iamSK"}


def signed(request: Signable, parts: dict[str, str] = PARTS, now: int = 0) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sign(request, parts, now)}


def without_order(authorization: str) -> list[object]:
    """The SDK names what it signed in an order of no meaning."""
    *prefix, names, signature = authorization.split("/")
    return [*prefix, set(names.split(";")), signature]


def test_the_vector() -> None:
    asked = Signable(
        "GET",
        "iam.bj.baidubce.com",
        "/v1/BCE-BEARER/token?expireInSeconds=43200",
        {"content-type": "application/json"},
        b"",
    )
    made = signed(asked, now=VECTOR["timestamp"])
    assert made["x-bce-date"] == "2026-11-20T12:00:00Z"
    assert without_order(made["authorization"]) == without_order(VECTOR["authorization"])


@pytest.mark.parametrize(("case", "number"), [("v1_iam_signed", 0), ("v1_iam_signed", 1), ("v2_bearer_from_iam", 0)])
def test_the_vendors_sdk_signs_the_same(case: str, number: int) -> None:
    sent = json.loads((SDK / f"{case}.json").read_text())["requests"][number]
    headers = {name.lower(): value for name, value in sent["headers"]}
    path = sent["path"] + ("?" + sent["query"] if sent["query"] else "")
    bare = {name: value for name, value in headers.items() if name not in ("x-bce-date", "authorization", "host")}
    now = int(datetime.fromisoformat(headers["x-bce-date"]).timestamp())
    made = signed(Signable(sent["method"], PLACE, path, bare, b"{}"), now=now)
    assert made["x-bce-date"] == headers["x-bce-date"]
    assert without_order(made["authorization"]) == without_order(headers["authorization"])


def test_the_order_of_the_query_and_of_the_headers_is_of_no_meaning() -> None:
    one = Signable("POST", "h", "/p?b=2&a=1", {"content-type": "x", "x-bce-a": "1"}, b"")
    other = Signable("POST", "h", "/p?a=1&b=2", {"x-bce-a": "1", "content-type": "x"}, b"")
    assert signed(one) == signed(other)


def test_what_hops_change_is_not_signed_and_a_session_token_is() -> None:
    bare = Signable("POST", "h", "/p", {"content-type": "x"}, b"")
    more = Signable("POST", "h", "/p", {"content-type": "x", "user-agent": "a", "connection": "close"}, b"")
    assert signed(bare) == signed(more)
    made = signed(bare, {**PARTS, "session_token": "TOKEN"})
    assert made["x-bce-security-token"] == "TOKEN"
    assert "x-bce-security-token" in made["authorization"].split("/")[4].split(";")
    assert made["authorization"] != signed(bare)["authorization"]


@pytest.mark.parametrize(
    "other",
    [
        Signable("GET", "h", "/p?q=1", {}, b""),
        Signable("POST", "g", "/p?q=1", {}, b""),
        Signable("POST", "h", "/o?q=1", {}, b""),
        Signable("POST", "h", "/p?q=2", {}, b""),
        Signable("POST", "h", "/p?q=1", {"content-type": "x"}, b""),
    ],
    ids=["method", "host", "path", "query", "content type"],
)
def test_the_signature_is_over_all_of_the_head(other: Signable) -> None:
    assert signed(Signable("POST", "h", "/p?q=1", {}, b""))["authorization"] != signed(other)["authorization"]


def test_a_part_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="secret_access_key"):
        signed(Signable("POST", "h", "/p", {}, b""), {"access_key_id": "iamAK"})
