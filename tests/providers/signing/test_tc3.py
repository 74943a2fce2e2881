"""Tencent's TC3 signature, against a recorded vector and the requests of the vendor's own SDK."""

import json
from pathlib import Path

import pytest

from twoapi.providers.signing.signable import Signable
from twoapi.providers.signing.tc3 import canonical, sign

CAPTURES = Path(__file__).parents[2] / "captures"
VECTOR = json.loads((CAPTURES / "fixtures" / "signing_vectors.json").read_text())["tencent_tc3"]
SDK = CAPTURES / "tencentcloud-sdk-python-hunyuan-3.1.180"
PLACE = "127.0.0.1:43679"  # where the SDK was pointed to when its requests were recorded
PARTS = {"secret_id": "AKIDTEST", "secret_key": "secTEST", "service": "hunyuan"}


def request(host: str, body: bytes, content_type: str = "application/json") -> Signable:
    return Signable("POST", host, "/", {"content-type": content_type}, body)


def signed(request: Signable, parts: dict[str, str], now: int) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sign(request, parts, now)}


def test_the_vector() -> None:
    asked = request("hunyuan.tencentcloudapi.com", VECTOR["payload"].encode())
    assert canonical(asked) == VECTOR["canonical_request"]
    headers = signed(asked, PARTS, VECTOR["timestamp"])
    assert headers == {
        "x-tc-timestamp": str(VECTOR["timestamp"]),
        "authorization": "TC3-HMAC-SHA256 Credential=AKIDTEST/2026-11-20/hunyuan/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={VECTOR['signature']}",
    }


@pytest.mark.parametrize("case", ["chat", "chat_stream", "error_is_http_200"])
def test_the_vendors_sdk_signs_the_same(case: str) -> None:
    sent = json.loads((SDK / f"{case}.json").read_text())["requests"][0]
    headers = {name.lower(): value for name, value in sent["headers"]}
    body = json.dumps(sent["json"]).encode()
    assert len(body) == int(headers["content-length"])
    made = signed(request(PLACE, body), {**PARTS, "region": "ap-guangzhou"}, int(headers["x-tc-timestamp"]))
    assert made == {name: headers[name] for name in ("x-tc-timestamp", "x-tc-region", "authorization")}


def test_a_session_token_goes_along() -> None:
    made = signed(request("h", b""), {**PARTS, "session_token": "TOKEN"}, VECTOR["timestamp"])
    assert made["x-tc-token"] == "TOKEN"


@pytest.mark.parametrize(
    "other",
    [request("h", b"{} "), request("g", b"{}"), request("h", b"{}", "application/json; charset=utf-8")],
    ids=["body", "host", "content type"],
)
def test_the_signature_is_over_body_host_and_content_type(other: Signable) -> None:
    assert signed(request("h", b"{}"), PARTS, 0) != signed(other, PARTS, 0)
