"""Signature Version 4, against the vendor's own signer and recorded vectors."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from twoapi.providers.signing.signable import Signable
from twoapi.providers.signing.sigv4 import canonical, sign

VECTORS = json.loads((Path(__file__).parents[2] / "fixtures" / "bedrock" / "sigv4_vectors.json").read_text())
NOW = 1795176000  # 2026-11-20T12:00:00Z


class FixedAuth(SigV4Auth):  # type: ignore[misc]  # its types are unknown
    """The vendor's signer at a time that the test says."""

    def __init__(self, credentials: Credentials, service: str, region: str, now: int) -> None:
        super().__init__(credentials, service, region)
        self.date = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.date
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


def signed(request: Signable, parts: dict[str, str], now: int = NOW) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in sign(request, parts, now)}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors(name: str) -> None:
    vector = VECTORS[name]
    url = urlsplit(vector["url"])
    out = {key.lower(): value for key, value in vector["headers_out"].items()}
    made = {"x-amz-date", "x-amz-security-token", "authorization"}
    given_headers = {key: value for key, value in out.items() if key not in made}
    parts = {
        "access_key_id": vector["access_key"],
        "secret_access_key": vector["secret_key"],
        "region": vector["region"],
        "service": vector["service"],
    }
    if vector["session_token"]:
        parts["session_token"] = vector["session_token"]
    request = Signable("POST", url.netloc, url.path, given_headers, vector["body"].encode())
    assert signed(request, parts) == {key: value for key, value in out.items() if key in made}
    all_headers = {**out, "host": url.netloc}
    del all_headers["authorization"]
    assert canonical(request, dict(sorted(all_headers.items()))) == vector["canonical_request"]


segments = st.text(max_size=8).map(lambda text: quote(text, safe="")) | st.sampled_from(("", ".", "..", "~", "a%3A0"))
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
keys = st.text("abcDEF%=0-", max_size=6)
header_names = st.sampled_from(("content-type", "x-amzn-bedrock-accept", "x-amz-target", "x-amzn-bedrock-trace"))


requests = st.builds(
    Signable,
    method=st.sampled_from(("POST", "GET")),
    host=st.just("host.example:8443"),
    path=st.builds(
        lambda path, query: "/" + "/".join(path) + ("?" + "&".join(map("=".join, query)) if query else ""),
        st.lists(segments, max_size=5),
        st.lists(st.tuples(keys.map(quote), keys.map(quote)), max_size=3),
    ),
    headers=st.dictionaries(header_names, values),
    body=st.binary(max_size=40),
)
parts_of_secrets = st.fixed_dictionaries(
    {
        "access_key_id": words,
        "secret_access_key": st.text(min_size=1, max_size=40),
        "region": words,
        "service": st.sampled_from(("bedrock", "bedrock-mantle", "sagemaker", "aws-external-anthropic")),
    },
    optional={"session_token": words},
)


@given(request=requests, parts=parts_of_secrets, now=st.integers(0, 4_000_000_000))
def test_it_agrees_with_the_vendors_signer(request: Signable, parts: dict[str, str], now: int) -> None:
    url = f"https://{request.host}{request.path}"
    theirs = AWSRequest(request.method, url, headers=dict(request.headers), data=request.body)
    credentials = Credentials(parts["access_key_id"], parts["secret_access_key"], parts.get("session_token"))
    FixedAuth(credentials, parts["service"], parts["region"], now).add_auth(theirs)
    added = {name.lower(): value for name, value in theirs.headers.items() if name.lower() not in request.headers}
    assert signed(request, parts, now) == added


def test_headers_that_proxies_change_are_not_signed() -> None:
    parts = {"access_key_id": "A", "secret_access_key": "s", "region": "r", "service": "bedrock"}
    bare = Signable("POST", "h", "/", {"content-type": "application/json"}, b"{}")
    more = {"user-agent": "x", "accept-encoding": "gzip", "x-amzn-trace-id": "1", "content-length": "2"}
    assert signed(Signable("POST", "h", "/", {**bare.headers, **more}, b"{}"), parts) == signed(bare, parts)


def test_a_missing_part_is_named() -> None:
    with pytest.raises(KeyError, match="region"):
        sign(Signable("POST", "h", "/", {}, b""), {"access_key_id": "a", "secret_access_key": "s"}, NOW)
