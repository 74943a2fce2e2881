"""Credentials that are made for a request: signed for it, or tokens that are asked for, renewed and refused."""

import http.client
import json
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from tests.gateway.wire import ends_normally, path

from twoapi.config import parse
from twoapi.testing.canned import request_body, stream, whole
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Faults, Gate, Reply, error_reply, json_reply
from twoapi.testing.running_gateway import RunningGateway

SECRETS = ("s3cret", "tok-", "wrong-s3cret", "id1.s3cret")
CATALOG = """
name: lab
title: Lab
protocols:
  openai-chat:
    base_url: "{upstream}/v1"
    auth:
      - bearer
      - {{scheme: sigv4, service: bedrock}}
      - {{scheme: aws, service: bedrock}}
      - {{scheme: entra, token_url: "{tokens}/{{tenant_id}}/token"}}
      - {{scheme: baidu-oauth, token_url: "{tokens}/oauth/2.0/token"}}
      - google
      - zhipu-jwt
options:
  region: {{meaning: where it is, default: us-east-1}}
"""
OTHERS = """
name: others
title: Others
protocols:
  openai-responses:
    base_url: "{upstream}/v1"
    auth: {{scheme: entra, token_url: "{tokens}/{{tenant_id}}/token"}}
  anthropic-messages:
    base_url: "{upstream}"
    auth: {{scheme: entra, token_url: "{tokens}/{{tenant_id}}/token"}}
  openai-chat: "{upstream}/v1"
"""
KEYS = "parts: {access_key_id: AKIDEXAMPLE, secret_access_key: s3cret-aws, session_token: s3cret-session}"
APP = "auth: entra, parts: {tenant_id: ten, client_id: cid, client_secret: s3cret-app}"
OTHER = "auth: entra, parts: {tenant_id: ten, client_id: other, client_secret: wrong-s3cret}"
PAIRS = [("openai-chat", "openai-chat"), ("anthropic-messages", "openai-chat"), ("gemini", "openai-chat")]
each_pair = pytest.mark.parametrize("client", [client for client, _ in PAIRS])
each_mode = pytest.mark.parametrize("streaming", [False, True], ids=["whole", "stream"])


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Lab(NamedTuple):
    """A gateway with one upstream, the upstream, and the token server of its credentials."""

    gateway: RunningGateway
    upstream: FakeUpstream
    server: FakeUpstream

    def ask(self, client: str = "openai-chat", *, streaming: bool = False, route: str | None = None) -> Answer:
        body = request_body(client, "m", stream=streaming)
        return self.post(route or path(client, "m", stream=streaming), body)

    def post(self, route: str, body: Any) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        connection.request("POST", route, json.dumps(body).encode(), {"content-type": "application/json"})
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def grow_old(self) -> None:
        """Makes the tokens at hand older than what is refused for its youth."""
        for held in self.gateway.worker.tokens._held.values():
            held.got -= 100


@pytest.fixture
def lab(tmp_path: Path) -> Callable[..., Any]:
    @contextmanager
    def make(*credentials: str, retries: int = 0, provider: str = "lab", more: str = "") -> Iterator[Lab]:
        with FakeUpstream() as upstream, FakeUpstream() as server:
            urls = {"upstream": upstream.base_url("gemini"), "tokens": server.base_url("gemini")}
            (tmp_path / "lab.yaml").write_text(CATALOG.format(**urls), "utf-8")
            (tmp_path / "others.yaml").write_text(OTHERS.format(**urls), "utf-8")
            listed = "\n".join(f"      - {{{credential}}}" for credential in credentials)
            text = (
                f"listen: 127.0.0.1:0\ncatalog: {tmp_path}\nupstreams:\n  lab:\n    provider: {provider}\n"
                f"    {more}\n    credentials:\n{listed}\n"
                f"models:\n  m: {{candidates: [lab/m-1], retries: {retries}}}\n"
            )
            with RunningGateway(parse(text, "test.yaml", {})) as gateway:
                yield Lab(gateway, upstream, server)
                records = repr(gateway.collected.records)
            assert not any(secret in records for secret in SECRETS)

    return make


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    said = [f"{record.getMessage()} {record.exc_info}" for record in caplog.get_records("call")]
    assert not any(secret in line for line in said for secret in SECRETS), said


