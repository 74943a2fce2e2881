"""The vendors' chains, by the vendors' own libraries, before servers on this machine; and never in the event loop."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from tests.providers.tokens.service_account import document, opened

from twoapi.providers.tokens.source import RefusedError, Source, Token
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Faults, Gate, Reply, json_reply
from twoapi.transport.tokens import Tokens

CAPTURES = Path(__file__).parents[1] / "captures"
VARIABLES = ("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "MSI_", "IMDS_", "GCE_", "CLOUDSDK_")
SECRETS = ("s3cret", "session-tok", "web-jwt", "ya29", "eyJ", "hdr-tok")
STS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId>
<SecretAccessKey>s3cret-web</SecretAccessKey><SessionToken>session-tok</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>"""


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credential of the machine that tests run on."""
    for name in list(os.environ):
        if name.startswith(VARIABLES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    for record in caplog.get_records("call"):
        said = f"{record.getMessage()} {record.exc_info}"
        assert not any(secret in said for secret in SECRETS), said


def given(source: Source) -> Token:
    async def main() -> Token:
        return await get(Tokens(asyncio.get_running_loop()), source)

    return asyncio.run(main())


async def get(tokens: Tokens, source: Source) -> Token:
    while True:
        again = asyncio.Event()
        token = tokens.get(source, again.set)
        if token is not None:
            await tokens.close()
            return token
        await again.wait()


def aws(**parts: str) -> Source:
    return Source("aws", {"service": "bedrock", **parts})


def test_a_profile_of_aws_has_its_keys_and_its_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = s3cret-default\n"
        "[prod]\naws_access_key_id = AKIAPROD\naws_secret_access_key = s3cret-prod\naws_session_token = session-tok\n"
    )
    (tmp_path / "config").write_text("[default]\nregion = us-east-1\n[profile prod]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert given(aws()).parts == {
        "access_key_id": "AKIADEFAULT",
        "secret_access_key": "s3cret-default",
        "region": "us-east-1",
    }
    assert given(aws(profile="prod")).parts == {
        "access_key_id": "AKIAPROD",
        "secret_access_key": "s3cret-prod",
        "session_token": "session-tok",
        "region": "eu-central-1",
    }
    assert given(aws(profile="prod", region="us-west-2")).parts["region"] == "us-west-2"
    with pytest.raises(RefusedError, match=r"botocore gives no credential \(ProfileNotFound\); check the profile"):
        given(aws(profile="missing"))


def test_aws_gives_a_role_for_a_web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("web-jwt")
    gate = Gate()
    reply = Reply(content_type="text/xml", pieces=(STS.encode(),), faults=Faults(gate=gate))
    with FakeUpstream(lambda _: reply) as server:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gateway")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

        async def main() -> Token:
            tokens = Tokens(asyncio.get_running_loop())
            asked = asyncio.create_task(get(tokens, aws()))
            await gate.arrived()  # the loop goes on while the library waits for its answer
            gate.open()
            return await asked

        token = asyncio.run(main())
        form = dict(parse_qsl(server.requests[0].body.decode()))
    assert token.parts["access_key_id"] == "ASIAWEB"
    assert token.parts["session_token"] == "session-tok"
    assert (form["Action"], form["WebIdentityToken"]) == ("AssumeRoleWithWebIdentity", "web-jwt")


def test_aws_gives_a_containers_role(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "AccessKeyId": "ASIABOX",
        "SecretAccessKey": "s3cret-box",
        "Token": "session-tok",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    with FakeUpstream(lambda _: json_reply(answer)) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.port}/creds")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hdr-tok")
        token = given(aws(region="us-east-1"))
        assert server.requests[0].headers["authorization"] == "hdr-tok"
    assert token.parts == {
        "access_key_id": "ASIABOX",
        "secret_access_key": "s3cret-box",
        "session_token": "session-tok",
        "region": "us-east-1",
    }


def test_azure_gives_a_managed_identitys_token(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = json.loads((CAPTURES / "azure-identity-1.27.0/managed_identity_app_service.json").read_text("utf-8"))
    answer = {"access_token": "eyJ", "expires_on": "4070908800", "resource": "r", "token_type": "Bearer"}
    with FakeUpstream(lambda _: json_reply(answer)) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.port}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "hdr")
        token = given(Source("azure", {"client_id": "cid"}))
        asked, captured = server.requests[0], sdk["requests"][0]
    assert token.parts == {"access_token": sdk["sdk_decoded_our_canned_reply_as"]["token"]}
    assert token.lifetime > 1e9
    assert (asked.method, asked.path) == (captured["method"], captured["path"])
    assert parse_qs(asked.query) == parse_qs(captured["query"])
    theirs = {name.lower(): value for name, value in captured["headers"]}
    assert asked.headers["x-identity-header"] == theirs["x-identity-header"]


def test_google_gives_what_its_default_credentials_lead_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with FakeUpstream(lambda _: json_reply({"access_token": "ya29.X", "expires_in": 3599})) as server:
        url = f"http://127.0.0.1:{server.port}/token"
        file = tmp_path / "account.json"
        file.write_text(document(token_uri=url))
        said = Source("google", {"credentials_file": str(file), "scope": "https://example/scope"})
        token = given(said)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        assert given(Source("google", {})).parts == token.parts == {"access_token": "ya29.X"}
        forms = [dict(parse_qsl(request.body.decode())) for request in server.requests]
    assert 3500 < token.lifetime <= 3600
    claims = [opened(form["assertion"])[1] for form in forms]
    assert [claim["scope"] for claim in claims] == [
        "https://example/scope",
        "https://www.googleapis.com/auth/cloud-platform",
    ]


NOTHING_THERE: dict[str, Any] = {
    "aws": r"botocore finds no credentials; check the profile",
    "azure": r"azure-identity gives no credential \(ClientAuthenticationError\); check whether this machine",
    "google": r"google-auth gives no credential \(DefaultCredentialsError\); check the file",
}


@pytest.mark.parametrize("kind", NOTHING_THERE)
def test_a_chain_that_leads_nowhere_says_what_to_look_at(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at/all.json")
    with FakeUpstream(lambda _: json_reply({"statusCode": 400, "message": "eyJ is no identity"}, 400)) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.port}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "hdr")
        with pytest.raises(RefusedError, match=NOTHING_THERE[kind]) as caught:
            given(Source(kind, {}, "upstreams.a.credentials.0"))
    assert caught.value.__cause__ is None
    assert "upstreams.a.credentials.0" in caplog.text


def test_what_a_library_says_of_a_refusal_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its words are the server's, which may repeat a part of the credential."""
    (tmp_path / "token").write_text("web-jwt")
    error = "<Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>web-jwt</Message></Error>"
    body = f"<ErrorResponse>{error}</ErrorResponse>".encode()
    with FakeUpstream(lambda _: Reply(status=400, content_type="text/xml", pieces=(body,))) as server:
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gateway")
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with pytest.raises(RefusedError) as caught:
            given(aws())
        assert server.requests
    assert "web-jwt" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "module"), [("aws", "botocore.session"), ("azure", "azure.identity"), ("google", "google.auth")]
)
def test_a_library_that_is_not_there_is_named_with_how_to_install_it(
    kind: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"twoapi.transport.chains.{kind}", raising=False)
    with pytest.raises(RefusedError, match=rf"its library is not there.*pip install 'twoapi\[{kind}\]'"):
        given(Source(kind, {}))


def test_a_renewed_chain_is_walked_from_its_beginning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the library keeps has been refused: a profile that was written anew holds at once."""

    class Clock:
        seconds = 1000.0

        def __call__(self) -> float:
            return self.seconds

    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    async def main() -> list[str]:
        clock = Clock()
        tokens = Tokens(asyncio.get_running_loop(), clock=clock)
        found = []
        for name in ("OLD", "NEW"):
            file.write_text(f"[default]\naws_access_key_id = AKIA{name}\naws_secret_access_key = s3cret\n")
            for again in (asyncio.Event(), asyncio.Event()):
                token = tokens.get(aws(), again.set)
                if token is None:
                    await again.wait()
                else:
                    found.append(token.parts["access_key_id"])
                    break
            clock.seconds += 60
            assert tokens.renew(aws(), clock(), clock())
        await tokens.close()
        return found

    assert asyncio.run(main()) == ["AKIAOLD", "AKIANEW"]
