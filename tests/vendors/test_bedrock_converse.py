"""Bedrock behind a running gateway: signatures, paths, errors of a stream, and what the vendor's own client reads."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]
import msgspec
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from botocore.exceptions import EventStreamError  # type: ignore[import-untyped]

from twoapi.config import parse
from twoapi.conformance import NAMES, Check, Client, Part, Stage, Upstream, run
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import Called, Fault, Reply, Used
from twoapi.testing.eventstream import write_event, write_exception
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Faults, Gate, json_reply
from twoapi.testing.replies import Reply as HttpReply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.bedrock_converse import STAGED, VENDOR

PARTS = "access_key_id: AKIDEXAMPLE, secret_access_key: wJalr/XUtnFEMI"
ARN = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
CONFIG = """
upstreams:
  vendor:
    provider: bedrock
    protocols: {{bedrock-converse: '{url}'}}
    credentials: [{credential}]
    options: {{region: us-east-1}}
models:
  conf: {{candidates: ['vendor/{model}'], retries: {retries}}}
"""
ASKED = {"messages": [{"role": "user", "content": "Gr\u00fc\u00dfe \u4f60 \U0001f680"}]}
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
    "metrics": {"latencyMs": 7},
}
MESSAGES = [{"role": "user", "content": [{"text": "hi"}]}]


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def fake() -> Iterator[Upstream]:
    with Upstream(vendors={VENDOR.protocol: VENDOR}) as fake:
        yield fake


def ask(
    upstream: FakeUpstream,
    *replies: HttpReply,
    stream: bool = False,
    credential: str = f"{{parts: {{{PARTS}}}}}",
    model: str = "us.anthropic.claude-sonnet-4-6-v1:0",
    heard: Callable[[bytes], None] | None = None,
) -> Exchange:
    upstream.reply(*replies)
    text = CONFIG.format(
        url=f"http://127.0.0.1:{upstream.port}", credential=credential, model=model, retries=len(replies) - 1
    )
    with RunningGateway(parse(text, "twoapi.yaml", {})) as gateway:
        client = Client(gateway.url, "sk-any", {}, 20)
        return client.send(sent("openai-chat", "conf", "sk-any", ASKED, stream=stream), heard)


def streamed(*messages: bytes, **faults: Any) -> HttpReply:
    return HttpReply(
        content_type="application/vnd.amazon.eventstream", pieces=messages, framing="chunked", faults=Faults(**faults)
    )


def error(status: int, kind: str, message: str) -> HttpReply:
    return json_reply({"message": message}, status, {"x-amzn-ErrorType": kind, "x-amzn-RequestId": "req-1"})


def expected_authorization(request: Received, token: str | None = None) -> str:
    """The signature that the vendor's signer makes for what came."""
    names = ("host", "content-type", "x-amz-date", "x-amz-security-token")
    headers = {name: request.headers[name] for name in names if name in request.headers}
    theirs = AWSRequest("POST", f"http://{request.headers['host']}{request.path}", headers=headers, data=request.body)
    theirs.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", "wJalr/XUtnFEMI", token), "bedrock", "us-east-1")
    signature = signer.signature(signer.string_to_sign(theirs, signer.canonical_request(theirs)), theirs)
    signer._inject_signature_to_request(theirs, signature)
    return theirs.headers["Authorization"]


@pytest.mark.parametrize("model", ["us.anthropic.claude-sonnet-4-6-v1:0", ARN])
def test_a_request_is_signed_over_what_is_sent(upstream: FakeUpstream, model: str) -> None:
    assert ask(upstream, json_reply(ANSWER), model=model).status == 200
    (request,) = upstream.requests
    assert request.path == f"/model/{quote(model, safe='')}/converse"
    assert request.headers["authorization"] == expected_authorization(request)
    assert "amz-sdk-request" not in request.headers


def test_temporary_credentials_have_their_token(upstream: FakeUpstream) -> None:
    credential = f"{{parts: {{{PARTS}, session_token: TOKEN}}}}"
    ask(upstream, streamed(*ended()), stream=True, credential=credential)
    (request,) = upstream.requests
    assert request.path.endswith("/converse-stream")
    assert request.headers["x-amz-security-token"] == "TOKEN"
    assert request.headers["authorization"] == expected_authorization(request, "TOKEN")
    assert "x-amz-security-token" in request.headers["authorization"]


