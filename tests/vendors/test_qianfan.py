"""Baidu's Qianfan behind a running gateway: tokens that expire, signatures, errors in a 200, and its second version."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import event
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply as Answer
from twoapi.testing.replies import json_reply, sse_reply
from twoapi.testing.running_gateway import RunningGateway

CAPTURES = Path(__file__).parents[1] / "captures" / "qianfan-0.4.12.3"
CHAT = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/ernie_speed"
HI: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
SAID = {"id": "as-1", "created": 1, "result": "Hi", "finish_reason": "normal", "need_clear_history": False}
EXPIRED = {"error_code": 110, "error_msg": "Access token invalid or no longer valid"}
APPLICATION = (
    "{{auth: {{scheme: baidu-oauth, token_url: 'http://127.0.0.1:{port}/oauth/2.0/token'}},"
    " parts: {{client_id: CID, client_secret: CSECRET}}}}"
)
PAIR = "{parts: {access_key_id: AK, secret_access_key: SK}}"
CONFIG = """
upstreams:
  old:
    provider: qianfan-v1
    protocols: {{qianfan-v1: 'http://127.0.0.1:{port}'}}
    credentials: [{credential}]
  new:
    provider: qianfan
    protocols: {{openai-chat: 'http://127.0.0.1:{port}/v2'}}
    credentials: [bce-v3/ALTAK-x/y]
  minted:
    provider: qianfan
    protocols: {{openai-chat: 'http://127.0.0.1:{port}/v2'}}
    headers: {{appid: app-1}}
    credentials:
      - auth: {{scheme: baidu-iam, token_url: 'http://127.0.0.1:{port}/v1/BCE-BEARER/token'}}
        parts: {{access_key_id: iamAK, secret_access_key: iamSK}}
models:
  minted: {{candidates: [minted/ernie-4.0-turbo-8k], retries: 0}}
  old: {{candidates: [old/ERNIE-Speed-8K], retries: 0}}
  new: {{candidates: [new/ernie-4.5-turbo], retries: 0}}
  older: {{candidates: [new/ernie-3.5-8k], retries: 0}}
