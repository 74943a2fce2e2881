"""Files by URL, from clients of all four protocols, to upstreams that fetch none, through a running gateway."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.media.site import OPEN, PDF, PNG, Json, Site, asked, b64, error, looking, served, staged

from twoapi.conformance import NAMES
from twoapi.conformance.hear import LISTENERS
from twoapi.conformance.protocols import Sent
from twoapi.testing.canned import whole
from twoapi.testing.replies import Gate, error_reply
from twoapi.testing.vendors import VENDORS

OLLAMA, BEDROCK = VENDORS["ollama"], VENDORS["bedrock-converse"]
# Who fetches nothing, by the vendor or by the operator's word.
BLIND = {
    "ollama": None,
    "bedrock-converse": None,
    "cohere": "credentials: [sk-vendor], capabilities: {images: true, url_media: false}",
}
each_client = pytest.mark.parametrize("client", NAMES)


@contextmanager
def blind(protocol: str, top: str = OPEN) -> Iterator[Site]:
    with staged(VENDORS[protocol], top, BLIND[protocol]) as site:
        yield site


def compatible(provider: str, top: str = OPEN, capabilities: str = "url_media: false", retries: int = 0) -> Site:
    """Before an upstream of a protocol that clients speak."""
    base = {"openai-compatible": "/v1", "openai-responses-compatible": "/v1"}.get(provider, "")

    def config(port: int) -> str:
        return (
            f"upstreams: {{one: {{provider: {provider}, base_url: 'http://127.0.0.1:{port}{base}', "
            f"credentials: [sk-vendor], capabilities: {{{capabilities}}}}}}}\n"
            f"models: {{conf: {{candidates: [one/m-1], retries: {retries}}}}}\n"
        )

    return Site(config, top=top)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", BLIND)
@each_client
def test_an_image_goes_out_in_the_request(client: str, protocol: str, *, stream: bool) -> None:
    with blind(protocol) as site:
        exchange = site.ask(client, looking(client, site.url("/cat.png")), stream=stream)
        assert exchange.status == 200, exchange.body
        listener = LISTENERS[client]
        heard = listener.stream(exchange.body) if stream else listener.whole(json.loads(exchange.body))
        assert (heard.text, heard.problems) == ("Seen.", [])
        [image] = asked(VENDORS[protocol], site).of("image")
        assert (image.text, image.mime) == (b64(PNG), "image/png")
        [fetched] = site.files.requests
        assert fetched.headers == {
            "host": f"127.0.0.1:{site.files.port}",
            "accept-encoding": "identity",
            "accept": "*/*",
            "user-agent": "twoapi",
        }
        assert len(exchange.report()) >= 1  # that it was fetched is told


@each_client
def test_a_document_goes_out_in_the_request(client: str) -> None:
    with blind("bedrock-converse") as site:
        exchange = site.ask(client, looking(client, site.url("/plan.pdf"), kind="file"))
        assert exchange.status == 200, exchange.body
        [document] = asked(BEDROCK, site).of("document")
        assert (document.text, document.mime, document.name[:4]) == (b64(PDF), "application/pdf", "plan")


def test_a_text_that_is_fetched_is_sent_as_text() -> None:
    with blind("ollama") as site:
        exchange = site.ask("anthropic-messages", looking("anthropic-messages", site.url("/note.txt"), kind="file"))
        assert exchange.status == 200, exchange.body
        assert any("The note says 42." in piece.text for piece in asked(OLLAMA, site).of("text"))


def test_a_file_for_chat_goes_out_as_data() -> None:
    with compatible("openai-compatible", capabilities="documents: true") as site:
        site.vendor.reply(whole("openai-chat"))
        body = looking("anthropic-messages", site.url("/plan.pdf"), kind="file")
        assert site.ask("anthropic-messages", body).status == 200
        [request] = site.vendor.requests
        parts = request.json()["messages"][0]["content"]
        file = {"filename": "plan.pdf", "file_data": f"data:application/pdf;base64,{b64(PDF)}"}
        assert {"type": "file", "file": file} in parts


def test_an_image_in_a_result_is_fetched() -> None:
    with blind("bedrock-converse") as site:
        shown = {"type": "image", "source": {"type": "url", "url": site.url("/cat.png")}}
        body = {
            "max_tokens": 9,
            "tools": [{"name": "look", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [shown]}]},
            ],
        }
        exchange = site.ask("anthropic-messages", body)
        assert exchange.status == 200, exchange.body
        assert b64(PNG) in site.vendor.requests[0].body.decode()


def test_each_file_is_fetched_once() -> None:
    with blind("ollama") as site:
        url = site.url("/cat.png")
        assert site.ask("openai-chat", looking("openai-chat", url, url, url)).status == 200
        assert len(site.files.requests) == 1
        assert [piece.text for piece in asked(OLLAMA, site).of("image")] == [b64(PNG)] * 3


def test_the_next_try_does_not_fetch_again() -> None:
    with compatible("openai-compatible", retries=1) as site:
        site.vendor.reply(error_reply("openai-chat", 500), whole("openai-chat"))
        body = looking("anthropic-messages", site.url("/cat.png"))
        assert site.ask("anthropic-messages", body).status == 200
        assert (len(site.vendor.requests), len(site.files.requests)) == (2, 1)


@each_client
def test_without_leave_nothing_is_fetched_and_the_operator_is_told_how(client: str) -> None:
    with blind("ollama", top="") as site:
        status, message = error(site.ask(client, looking(client, site.url("/cat.png"))))
        assert status == 400
        assert "media: {fetch: true}" in message
        assert site.files.requests == site.vendor.requests == []


def test_what_is_not_allowed_is_not_fetched() -> None:
    for top, why in (
        ("media: {fetch: true, schemes: [http], hosts: ['127.0.0.1:*']}", "this address"),
        ("media: {fetch: true, schemes: [http], private: true}", "this host and port"),
        ("media: {fetch: true, private: true, hosts: ['*:*']}", "by https only"),
    ):
        with blind("ollama", top) as site:
            status, message = error(site.ask("openai-chat", looking("openai-chat", site.url("/cat.png"))))
            assert (status, why in message) == (400, True), message
            assert site.files.requests == site.vendor.requests == []


def test_what_cannot_be_had_is_the_clients_error_with_its_place() -> None:
    with blind("ollama") as site:
        for path, why in (("/none.png", "answers 404"), ("/page.png", "it is text/html, and no image")):
            exchange = site.ask("openai-chat", looking("openai-chat", site.url("/cat.png"), site.url(path)))
            status, message = error(exchange)
            assert (status, why in message) == (400, True), message
            assert json.loads(exchange.body)["error"]["param"] == "/messages/0/content/1"
        assert site.vendor.requests == []


def test_a_request_that_must_not_lose_anything_fetches_nothing() -> None:
    with blind("ollama", f"{OPEN}\non_loss: reject") as site:
        exchange = site.ask("openai-chat", looking("openai-chat", site.url("/cat.png")))
        assert error(exchange)[0] == 400
        assert json.loads(exchange.body)["error"]["code"] == "conversion_loss"
        assert site.files.requests == []


def test_explain_tells_and_does_not_fetch() -> None:
    with blind("bedrock-converse") as site:
        body = {"model": "conf", **looking("openai-chat", site.url("/cat.png"))}
        told = explained(site, "openai-chat", body)
        assert [loss["path"] for loss in told["losses"] if "fetches" in loss["detail"]] == ["/messages/0/content/0"]
        assert "refused" not in told or told["refused"] is None
        body = {"model": "conf", **looking("openai-chat", "https://169.254.169.254/latest/meta-data")}
        assert "fetched" in explained(site, "openai-chat", body)["refused"]["message"]
        assert site.files.requests == site.vendor.requests == []


def explained(site: Site, protocol: str, body: Json) -> Json:
    asked = {"protocol": protocol, "request": body}
    exchange = site.client.send(Sent(path="/api/explain", headers={"content-type": "application/json"}, body=asked))
    assert exchange.status == 200, exchange.body
    [choice] = json.loads(exchange.body)["candidates"]
    return choice


@pytest.mark.parametrize("top", ["", OPEN], ids=["without leave", "not to be had"])
def test_the_next_candidate_may_fetch_itself(top: str) -> None:
    def config(port: int) -> str:
        return (
            f"upstreams:\n  blind: {{provider: ollama, protocols: {{ollama: 'http://127.0.0.1:{port}'}}}}\n"
            f"  chat: {{provider: openai-compatible, base_url: 'http://127.0.0.1:{port}/v1'}}\n"
            "models: {conf: {candidates: [blind/m-1, chat/m-2], retries: 0}}\n"
        )

    with Site(config, top=top) as site:
        site.vendor.reply(whole("openai-chat"))
        url = site.url("/none.png")
        assert site.ask("anthropic-messages", looking("anthropic-messages", url)).status == 200
        [request] = site.vendor.requests
        assert {"type": "image_url", "image_url": {"url": url}} in request.json()["messages"][0]["content"]
        assert len(site.files.requests) == (1 if top else 0)


def test_a_relay_stays_one_where_the_upstream_fetches() -> None:
    with compatible("anthropic-compatible", capabilities="url_media: true") as site:
        site.vendor.reply(whole("anthropic-messages"))
        body = looking("anthropic-messages", site.url("/cat.png"))
        assert site.ask("anthropic-messages", body).status == 200
        assert site.vendor.requests[0].json()["messages"] == body["messages"]
        assert site.files.requests == []


def test_a_relay_becomes_a_conversion_where_it_does_not() -> None:
    with compatible("anthropic-compatible") as site:
        site.vendor.reply(whole("anthropic-messages"), whole("anthropic-messages"))
        body = looking("anthropic-messages", site.url("/cat.png"))
        assert site.ask("anthropic-messages", body).status == 200
        plain = {"max_tokens": 9, "messages": [{"role": "user", "content": "http://a.example is a URL, and no file"}]}
        exchange = site.ask("anthropic-messages", plain)
        assert exchange.headers["twoapi-losses"] == "relay"
        first, second = (request.json() for request in site.vendor.requests)
        source = {"type": "base64", "media_type": "image/png", "data": b64(PNG)}
        assert first["messages"][0]["content"][0] == {"type": "image", "source": source}
        assert second["messages"] == plain["messages"]


def test_a_client_that_leaves_ends_its_fetch() -> None:
    with blind("ollama") as site:
        gate = Gate()
        site.have.replies["/slow.png"] = served(PNG, "image/png").failing(gate=gate)
        body = json.dumps({"model": "conf", **looking("openai-chat", site.url("/slow.png"))}).encode()
        with site.gateway.connect() as client:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            gate.wait_arrivals()
        site.files.wait(lambda files: len(files.disconnects) == 1)
        site.gateway.wait(lambda: site.gateway.worker.running == 0)
        assert site.vendor.requests == []
