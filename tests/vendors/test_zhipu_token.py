"""Zhipu behind a running gateway that makes the service's tokens from the key, as the vendor's SDK can."""

import json
import time
from pathlib import Path

import jwt

from twoapi.config import parse
from twoapi.conformance import Client
from twoapi.conformance.protocols import sent
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import json_reply
from twoapi.testing.running_gateway import RunningGateway

SDK = Path(__file__).parents[1] / "captures" / "zai-sdk-0.2.3" / "chat_jwt.json"
KEY = "id123.secret456789012345678901234567890"
CONFIG = """
upstreams:
  vendor:
    provider: zhipu
    protocols: {{openai-chat: 'http://127.0.0.1:{port}/api/paas/v4'}}
    credentials: [{{key: {key}, auth: zhipu-jwt}}]
models:
  conf: {{candidates: [vendor/glm-4.6], retries: 0}}
"""


def test_the_token_is_made_from_the_key() -> None:
    recorded = json.loads(SDK.read_text())["requests"][0]
    with FakeUpstream() as fake:
        fake.reply(json_reply({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop", "index": 0}]}))
        with RunningGateway(parse(CONFIG.format(port=fake.port, key=KEY), "twoapi.yaml", {})) as gateway:
            client = Client(gateway.url, "sk-any", {}, 20)
            asked = {"messages": [{"role": "user", "content": "hi"}]}
            assert client.send(sent("openai-chat", "conf", "sk-any", asked, stream=False), None).status == 200
        (request,) = fake.requests
    assert request.path == recorded["path"]
    said = {name: value for name, value in recorded["json"].items() if value is not None}
    assert request.json() == said
    scheme, _, token = request.headers["authorization"].partition(" ")
    assert scheme == "Bearer"
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "sign_type": "SIGN", "typ": "JWT"}
    name, _, secret = KEY.partition(".")
    claims = jwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False})
    assert claims.keys() == {"api_key", "exp", "timestamp"}
    assert claims["api_key"] == name
    assert claims["exp"] - claims["timestamp"] == 210_000  # milliseconds
    assert abs(time.time() * 1000 - claims["timestamp"]) < 60_000
