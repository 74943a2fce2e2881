"""What goes wrong upstream, in the gateway or in the request reaches the caller as the SDK's own exception."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from openai.types.responses import ResponseErrorEvent, ResponseFailedEvent
from tests.sdk import anthropic_client, openai_client, responses_client
from tests.sdk.lab import PROTOCOLS, UPSTREAM_KEY

from twoapi.testing.canned import stream
from twoapi.testing.replies import Gate, error_reply, hidden_error_reply, html_reply, sse_reply


class Sdk(NamedTuple):
    """A vendor's SDK: its module, its way to ask, its client's place in the lab, the header of its request ids."""

    module: Any
    ask: Any
    client: str
    request_id: str


SDKS = {
    "openai": Sdk(openai, openai_client.ask, "openai", "x-request-id"),
    "responses": Sdk(openai, responses_client.ask, "openai", "x-request-id"),
    "anthropic": Sdk(anthropic, anthropic_client.ask, "anthropic", "request-id"),
}


@pytest.fixture(params=list(SDKS))
def sdk(request: pytest.FixtureRequest) -> Sdk:
    return SDKS[request.param]


@pytest.fixture(params=["create", "iterate"])
def how(request: pytest.FixtureRequest) -> str:
    return request.param


# Status of the upstream -> name of the exception and status, for each SDK.
TABLE = {
    400: {"openai": ("BadRequestError", 400), "anthropic": ("BadRequestError", 400)},
    401: {"openai": ("InternalServerError", 502), "anthropic": ("InternalServerError", 502)},  # our key, not theirs
    403: {"openai": ("InternalServerError", 502), "anthropic": ("InternalServerError", 502)},
    404: {"openai": ("NotFoundError", 404), "anthropic": ("NotFoundError", 404)},
    413: {"openai": ("APIStatusError", 413), "anthropic": ("ContentTooLargeError", 413)},
    429: {"openai": ("RateLimitError", 429), "anthropic": ("RateLimitError", 429)},
    504: {"openai": ("InternalServerError", 504), "anthropic": ("GatewayTimeoutError", 504)},
    529: {"openai": ("InternalServerError", 503), "anthropic": ("OverloadedError", 529)},
}
# Only OpenAI knows the first of these, and Anthropic alone not the second.
OPENAI = {422: {"openai": ("UnprocessableEntityError", 422), "anthropic": ("BadRequestError", 400)}}
BUSY = {503: {"openai": ("InternalServerError", 503), "anthropic": ("OverloadedError", 529)}}
TABLES = {
    "chat": TABLE | OPENAI | BUSY,
    "responses": TABLE | OPENAI | BUSY,
    "messages": TABLE,
    "gemini": TABLE | BUSY,
}
ERRORS = [(upstream, status, told) for upstream, table in TABLES.items() for status, told in table.items()]


@pytest.mark.parametrize(("upstream", "status", "told"), ERRORS, ids=[f"{u}_{status}" for u, status, _ in ERRORS])
def test_an_upstreams_error_is_the_sdks_own_exception(lab, upstream, sdk, how, status, told):
    lab.replies(error_reply(PROTOCOLS[upstream], status, "these very words"))
    with pytest.raises(sdk.module.APIStatusError) as caught:
        sdk.ask(lab, how, model=upstream)
    error = caught.value
    assert (type(error).__name__, error.status_code) == told[sdk.client]
    assert ("these very words" in str(error)) is (status not in {401, 403})
    assert error.response.headers[sdk.request_id] == error.request_id
    assert UPSTREAM_KEY not in error.response.text


def test_an_upstreams_failure_is_a_server_error(lab, upstream, sdk, how):
    for reply in (
        error_reply(PROTOCOLS[upstream], 500, "these very words"),
        hidden_error_reply(PROTOCOLS[upstream], "these very words"),
        html_reply(502),
    ):
        lab.replies(reply)
        with pytest.raises(sdk.module.InternalServerError) as caught:
            sdk.ask(lab, how, model=upstream)
        assert caught.value.status_code in {500, 502}
        assert "<html>" not in caught.value.response.text


def test_the_time_to_wait_is_kept(lab, upstream, sdk, how):
    lab.replies(error_reply(PROTOCOLS[upstream], 429, retry_after="7"))
    with pytest.raises(sdk.module.RateLimitError) as caught:
        sdk.ask(lab, how, model=upstream)
    assert caught.value.response.headers["retry-after"] == "7"


def test_an_error_says_its_kind_in_the_vendors_words(lab, upstream):
    lab.replies(*[error_reply(PROTOCOLS[upstream], 429)] * 2)
    with pytest.raises(openai.RateLimitError) as first:
        openai_client.ask(lab, "create", model=upstream)
    with pytest.raises(anthropic.RateLimitError) as second:
        anthropic_client.ask(lab, "create", model=upstream)
    assert (first.value.type, first.value.code) == ("requests", "rate_limit_exceeded")
    assert second.value.type == "rate_limit_error"


def test_a_wrong_key_is_an_authentication_error(lab, upstream, sdk, how):
    for key in ("wrong-key", UPSTREAM_KEY):
        stranger = getattr(lab, sdk.client).with_options(api_key=key)
        with pytest.raises(sdk.module.AuthenticationError) as caught:
            ask_as(stranger, sdk, model=upstream, stream=how == "iterate")
        assert caught.value.status_code == 401
        assert key not in caught.value.response.text
    assert lab.sent() == []


def ask_as(client: Any, sdk: Sdk, **fields: Any) -> None:
    question: Any = {"messages": [{"role": "user", "content": "hi"}], **fields}
    if sdk is SDKS["responses"]:
        client.responses.create(model=fields["model"], input="hi", stream=fields["stream"])
    elif sdk.client == "openai":
        client.chat.completions.create(**question)
    else:
        client.messages.create(max_tokens=10, **question)


def test_an_unknown_model_is_not_found(lab, sdk, how):
    with pytest.raises(sdk.module.NotFoundError, match="there is no model 'message' here; did you mean 'messages'"):
        sdk.ask(lab, how, model="message")
    with pytest.raises(sdk.module.NotFoundError):
        getattr(lab, sdk.client).models.retrieve("message")


def test_an_unknown_path_is_not_found(lab, sdk):
    with pytest.raises(sdk.module.NotFoundError):
        getattr(lab, sdk.client).post("/nothing/here", body={}, cast_to=object)


@pytest.mark.parametrize("messages", [[], "hi", [{"role": "alien", "content": "hi"}], [{"role": "user"}]])
def test_a_request_that_makes_no_sense_is_a_bad_request(lab, sdk, how, messages):
    other = "messages" if sdk.client == "openai" else "chat"
    nonsense = 7 if isinstance(messages, str) else messages  # Responses takes a string
    given = {"input": nonsense or {}} if sdk is SDKS["responses"] else {"messages": messages}
    with pytest.raises(sdk.module.BadRequestError):
        sdk.ask(lab, how, model=other, **given)


# How an upstream says in the middle of a stream that it cannot go on.
BREAKS = {
    "chat": b'data: {"error":{"message":"gone wrong","type":"server_error","param":null,"code":null}}\n\n',
    "responses": b'event: error\ndata: {"type":"error","code":"server_error","message":"gone wrong","param":null,'
    b'"sequence_number":9}\n\n',
    "messages": b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"gone wrong"}}\n\n',
    "gemini": b'data: {"error":{"code":500,"message":"gone wrong","status":"INTERNAL"}}\r\n\r\n',
}


@pytest.mark.parametrize("end", ["cut", "error"])
def test_a_stream_that_breaks_raises_after_what_it_said(lab, upstream, sdk, end):
    whole = stream(PROTOCOLS[upstream], "alpha", "beta").pieces
    frames = whole[: 1 + next(index for index, frame in enumerate(whole) if b"alpha" in frame)]
    gate = Gate()
    lab.replies(sse_reply([*frames, BREAKS[upstream]] if end == "error" else frames).failing(gate=gate))
    gate.release(len(frames))
    heard: list[Any] = []
    with pytest.raises(sdk.module.APIError) as caught:
        listen(told(events(lab, sdk, upstream)), heard, gate)
    assert "alpha" in str(heard)
    assert ("gone wrong" in str(caught.value)) is (end == "error")


def told(stream: Iterator[Any]) -> Iterator[Any]:
    """The events; a failure of Responses, of which the SDK tells as of any other event, is raised."""
    for event in stream:
        error = None
        if isinstance(event, ResponseFailedEvent):
            error = event.response.error
        if isinstance(event, ResponseErrorEvent):
            error = event
        if error is not None:
            assert error.code == "server_error"
            raise openai.APIError(error.message, None, body=None)
        yield event


def listen(stream: Iterator[Any], heard: list[Any], gate: Gate) -> None:
    """Notes what is heard; the break comes when the first word has arrived."""
    for event in stream:
        heard.append(event)
        if "alpha" in str(event):
            gate.open()


def events(lab: Any, sdk: Sdk, model: str) -> Iterator[Any]:
    question: Any = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    if sdk is SDKS["responses"]:
        heard = lab.openai.responses.create(model=model, input="hi", stream=True)
    elif sdk.client == "openai":
        heard = lab.openai.chat.completions.create(**question)
    else:
        heard = lab.anthropic.messages.create(max_tokens=10, **question)
    with heard:
        yield from heard


def test_on_loss_reject_refuses_before_anything_is_sent(lab):
    with pytest.raises(openai.BadRequestError) as caught:
        openai_client.ask(lab, "create", model="messages", seed=1, extra_headers={"twoapi-on-loss": "reject"})
    assert (caught.value.code, caught.value.param) == ("conversion_loss", "/seed")
    assert lab.sent() == []