def test_a_key_of_the_service_is_a_bearer(upstream: FakeUpstream) -> None:
    ask(upstream, json_reply(ANSWER), credential="bedrock-api-key-TEST")
    (request,) = upstream.requests
    assert request.headers["authorization"] == "Bearer bedrock-api-key-TEST"
    assert "x-amz-date" not in request.headers


def ended() -> list[bytes]:
    return [
        write_event("messageStart", {"role": "assistant"}),
        write_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hi"}}),
        write_event("messageStop", {"stopReason": "end_turn"}),
        write_event("metadata", {"usage": ANSWER["usage"], "metrics": {"latencyMs": 7}}),
    ]


def chunks(exchange: Exchange) -> list[Any]:
    lines = [line[6:] for line in exchange.body.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def test_the_usage_comes_behind_the_stop_and_still_before_the_end(upstream: FakeUpstream) -> None:
    exchange = ask(upstream, streamed(*ended(), chunk=5), stream=True)
    told = chunks(exchange)
    assert [one["usage"]["total_tokens"] for one in told if one.get("usage")] == [5]
    assert 0 < exchange.body.index(b'"total_tokens":5') < exchange.body.index(b"data: [DONE]")


EXCEPTIONS = {
    "internalServerException": 502,
    "modelStreamErrorException": 502,
    "throttlingException": 429,
    "validationException": 400,
    "serviceUnavailableException": 503,
}


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_an_exception_before_any_word_is_an_error_of_its_kind(upstream: FakeUpstream, kind: str) -> None:
    exchange = ask(upstream, streamed(ended()[0], write_exception(kind, {"message": "no more"})), stream=True)
    assert exchange.status == EXCEPTIONS[kind]
    assert json.loads(exchange.body)["error"]["message"] == "no more"


def broken_off(upstream: FakeUpstream, *messages: bytes) -> Exchange:
    """A stream that goes on only when its client has heard the first words."""
    gate = Gate()
    gate.release(2)
    heard = lambda data: gate.open() if b"Hi" in data else None  # noqa: E731  a name for the argument
    return ask(upstream, streamed(*ended()[:2], *messages, gate=gate), stream=True, heard=heard)


@pytest.mark.parametrize("kind", EXCEPTIONS)
def test_an_exception_in_a_stream_is_told(upstream: FakeUpstream, kind: str) -> None:
    exchange = broken_off(upstream, write_exception(kind, {"message": "no more"}))
    assert exchange.status == 200
    assert chunks(exchange)[-1]["error"]["message"] == "no more"
    assert b"[DONE]" not in exchange.body


def test_a_stream_with_a_wrong_checksum_is_told(upstream: FakeUpstream) -> None:
    _, words, *rest = ended()
    exchange = broken_off(upstream, words[:-1] + bytes([words[-1] ^ 1]), *rest)
    assert "checksum" in chunks(exchange)[-1]["error"]["message"]
    assert b"[DONE]" not in exchange.body


@pytest.mark.parametrize(
    ("status", "kind", "shown"),
    [
        (400, "ValidationException", 400),
        (404, "ResourceNotFoundException", 404),
        (429, "ThrottlingException", 429),
        (424, "ModelErrorException", 502),
        (408, "ModelTimeoutException", 504),
        (500, "InternalServerException", 502),
    ],
)
def test_errors_have_the_status_of_their_kind(upstream: FakeUpstream, status: int, kind: str, shown: int) -> None:
    exchange = ask(upstream, error(status, kind, "because"))
    assert exchange.status == shown
    assert "because" in json.loads(exchange.body)["error"]["message"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, "ModelNotReadyException"), (503, "ServiceUnavailableException"), (424, "ModelErrorException")],
)
def test_what_passes_is_tried_again(upstream: FakeUpstream, status: int, kind: str) -> None:
    exchange = ask(upstream, error(status, kind, "not yet"), json_reply(ANSWER))
    assert exchange.status == 200
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("kind", ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"])
def test_a_wrong_credential_is_named_and_not_shown(upstream: FakeUpstream, kind: str) -> None:
    exchange = ask(upstream, error(403, kind, "The security token is invalid.\nx-amz-security-token:wJalr/XUtnFEMI"))
    assert exchange.status >= 500
    assert b"vendor" in exchange.body
    assert b"wJalr" not in exchange.body


# --- Models that take less


@pytest.mark.parametrize("client", NAMES)
@pytest.mark.parametrize("model", ["meta.llama3-8b-instruct-v1:0", "anthropic.claude-opus-4-8-v1:0"])
def test_what_a_model_does_not_take_is_told(fake: Upstream, client: str, model: str) -> None:
    checks: list[Check] = []
    config = msgspec.structs.replace(STAGED, model=model).config(fake.url)
    with RunningGateway(parse(config, "twoapi.yaml", {})) as gateway:
        speaker = Client(gateway.url, "sk-any", {}, 20)
        stage = Stage(upstream=fake, client=lambda _: speaker, models={VENDOR.protocol: "conf"})
        assert run(stage, Part(pairs=[(client, VENDOR.protocol)], modes=("whole",)), checks.append) == []
    bad = {(check.scene, check.leaf): check.note for check in checks if check.verdict in ("silent", "wrong")}
    assert bad == {}
    assert sum(check.verdict == "declared" for check in checks) > 5


# --- The vendor's own client, and ours, of the same server

REPLY = Reply(
    text="Hello there, all of you.",
    reasoning="They greet.",
    opaque="c2lnbmF0dXJl",
    calls=(Called(id="tooluse_1", name="f", arguments='{"a":[1,"\u00fc"]}'),),
    stop="tool_use",
    used=Used(input=70, cached=10, written=5, output=20),
)


@pytest.fixture
def vendors_client(fake: Upstream) -> Iterator[Any]:
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=fake.base(VENDOR.protocol),
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="wJalr/XUtnFEMI",
        config=Config(retries={"max_attempts": 1}),
    )
    with closing(client):
        yield client