def given(name: str, seconds: int = 3600) -> Reply:
    return json_reply({"access_token": f"tok-{name}", "expires_in": seconds})


def shown(request: Received) -> str:
    return request.headers["authorization"].removeprefix("Bearer ")


def accepts(*tokens: str, streaming: bool = False) -> Callable[[Received], Reply]:
    """An upstream that takes these tokens alone."""

    def answer(request: Received) -> Reply:
        if shown(request) not in tokens:
            return error_reply("openai-chat", 401, f"bad token {shown(request)}")
        return stream("openai-chat", "hello") if streaming else whole("openai-chat", "hello")

    return answer


# --- signed


@each_mode
@each_pair
def test_a_request_is_signed_as_it_goes_out(lab: Callable[..., Any], client: str, *, streaming: bool) -> None:
    with lab(KEYS) as ready:
        ready.upstream.reply(stream("openai-chat", "hello") if streaming else whole("openai-chat", "hello"))
        answer = ready.ask(client, streaming=streaming, route=None)
        assert answer.status == 200, answer
        sent = ready.upstream.requests[0]
        port = ready.upstream.port
    assert sent.headers["x-amz-security-token"] == "s3cret-session"
    assert sent.headers["authorization"] == vendors_signature(sent, port)
    assert json.loads(sent.body)["model"] == "m-1"


def vendors_signature(sent: Received, port: int) -> str:
    """What botocore signs this request with."""
    names = sent.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: sent.headers[name] for name in names if name != "x-amz-security-token"}
    request = AWSRequest("POST", f"http://127.0.0.1:{port}{sent.path}", headers, sent.body)
    request.context["timestamp"] = sent.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "s3cret-aws", "s3cret-session"), "bedrock", "us-east-1")
    request.headers["X-Amz-Security-Token"] = "s3cret-session"
    text = signer.string_to_sign(request, signer.canonical_request(request))
    scope = f"AKIDEXAMPLE/{sent.headers['x-amz-date'][:8]}/us-east-1/bedrock/aws4_request"
    signature = signer.signature(text, request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def test_a_signed_request_is_signed_anew_when_it_is_tried_again(lab: Callable[..., Any]) -> None:
    with lab(KEYS, retries=1) as ready:
        ready.upstream.reply(error_reply("openai-chat", 500), whole("openai-chat", "hello"))
        assert ready.ask().status == 200
        for sent in ready.upstream.requests:
            assert sent.headers["authorization"] == vendors_signature(sent, ready.upstream.port)


def test_a_refused_signature_hands_over_to_the_next_credential_without_a_second_try(lab: Callable[..., Any]) -> None:
    with lab(KEYS, "key: tok-plain") as ready:
        ready.upstream.handler = accepts("tok-plain")
        for _ in range(4):
            assert ready.ask().status == 200
        assert [shown(request)[:4] for request in ready.upstream.requests].count("AWS4") == 1  # then it cools down
        assert ready.server.requests == []


def test_a_key_that_makes_its_own_token(lab: Callable[..., Any]) -> None:
    with lab("auth: zhipu-jwt, key: id1.s3cret") as ready:
        ready.upstream.reply(whole("openai-chat", "hello"))
        assert ready.ask().status == 200
        assert shown(ready.upstream.requests[0]).count(".") == 2


def test_a_key_that_cannot_sign_is_named(lab: Callable[..., Any]) -> None:
    with lab("auth: zhipu-jwt, key: s3cret-without-a-dot") as ready:
        answer = ready.ask()
        assert answer.status == 502
        message = json.loads(answer.body)["error"]["message"]
        assert message == (
            "the credential of the upstream 'lab' (credentials.0) cannot be used: the key must have the form id.secret"
        )
        assert ready.upstream.requests == []


# --- tokens


@each_mode
@each_pair
def test_a_token_is_asked_for_once_and_shown(lab: Callable[..., Any], client: str, *, streaming: bool) -> None:
    with lab(APP) as ready:
        ready.server.reply(given("a"))
        ready.upstream.handler = accepts("tok-a", streaming=streaming)
        for _ in range(3):
            answer = ready.ask(client, streaming=streaming)
            assert answer.status == 200, answer
            assert b"hello" in answer.body
        assert len(ready.server.requests) == 1
        assert [shown(request) for request in ready.upstream.requests] == ["tok-a"] * 3


def test_a_token_in_the_query_stands_behind_what_is_there(lab: Callable[..., Any]) -> None:
    with lab("auth: baidu-oauth, parts: {client_id: cid, client_secret: s3cret}") as ready:
        ready.server.reply(json_reply({"access_token": "tok-24.a b&c", "expires_in": 2592000}))
        ready.upstream.reply(whole("openai-chat", "hello"))
        assert ready.ask().status == 200
        sent = ready.upstream.requests[0]
    assert sent.arguments == {"access_token": "tok-24.a b&c"}
    assert "authorization" not in sent.headers
    assert ready.server.requests[0].arguments["grant_type"] == "client_credentials"


def test_fifty_requests_wait_for_one_token(lab: Callable[..., Any]) -> None:
    gate = Gate()
    with lab(APP) as ready, ThreadPoolExecutor(50) as crowd:
        ready.server.reply(replace(given("a"), faults=Faults(gate=gate)))
        ready.upstream.handler = accepts("tok-a")
        asked = [crowd.submit(ready.ask) for _ in range(50)]
        gate.wait_arrivals()
        ready.gateway.wait(lambda: ready.gateway.worker.running == 50)
        gate.open()
        assert {answer.result().status for answer in asked} == {200}
        assert len(ready.server.requests) == 1
        assert len(ready.upstream.requests) == 50


@each_mode
def test_an_ended_token_is_renewed_and_the_request_sent_again(lab: Callable[..., Any], *, streaming: bool) -> None:
    with lab(APP) as ready:
        ready.server.reply(given("a"), given("b"))
        ready.upstream.handler = accepts("tok-a", streaming=streaming)
        assert ready.ask(streaming=streaming).status == 200
        ready.upstream.handler = accepts("tok-b", streaming=streaming)
        ready.grow_old()
        answer = ready.ask(streaming=streaming)
        assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "2")
        assert len(ready.server.requests) == 2
        assert [shown(request) for request in ready.upstream.requests] == ["tok-a", "tok-a", "tok-b"]


