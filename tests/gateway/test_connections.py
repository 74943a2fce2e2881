"""Connection settings of an upstream: a forward proxy, and settings that cannot work."""

from twoapi.config import parse
from twoapi.testing.canned import request_body, whole
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.running_gateway import RunningGateway

CONFIG = """
listen: 127.0.0.1:0
upstreams:
  far: {{provider: openai-compatible, base_url: "http://upstream.invalid/v1", credentials: [key-a], {how}}}
models: {{far: {{candidates: [far/m-1], retries: 0}}}}
"""


def test_an_upstream_behind_a_forward_proxy_is_reached_through_it(post):
    with FakeUpstream() as proxy:
        proxy.reply(whole("openai-chat", "through the proxy"))
        settings = parse(CONFIG.format(how=f'proxy: "http://127.0.0.1:{proxy.port}"'), "test.yaml", {})
        with RunningGateway(settings) as gateway:
            answer = post(gateway, "openai-chat", request_body("openai-chat", "far"))
        assert answer.status == 200, answer
        assert answer.json()["choices"][0]["message"]["content"] == "through the proxy"
        assert proxy.requests[0].path == "http://upstream.invalid/v1/chat/completions"
        assert proxy.requests[0].headers["authorization"] == "Bearer key-a"


def test_a_client_certificate_that_cannot_be_read_is_a_502_that_names_the_upstream(post):
    settings = parse(CONFIG.format(how="client_cert: /nowhere/cert.pem"), "test.yaml", {})
    with RunningGateway(settings) as gateway:
        answer = post(gateway, "openai-chat", request_body("openai-chat", "far"))
    assert answer.status == 502
    assert answer.json()["error"]["message"].startswith("the connection settings of the upstream 'far' are wrong: ")


def test_an_upstream_whose_name_does_not_resolve_is_a_502(post):
    settings = parse(CONFIG.format(how="weight: 1").replace(", weight: 1", ""), "test.yaml", {})
    with RunningGateway(settings) as gateway:
        answer = post(gateway, "openai-chat", request_body("openai-chat", "far"))
    assert answer.status == 502
    assert "upstream" in answer.json()["error"]["message"]