def through_the_gateway(fake: Upstream, *, stream: bool) -> Exchange:
    with RunningGateway(parse(STAGED.config(fake.url), "twoapi.yaml", {})) as gateway:
        client = Client(gateway.url, "sk-any", {}, 20)
        body = {"max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
        return client.send(sent("anthropic-messages", "conf", "sk-any", body, stream=stream), None)


def test_the_vendors_client_reads_the_same_answer(fake: Upstream, vendors_client: Any) -> None:
    fake.play(REPLY)
    theirs = vendors_client.converse(modelId="m:0", messages=MESSAGES)
    blocks = theirs["output"]["message"]["content"]
    ours = json.loads(through_the_gateway(fake, stream=False).body)
    thought, text, call = ours["content"]
    assert thought["thinking"] == blocks[0]["reasoningContent"]["reasoningText"]["text"]
    assert text["text"] == blocks[1]["text"]
    assert (call["id"], call["name"], call["input"]) == tuple(
        blocks[2]["toolUse"][name] for name in ("toolUseId", "name", "input")
    )
    assert ours["stop_reason"] == theirs["stopReason"]
    assert ours["usage"]["input_tokens"] == theirs["usage"]["inputTokens"]
    assert ours["usage"]["cache_read_input_tokens"] == theirs["usage"]["cacheReadInputTokens"]
    assert ours["usage"]["cache_creation_input_tokens"] == theirs["usage"]["cacheWriteInputTokens"]


def test_the_vendors_client_reads_the_same_stream(fake: Upstream, vendors_client: Any) -> None:
    fake.play(REPLY)
    stream = list(vendors_client.converse_stream(modelId="m:0", messages=MESSAGES)["stream"])
    deltas = [event["contentBlockDelta"]["delta"] for event in stream if "contentBlockDelta" in event]
    exchange = through_the_gateway(fake, stream=True)
    ours = [one["delta"] for one in chunks(exchange) if one["type"] == "content_block_delta"]
    for theirs, mine in (("text", "text"), ("reasoningContent", "thinking"), ("toolUse", "partial_json")):
        said = "".join(
            one[theirs] if theirs == "text" else one[theirs].get("text", one[theirs].get("input", ""))
            for one in deltas
            if theirs in one
        )
        assert said
        assert "".join(one.get(mine, "") for one in ours) == said


def test_the_vendors_client_fails_where_ours_does(fake: Upstream, vendors_client: Any) -> None:
    fake.play(REPLY, Fault(where="within", message="no more"))
    stream = vendors_client.converse_stream(modelId="m:0", messages=MESSAGES)["stream"]
    with closing(stream), pytest.raises(EventStreamError, match="no more"):
        list(stream)
    exchange = through_the_gateway(fake, stream=True)
    assert b"no more" in exchange.body
    assert b"message_stop" not in exchange.body