def test_many_that_are_refused_at_once_renew_it_once(lab: Callable[..., Any]) -> None:
    gate = Gate()
    with lab(APP) as ready, ThreadPoolExecutor(20) as crowd:
        ready.server.reply(given("a"), given("b"))
        ready.upstream.handler = accepts("tok-a")
        assert ready.ask().status == 200
        ready.grow_old()
        takes = accepts("tok-b")

        def slow(request: Received) -> Reply:
            reply = takes(request)
            return replace(reply, faults=Faults(gate=gate)) if reply.status == 401 else reply

        ready.upstream.handler = slow
        asked = [crowd.submit(ready.ask) for _ in range(20)]
        gate.wait_arrivals(20)
        gate.open()
        assert {answer.result().status for answer in asked} == {200}
        assert len(ready.server.requests) == 2


def test_a_token_that_is_refused_though_it_is_new_is_renewed_once_and_then_named(lab: Callable[..., Any]) -> None:
    with lab(APP) as ready:
        ready.server.reply(given("a"), given("b"), given("c"))
        ready.upstream.handler = accepts("tok-a")
        assert ready.ask().status == 200
        ready.upstream.handler = accepts("none")
        ready.grow_old()
        answer = ready.ask()
        assert (answer.status, answer.headers["twoapi-attempts"]) == (502, "2")
        message = json.loads(answer.body)["error"]["message"]
        assert message == (
            "the upstream 'lab' does not accept the gateway's credential (credentials.0); its operator must mend this"
        )
        assert len(ready.server.requests) == 2


def test_credentials_in_turn_of_which_one_is_wrong(lab: Callable[..., Any]) -> None:
    def gives(request: Received) -> Reply:
        if b"client_id=other" in request.body:
            return json_reply({"error": "invalid_client", "error_description": "wrong-s3cret"}, 401)
        return given("a")

    with lab(OTHER, APP) as ready:
        ready.server.handler = gives
        ready.upstream.handler = accepts("tok-a")
        for _ in range(6):
            answer = ready.ask()
            assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "1")
        assert len(ready.server.requests) == 2  # the wrong one is remembered