"""


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@contextlib.contextmanager
def front(upstream: FakeUpstream, credential: str = PAIR) -> Iterator[tuple[RunningGateway, Client]]:
    config = CONFIG.format(credential=credential, port=upstream.port)
    with RunningGateway(parse(config, "twoapi.yaml", {})) as gateway:
        yield gateway, Client(gateway.url, "sk-any", {}, 20)


def ask(upstream: FakeUpstream, reply: Answer, *, model: str = "old", stream: bool = False) -> Exchange:
    upstream.reply(reply)
    with front(upstream) as (_, client):
        return client.send(sent("openai-chat", model, "sk-any", HI, stream=stream), None)


def token(word: str) -> Answer:
    return json_reply({"access_token": word, "expires_in": 2592000, "scope": "public"})


# --- The first version ---


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("code", [110, 111])
def test_an_expired_token_is_replaced_by_another(upstream: FakeUpstream, code: int, *, stream: bool) -> None:
    answer = sse_reply([event({**SAID, "is_end": True})]) if stream else json_reply(SAID)
    expired = json_reply({**EXPIRED, "error_code": code})  # with status 200, also where a stream was asked for
    upstream.reply(token("24.a"), answer, expired, token("24.b"), answer)
    question = sent("openai-chat", "old", "sk-any", HI, stream=stream)
    with front(upstream, APPLICATION.format(port=upstream.port)) as (gateway, client):
        assert client.send(question, None).status == 200
        for held in gateway.worker.tokens._held.values():
            held.got -= 100  # what is refused though it is new would be no question of age
        exchange = client.send(question, None)
    assert exchange.status == 200
    assert b'"Hi"' in exchange.body
    asked, *first, again, second = upstream.requests
    assert (asked.path, again.path) == ("/oauth/2.0/token", "/oauth/2.0/token")
    assert asked.arguments == {"grant_type": "client_credentials", "client_id": "CID", "client_secret": "CSECRET"}
    assert [one.path for one in (*first, second)] == [CHAT] * 3
    assert [one.arguments["access_token"] for one in (*first, second)] == ["24.a", "24.a", "24.b"]


def test_a_request_may_be_signed_instead(upstream: FakeUpstream) -> None:
    assert ask(upstream, json_reply(SAID)).status == 200
    (request,) = upstream.requests
    assert request.arguments == {}
    scheme, key, date, valid, names, signature = request.headers["authorization"].split("/")
    assert (scheme, key, date, valid) == ("bce-auth-v1", "AK", request.headers["x-bce-date"], "300")
    assert {"host", "x-bce-date"} <= set(names.split(";"))
    signing = hmac.new(b"SK", f"bce-auth-v1/AK/{date}/300".encode(), hashlib.sha256).hexdigest()
    lines = sorted(f"{name}:{quote(request.headers[name], safe='')}" for name in names.split(";"))
    canonical = "\n".join(["POST", CHAT, "", *lines])
    assert signature == hmac.new(signing.encode(), canonical.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("code", "status"), [(336003, 400), (336005, 404), (18, 429), (336502, 429), (336100, 503), (17, 502), (6, 502)]
)
def test_an_error_with_status_200_is_one_with_its_own(upstream: FakeUpstream, code: int, status: int) -> None:
    exchange = ask(upstream, json_reply({"error_code": code, "error_msg": "told"}), stream=code % 2 == 0)
    assert exchange.status == status
    assert json.loads(exchange.body)["error"]["message"]


def test_a_stream_without_its_last_sentence_is_cut(upstream: FakeUpstream) -> None:
    exchange = ask(upstream, sse_reply([event({**SAID, "is_end": False})]), stream=True)
    assert b"[DONE]" not in exchange.body
    assert b'"error"' in exchange.body


# --- The second version ---


def completion(**choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": "Hi"}
    return {
        "id": "as-1",
        "object": "chat.completion",
        "created": 1,
        "model": "ernie-4.5-turbo",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def test_the_second_version_takes_a_key_and_speaks_chat(upstream: FakeUpstream) -> None:
    exchange = ask(upstream, json_reply(completion(flag=0)), model="new")
    assert json.loads(exchange.body)["choices"][0]["message"]["content"] == "Hi"
    (request,) = upstream.requests
    assert request.path == "/v2/chat/completions"
    assert request.headers["authorization"] == "Bearer bce-v3/ALTAK-x/y"


def test_the_vendors_sdk_asks_the_same_with_a_key_that_is_asked_for(upstream: FakeUpstream) -> None:
    given = {"userId": "u", "token": "bce-v3/ALTAK-x/TEST", "status": "enable", "expireTime": "2099-01-01T00:00:00Z"}
    upstream.reply(json_reply(given))
    assert ask(upstream, json_reply(completion()), model="minted").status == 200
    recorded = json.loads((CAPTURES / "v2_bearer_from_iam.json").read_text())["requests"]
    for ours, sdks in zip(upstream.requests, recorded, strict=True):
        headers = {name.lower(): value for name, value in sdks["headers"]}
        assert (ours.method, ours.path) == (sdks["method"], sdks["path"])
        assert "&".join(f"{name}={value}" for name, value in ours.arguments.items()) == sdks["query"]
        assert ours.headers["authorization"].split("/")[:2] == headers["authorization"].split("/")[:2]
    minting, asking = upstream.requests
    assert minting.headers["authorization"].split("/")[3] == "300"
    assert asking.headers["appid"] == "app-1"
    said = {name: value for name, value in recorded[1]["json"].items() if name not in ("stream", "extra_parameters")}
    assert asking.json() == said


def test_words_that_no_client_knows_are_put_right(upstream: FakeUpstream) -> None:
    exchange = ask(upstream, json_reply(completion(finish_reason="normal", flag=0)), model="older")
    assert json.loads(exchange.body)["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_messages", 400),
        (400, "tokens_too_long", 400),
        (400, "invalid_model", 404),
        (401, "invalid_iam_token", 502),
        (429, "tpm_rate_limit_exceeded", 429),
        (500, "internal_error", 500),
        (503, "server_high_load", 503),
    ],
)
def test_errors_of_the_second_version_are_words(upstream: FakeUpstream, status: int, code: str, expected: int) -> None:
    told = {"error": {"code": code, "message": "told", "type": "invalid_request_error"}, "id": "as-1"}
    exchange = ask(upstream, json_reply(told, status=status), model="new")
    assert exchange.status == expected
    if code == "tokens_too_long":
        assert json.loads(exchange.body)["error"]["code"] == "context_length_exceeded"
