"""What only a platform says: streams in its own frames, and its errors."""

import base64

import anthropic
import httpx
import openai
import pytest
from anthropic._streaming import SSEDecoder
from anthropic.lib.bedrock._stream_decoder import AWSEventStreamDecoder
from tests.vendors.clouds import CAPTURES, CHAT, MESSAGES, RESPONSES, Json, asked, platform, post

from twoapi.conformance.reply import Reply as Said
from twoapi.testing.canned import messages_frames
from twoapi.testing.eventstream import write_event, write_exception
from twoapi.testing.replies import Reply, json_reply, sse_reply
from twoapi.testing.vendors.platforms import DEPLOYMENTS

VERTEX_CLAUDE = "credentials: [ya29.x], options: {project: proj, region: europe-west1}"

# --- streams in a platform's frames

INVOKED = (CAPTURES / "fixtures/invoke_stream.eventstream.bin").read_bytes()
BEDROCK = ("anthropic-bedrock", MESSAGES, "anthropic.claude-opus-4-8", "credentials: [k], options: {region: us-east-1}")


def eventstream(*messages: bytes) -> Reply:
    return Reply(content_type="application/vnd.amazon.eventstream", pieces=messages, framing="chunked")


def in_chunks(frames: list[bytes]) -> list[bytes]:
    data = [frame.partition(b"data: ")[2].strip() for frame in frames]
    return [write_event("chunk", {"bytes": base64.b64encode(one).decode(), "p": "abc"}) for one in data]


def test_the_vendors_own_decoder_reads_the_same() -> None:
    theirs = [(event.event, event.data) for event in AWSEventStreamDecoder().iter_bytes(iter([INVOKED]))]
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(eventstream(INVOKED))
        answer = post(gateway, *asked(MESSAGES, streamed=True))
    ours = [(event.event, event.data) for event in SSEDecoder().iter_bytes(iter([answer.content]))]
    assert ours == theirs
    assert [name for name, _ in ours][-1] == "message_stop"


def test_the_vendors_own_client_reads_a_relayed_stream() -> None:
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(eventstream(*in_chunks(messages_frames("hel", "lo"))))
        client = anthropic.Anthropic(base_url=gateway.url, api_key="any", max_retries=0)
        with client.messages.stream(
            model="conf", max_tokens=10, messages=[{"role": "user", "content": "hi"}]
        ) as events:
            said = events.get_final_text()
    assert said == "hello"
    assert fake.requests[0].path == "/model/anthropic.claude-opus-4-8/invoke-with-response-stream"


EXCEPTIONS = {
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
    "serviceUnavailableException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
    "modelStreamErrorException": "api_error",
    "internalServerException": "api_error",
    "someNewException": "api_error",
}


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_in_a_stream_is_an_error_of_the_protocol(name: str) -> None:
    frames = in_chunks(messages_frames("hel", "lo"))[:4]
    broken = eventstream(*frames, write_exception(name, {"message": "It happens."}))
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(broken, broken)
        answer = post(gateway, *asked(MESSAGES, streamed=True))
        chat = post(gateway, *asked(CHAT, streamed=True))
    last = [*SSEDecoder().iter_bytes(iter([answer.content]))][-1]
    error = last.json()["error"]
    assert (last.event, error["type"], error["message"]) == ("error", EXCEPTIONS[name], "It happens.")
    assert "It happens." in chat.text
    assert "[DONE]" not in chat.text


def test_a_stream_that_begins_with_an_exception_is_an_error_with_its_status() -> None:
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(eventstream(write_exception("throttlingException", {"message": "Slow down."})))
        answer = post(gateway, *asked(CHAT, streamed=True))
    assert (answer.status_code, answer.json()["error"]["message"]) == (429, "Slow down.")


@pytest.mark.parametrize("client", [MESSAGES, CHAT])
def test_a_flipped_bit_and_a_cut_end_in_an_error(client: str) -> None:
    frames = in_chunks(messages_frames("hel", "lo"))
    wrong = bytearray(frames[4])
    wrong[-6] ^= 1
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(eventstream(*frames[:4], bytes(wrong), *frames[5:]), eventstream(*frames[:4], frames[4][:9]))
        for words in ("checksum", "ended before"):
            answer = post(gateway, *asked(client, streamed=True))
            assert words in answer.text
            assert '"message_stop"' not in answer.text
            assert "[DONE]" not in answer.text


# --- errors as the platforms tell them

GOOGLE = {
    "error": {
        "code": 429,
        "message": "Quota exceeded.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure"},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "9s"},
        ],
    }
}
FILTERED = {
    "error": {
        "message": "The response was filtered.",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"jailbreak": {"filtered": True, "detected": True}},
        },
    }
}
AZURE = ("azure-openai-deployments", CHAT, "my-deploy", "credentials: [k], options: {api_version: 2024-10-21}")
ON_VERTEX = ("anthropic-vertex", MESSAGES, "claude-opus-4-8", VERTEX_CLAUDE)