def test_a_wrong_credential_is_named_with_what_to_do(lab: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    refusal = json_reply(
        {"error": "invalid_client", "error_description": "wrong-s3cret", "error_codes": [7000215]}, 401
    )
    with lab(OTHER) as ready:
        ready.server.handler = lambda _: refusal
        said = {ready.ask(streaming=streaming).body for streaming in (False, True)}
        message = json.loads(said.pop())["error"]["message"]
        assert message == (
            "the credential of the upstream 'lab' (credentials.0) cannot be used: the token server refuses this "
            "credential (invalid_client, AADSTS7000215); check the client and its secret, which may have expired or "
            "been replaced"
        )
        assert len(ready.server.requests) == 1
        assert ready.upstream.requests == []
        assert [record.outcome for record in ready.gateway.collected.records] in ([], ["refused"], ["refused"] * 2)
        lines = [record.getMessage() for record in caplog.records if record.name == "twoapi.tokens"]
        assert [line.partition(":")[0] for line in lines] == ["upstreams.lab.credentials.0"]

        ready.gateway.publish(ready.gateway.worker.snapshot.settings)  # as when the file is saved
        ready.server.handler = lambda _: given("a")
        ready.upstream.handler = accepts("tok-a")
        ready.gateway.wait(lambda: not any(held.failure for held in ready.gateway.worker.tokens._held.values()))
        assert ready.ask().status == 200


def test_a_client_that_leaves_while_a_token_is_asked_for_sends_nothing(lab: Callable[..., Any]) -> None:
    gate = Gate()
    with lab(APP) as ready:
        ready.server.reply(replace(given("a"), faults=Faults(gate=gate)))
        ready.upstream.handler = accepts("tok-a")
        body = json.dumps(request_body("openai-chat", "m")).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
        with ready.gateway.connect() as connection:
            connection.sendall(f"{head}{len(body)}\r\n\r\n".encode() + body)
            gate.wait_arrivals()
        ready.gateway.wait(lambda: ready.gateway.worker.running == 0)
        gate.open()
        assert ready.ask().status == 200  # with the token that was asked for
        assert len(ready.upstream.requests) == len(ready.server.requests) == 1


def test_a_gateway_that_stops_lets_nobody_wait_for_a_token(lab: Callable[..., Any]) -> None:
    gate = Gate()
    with lab(APP) as ready:
        ready.server.reply(replace(given("a"), faults=Faults(gate=gate)))
        answers: list[Answer] = []
        asking = threading.Thread(target=lambda: answers.append(ready.ask()))
        asking.start()
        gate.wait_arrivals()
        ready.gateway.stop()
        asking.join(20)
        assert answers[0].status == 503
        gate.open()


def test_tokens_are_counted_with_a_token(lab: Callable[..., Any]) -> None:
    with lab(APP, provider="others") as ready:
        ready.server.reply(given("a"), given("b"))
        ready.upstream.reply(json_reply({"input_tokens": 7}), error_reply("anthropic-messages", 401))
        ready.upstream.handler = lambda _: json_reply({"input_tokens": 8})
        body = request_body("anthropic-messages", "m")
        assert json.loads(ready.post("/v1/messages/count_tokens", body).body) == {"input_tokens": 7}
        ready.grow_old()
        assert json.loads(ready.post("/v1/messages/count_tokens", body).body) == {"input_tokens": 8}
        assert [shown(request) for request in ready.upstream.requests] == ["tok-a", "tok-a", "tok-b"]


def test_what_an_upstream_keeps_is_asked_for_with_a_token(lab: Callable[..., Any]) -> None:
    with lab(APP, provider="others") as ready:
        ready.server.reply(given("a"))
        ready.upstream.reply(json_reply({"id": "resp_x", "object": "response"}))
        connection = http.client.HTTPConnection("127.0.0.1", ready.gateway.port, timeout=20)
        connection.request("GET", "/v1/responses/resp_x")
        assert connection.getresponse().status == 200
        connection.close()
        asked = ready.upstream.requests[0]
        assert (asked.method, asked.path, shown(asked)) == ("GET", "/v1/responses/resp_x", "tok-a")


def test_a_stream_is_whole_with_every_kind_of_credential(lab: Callable[..., Any]) -> None:
    with lab(KEYS, APP, "key: tok-key") as ready:
        ready.server.reply(given("a"))
        ready.upstream.handler = lambda _: stream("openai-chat", "hello")
        for _ in range(3):
            answer = ready.ask(streaming=True)
            assert b"hello" in answer.body
            assert ends_normally("openai-chat", answer.body)
        assert {shown(request)[:4] for request in ready.upstream.requests} == {"AWS4", "tok-"}


@pytest.mark.parametrize("credential", [APP, KEYS, "key: tok-key"])
def test_what_the_operator_writes_out_wins(lab: Callable[..., Any], credential: str) -> None:
    with lab(credential, more="headers: {Authorization: Token own}") as ready:
        ready.server.reply(given("a"))
        ready.upstream.reply(whole("openai-chat", "hello"))
        assert ready.ask().status == 200
        sent = ready.upstream.requests[0]
    assert [value for name, value in sent.header_list if name.lower() == "authorization"] == ["Token own"]


@pytest.mark.parametrize(("credential", "reached"), [(APP, "/v1/messages"), ("key: tok-key", "/v1/chat/completions")])
def test_a_credential_is_used_in_the_protocols_that_can_present_it(
    lab: Callable[..., Any], credential: str, reached: str
) -> None:
    with lab(credential, provider="others") as ready:
        ready.server.reply(given("a"))
        ready.upstream.handler = lambda request: whole(
            "anthropic-messages" if request.path == "/v1/messages" else "openai-chat"
        )
        assert ready.ask("anthropic-messages").status == 200
        assert [request.path for request in ready.upstream.requests] == [reached]


@pytest.mark.parametrize(
    ("credential", "query", "names"),
    [
        (KEYS, "", ["authorization"]),
        (APP, "", ["authorization"]),
        ("auth: baidu-oauth, parts: {client_id: c, client_secret: s3cret}", "?access_token=***", []),
    ],
)
def test_what_would_be_sent_is_told_without_the_credential(
    lab: Callable[..., Any], credential: str, query: str, names: list[str]
) -> None:
    with lab(credential) as ready:
        asked = {"protocol": "openai-chat", "request": request_body("openai-chat", "m")}
        answer = ready.post("/api/explain", asked)
        assert answer.status == 200, answer
        (choice,) = json.loads(answer.body)["candidates"]
        assert choice["request"]["url"].endswith(f"/v1/chat/completions{query}")
        shown = {name: value for name, value in choice["request"]["headers"].items() if name != "content-type"}
        assert shown == dict.fromkeys(names, "***")
        assert ready.server.requests == []


def test_a_profile_of_the_vendors_own_signs(
    lab: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "aws"
    text = "[prod]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = s3cret-aws\n"
    file.write_text(f"{text}aws_session_token = s3cret-session\n", "utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    with lab("auth: aws, parts: {profile: prod, region: us-east-1}") as ready:
        ready.upstream.handler = lambda _: whole("openai-chat", "hello")
        for _ in range(2):
            assert ready.ask().status == 200
        for sent in ready.upstream.requests:
            assert sent.headers["authorization"] == vendors_signature(sent, ready.upstream.port)


def test_a_profile_that_was_written_anew_is_read_when_the_old_one_is_refused(
    lab: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "aws"
    text = "[default]\naws_access_key_id = {}\naws_secret_access_key = s3cret-aws\n"
    file.write_text(text.format("AKIDOLD"), "utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    def takes_the_new(request: Received) -> Reply:
        if "AKIDNEW" not in request.headers["authorization"]:
            return error_reply("openai-chat", 401)
        return whole("openai-chat", "hello")

    with lab("auth: aws, parts: {region: us-east-1}") as ready:
        ready.upstream.reply(whole("openai-chat", "hello"))
        assert ready.ask().status == 200
        file.write_text(text.format("AKIDNEW"), "utf-8")
        ready.upstream.handler = takes_the_new
        ready.grow_old()
        answer = ready.ask()
        assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "2")


def test_a_chain_that_knows_no_region_says_so(
    lab: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "aws"
    file.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = s3cret-aws\n", "utf-8")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with lab("auth: {scheme: aws, service: bedrock}", provider="others") as ready:
        message = json.loads(ready.ask().body)["error"]["message"]
    assert message.endswith("(credentials.0) cannot be used: it has no region; say it among its parts")
