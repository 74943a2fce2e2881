"""Tencent Hunyuan behind a running gateway: its signature, and errors that come with status 200."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, json_reply
from twoapi.testing.running_gateway import RunningGateway

CONFIG = """
upstreams:
  vendor:
    provider: hunyuan
    protocols: {{hunyuan: 'http://127.0.0.1:{port}'}}
    credentials: [{{parts: {{secret_id: AKIDTEST, secret_key: secTEST}}}}]
    options: {{region: ap-guangzhou}}
models:
  conf: {{candidates: [vendor/hunyuan-turbos-latest], retries: 0}}
"""
ASKED = {"messages": [{"role": "user", "content": "Grüße \\u4f60 🚀"}], "temperature": 1.0}
ANSWER = {"Response": {"Choices": [{"Message": {"Content": "Hi"}, "FinishReason": "stop"}], "Id": "h1"}}


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


def ask(upstream: FakeUpstream, reply: Reply, *, stream: bool = False) -> Exchange:
    upstream.reply(reply)
    with RunningGateway(parse(CONFIG.format(port=upstream.port), "twoapi.yaml", {})) as gateway:
        client = Client(gateway.url, "sk-any", {}, 20)
        return client.send(sent("openai-chat", "conf", "sk-any", ASKED, stream=stream), None)


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def test_the_signature_is_over_what_is_sent(upstream: FakeUpstream) -> None:
    assert ask(upstream, json_reply(ANSWER)).status == 200
    (request,) = upstream.requests
    headers = request.headers
    now = int(headers["x-tc-timestamp"])
    date = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    digest = hashlib.sha256(request.body).hexdigest()
    place = f"content-type:{headers['content-type']}\nhost:{headers['host']}\n"
    canonical = f"POST\n/\n\n{place}\ncontent-type;host\n{digest}"
    scope = f"{date}/hunyuan/tc3_request"
    told = f"TC3-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = mac(mac(mac(b"TC3secTEST", date), "hunyuan"), "tc3_request")
    assert headers["authorization"] == (
        f"TC3-HMAC-SHA256 Credential=AKIDTEST/{scope}, SignedHeaders=content-type;host, "
        f"Signature={mac(key, told).hex()}"
    )
    assert headers["x-tc-region"] == "ap-guangzhou"
    assert headers["x-tc-action"] == "ChatCompletions"
    assert abs(datetime.now(UTC).timestamp() - now) < 60


def error(code: str) -> dict[str, Any]:
    return {"Response": {"Error": {"Code": code, "Message": "told"}, "RequestId": "r"}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidParameterValue.ParameterValueError", 400),
        ("InvalidParameterValue.Model", 404),
        ("OperationDenied.TextIllegalDetected", 400),
        ("RequestLimitExceeded", 429),
        ("FailedOperation.EngineServerLimitExceeded", 503),
        ("FailedOperation.EngineRequestTimeout", 504),
        ("InternalError", 502),
        ("AuthFailure.SignatureExpire", 502),
        ("FailedOperation.ResourcePackExhausted", 502),
    ],
)
def test_an_error_with_status_200_is_one_with_its_own(
    upstream: FakeUpstream, code: str, status: int, *, stream: bool
) -> None:
    exchange = ask(upstream, json_reply(error(code)), stream=stream)
    assert exchange.status == status
    assert json.loads(exchange.body)["error"]["message"]
