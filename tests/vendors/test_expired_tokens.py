"""What each vendor says of a token that has ended: it is asked for anew, once, and the request sent again."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.providers.tokens.service_account import document
from tests.vendors.clouds import CHAT, asked, platform, post

from twoapi.testing.canned import stream, whole
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway

Json = Any  # a parsed JSON document
KEYS = "[default]\naws_access_key_id = AKID{}\naws_secret_access_key = s\n"


class Case(NamedTuple):
    """A vendor: how its upstream is set up before a token server, its answers, and what it says of an ended token."""

    provider: str
    protocol: str
    model: str
    settings: Callable[[str, Path], str]
    shown: Callable[[Received], str]
    expired: Reply
    answers: Callable[[bool], Reply]


def bearer(request: Received) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def qianfan(streamed: bool) -> Reply:  # noqa: FBT001  of a table
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = {"id": "as-1", "object": "chat.completion", "created": 1, "result": "hello", "usage": usage}
    if not streamed:
        return json_reply({**body, "is_truncated": False, "need_clear_history": False})
    return sse_reply([b"data: " + json_reply({**body, "sentence_id": 0, "is_end": True}).body + b"\n\n"])


def qianfan_error(code: int) -> Reply:
    return json_reply({"error_code": code, "error_msg": "Access token invalid or no longer valid"})


def service_account(tokens: str, folder: Path) -> str:
    file = folder / "account.json"
    file.write_text(document(token_uri=f"{tokens}/token"), "utf-8")
    return f"options: {{project: p}}, credentials: [{{auth: google, parts: {{service_account_file: '{file}'}}}}]"


def oauth(tokens: str, folder: Path) -> str:
    auth = f"{{scheme: baidu-oauth, token_url: '{tokens}/oauth/2.0/token'}}"
    return f"credentials: [{{auth: {auth}, parts: {{client_id: c, client_secret: s}}}}]"


def application(tokens: str, folder: Path) -> str:
    auth = f"{{scheme: entra, token_url: '{tokens}/{{tenant_id}}/token'}}"
    return f"credentials: [{{auth: {auth}, parts: {{tenant_id: t, client_id: c, client_secret: s}}}}]"


def google(streamed: bool) -> Reply:  # noqa: FBT001  as above
    return stream("gemini", "hello") if streamed else whole("gemini", "hello")


def openai(streamed: bool) -> Reply:  # noqa: FBT001  as above
    return stream(CHAT, "hello") if streamed else whole(CHAT, "hello")


GOOGLE_ERROR = {"error": {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"}}
AZURE_ERROR = {"statusCode": 401, "message": "Unauthorized. Access token is missing, invalid, or expired."}
CASES = {
    f"Baidu {code}": Case(
        "qianfan-v1",
        "qianfan-v1",
        "ernie-speed-8k",
        oauth,
        lambda request: request.arguments["access_token"],
        qianfan_error(code),
        qianfan,
    )
    for code in (110, 111)
} | {
    "Vertex": Case("vertex", "gemini", "gemini-x", service_account, bearer, json_reply(GOOGLE_ERROR, 401), google),
    "Azure": Case("azure-openai", CHAT, "gpt-x", application, bearer, json_reply(AZURE_ERROR, 401), openai),
}


def answer_to(case: Case, valid: str, streamed: bool, request: Received) -> Reply:  # noqa: FBT001  as above
    return case.answers(streamed) if case.shown(request) == valid else case.expired


def grow_old(gateway: RunningGateway) -> None:
    """Makes the tokens at hand older than what is refused for its youth."""
    for held in gateway.worker.tokens._held.values():
        held.got -= 100


@pytest.fixture
def tokens() -> Iterator[FakeUpstream]:
    given = (json_reply({"access_token": f"tok-{name}", "expires_in": 3600}) for name in "abc")
    with FakeUpstream() as server:
        server.reply(*given)
        yield server


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", CASES)
def test_an_ended_token_is_asked_for_anew(name: str, tokens: FakeUpstream, tmp_path: Path, *, streamed: bool) -> None:
    case = CASES[name]
    settings = case.settings(tokens.base_url("gemini"), tmp_path)
    path, headers, body = asked(CHAT, streamed=streamed)
    with platform(case.provider, case.protocol, case.model, settings) as (fake, gateway):
        attempts = []
        for valid in ("tok-a", "tok-b"):
            fake.handler = partial(answer_to, case, valid, streamed)
            answer = post(gateway, path, headers, body)
            assert answer.status_code == 200, answer.text
            assert "hello" in answer.text
            attempts.append(answer.headers["twoapi-attempts"])
            grow_old(gateway)
        assert attempts == ["1", "2"]
        assert [case.shown(request) for request in fake.requests] == ["tok-a", "tok-a", "tok-b"]
        assert len(tokens.requests) == 2


def test_an_ended_session_of_aws_is_looked_for_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "aws"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    message = {"role": "assistant", "content": [{"text": "hello"}]}
    usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
    said = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}
    expired = json_reply(
        {"message": "The security token included in the request is expired"},
        403,
        {"x-amzn-ErrorType": "ExpiredTokenException:http://internal.amazon.com/"},
    )
    settings = "options: {region: us-east-1}, credentials: [{auth: aws}]"
    path, headers, body = asked(CHAT)
    with platform("bedrock", "bedrock-converse", "amazon.nova-lite-v1:0", settings) as (fake, gateway):
        attempts = []
        for key in ("AKIDOLD", "AKIDNEW"):
            file.write_text(KEYS.format(key.removeprefix("AKID")), "utf-8")
            fake.reply(*([] if key == "AKIDOLD" else [expired]), json_reply(said))
            answer = post(gateway, path, headers, body)
            assert answer.status_code == 200, answer.text
            attempts.append(answer.headers["twoapi-attempts"])
            grow_old(gateway)
        assert attempts == ["1", "2"]
        named = [request.headers["authorization"].partition("Credential=")[2][:7] for request in fake.requests]
        assert named == ["AKIDOLD", "AKIDOLD", "AKIDNEW"]