def aws(kind: str) -> dict[str, str]:
    return {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


# A platform, the status, headers and body of its error: the status, the type and the wait that Messages' clients get.
TOLD: dict[str, tuple[tuple[str, str, str, str], int, dict[str, str], Json, tuple[int, str, str | None]]] = {
    "a quota of Google's": (ON_VERTEX, 429, {}, GOOGLE, (429, "rate_limit_error", "9")),
    "the same in a list": (ON_VERTEX, 429, {}, [GOOGLE], (429, "rate_limit_error", "9")),
    "too long": (
        *(BEDROCK, 400, aws("ValidationException"), {"message": "Input is too long for requested model."}),
        (400, "invalid_request_error", None),
    ),
    "throttled": (BEDROCK, 429, aws("ThrottlingException"), {"message": "m"}, (429, "rate_limit_error", None)),
    "not ready": (BEDROCK, 429, aws("ModelNotReadyException"), {"message": "m"}, (529, "overloaded_error", None)),
    "the model failed": (BEDROCK, 424, aws("ModelErrorException"), {"message": "m"}, (502, "api_error", None)),
    "it took too long": (BEDROCK, 408, aws("ModelTimeoutException"), {"message": "m"}, (504, "timeout_error", None)),
    "no such model": (BEDROCK, 404, aws("ResourceNotFoundException"), {"message": "m"}, (404, "not_found_error", None)),
    "expired": (BEDROCK, 403, aws("ExpiredTokenException"), {"message": "m"}, (502, "api_error", None)),
    "denied": (BEDROCK, 403, aws("AccessDeniedException"), {"Message": "m"}, (502, "api_error", None)),
    "filtered": (AZURE, 400, {}, FILTERED, (400, "invalid_request_error", None)),
    "no deployment": (
        *(AZURE, 404, {}, {"error": {"code": "DeploymentNotFound", "message": "No such deployment."}}),
        (404, "not_found_error", None),
    ),
    "the rate of a deployment": (
        *(AZURE, 429, {"retry-after": "5", "retry-after-ms": "4200"}, {"error": {"code": "429", "message": "m"}}),
        (429, "rate_limit_error", "5"),
    ),
    "a key that is none": (AZURE, 401, {}, {"statusCode": 401, "message": "m"}, (502, "api_error", None)),
}


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("streamed", [False, True])
def test_an_error_is_what_the_platform_means(name: str, streamed: bool) -> None:  # noqa: FBT001
    place, status, headers, body, (told, kind, wait) = TOLD[name]
    with platform(*place) as (fake, gateway):
        fake.reply(json_reply(body, status, headers))
        answer = post(gateway, *asked(MESSAGES, streamed=streamed))
    assert (answer.status_code, answer.json()["error"]["type"]) == (told, kind)
    assert answer.headers.get("retry-after") == wait


def test_clients_that_compact_learn_that_a_prompt_is_too_long() -> None:
    with platform(*BEDROCK) as (fake, gateway):
        fake.reply(json_reply({"message": "Input is too long for requested model."}, 400, aws("ValidationException")))
        answer = post(gateway, *asked(CHAT))
    assert answer.json()["error"]["code"] == "context_length_exceeded"


def test_what_azures_filter_found_reaches_a_client_of_chat() -> None:
    with platform(*AZURE) as (fake, gateway):
        fake.reply(json_reply(FILTERED, 400))
        answer = post(gateway, *asked(CHAT))
    assert (answer.status_code, answer.json()) == (400, FILTERED)


def test_chunks_without_choices_pass_to_a_client_of_chat_as_they_are() -> None:
    frames = [*DEPLOYMENTS.say(Said(text="hello"), "m").head, *DEPLOYMENTS.say(Said(text="hello"), "m").tail]
    with platform(*AZURE) as (fake, gateway):
        fake.reply(sse_reply(frames), sse_reply(frames))
        client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0)
        chunks = list(
            client.chat.completions.create(
                model="conf",
                messages=[{"role": "user", "content": "hi"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        answer = post(gateway, *asked(CHAT, streamed=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello"
    assert answer.content.startswith(frames[0])


# --- what an upstream keeps

KEPT = {"id": "resp_1", "object": "response", "status": "completed", "output": []}


def test_a_kept_response_is_asked_for_where_the_platform_has_it() -> None:
    settings = "credentials: [k], options: {api_version: 2024-10-21}"
    with platform("azure-openai-deployments", RESPONSES, "my-deploy", settings) as (fake, gateway):
        fake.reply(json_reply(KEPT))
        answer = httpx.get(f"{gateway.url}/v1/responses/resp_1?include=x")
    got = fake.requests[0]
    assert (got.method, got.path) == ("GET", "/openai/responses/resp_1")
    assert got.query == "include=x&api-version=2024-10-21"
    assert answer.json()["id"] == "resp_1"
