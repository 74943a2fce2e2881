"""What goes wrong reaches the user of `google-genai` as its own exceptions."""

import pytest
from google import genai
from google.genai import errors
from tests.sdk.gemini_client import ask
from tests.sdk.lab import PROTOCOLS, UPSTREAM_KEY, Lab
from tests.sdk.test_errors import BREAKS

from twoapi.testing.canned import stream
from twoapi.testing.replies import Gate, error_reply, hidden_error_reply, html_reply, sse_reply

HOWS = ("generate", "stream", "async generate", "async stream")

each_way = pytest.mark.parametrize("how", HOWS)

# Status of the upstream -> class of the exception, code and status.
TABLE = {
    400: (errors.ClientError, 400, "INVALID_ARGUMENT"),
    401: (errors.ServerError, 502, "INTERNAL"),  # our key, not theirs
    404: (errors.ClientError, 404, "NOT_FOUND"),
    429: (errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    504: (errors.ServerError, 504, "DEADLINE_EXCEEDED"),
}


@each_way
@pytest.mark.parametrize("status", TABLE)
def test_an_upstreams_error_is_the_sdks_own_exception(lab, upstream, how, status):
    lab.replies(error_reply(PROTOCOLS[upstream], status, "these very words"))
    kind, code, name = TABLE[status]
    with pytest.raises(kind) as caught:
        ask(lab, how, model=upstream)
    assert (caught.value.code, caught.value.status) == (code, name)
    assert ("these very words" in str(caught.value)) is (status != 401)
    assert UPSTREAM_KEY not in str(caught.value)


@each_way
def test_an_upstreams_failure_is_a_server_error(lab, upstream, how):
    for reply in (error_reply(PROTOCOLS[upstream], 500), hidden_error_reply(PROTOCOLS[upstream]), html_reply(502)):
        lab.replies(reply)
        with pytest.raises(errors.ServerError) as caught:
            ask(lab, how, model=upstream)
        assert caught.value.code in {500, 502}
        assert "<html>" not in str(caught.value)


@pytest.mark.parametrize("end", ["cut", "error"])
def test_a_stream_that_breaks_raises_after_what_it_said(lab, upstream, end):
    whole = stream(PROTOCOLS[upstream], "alpha", "beta").pieces
    frames = whole[: 1 + next(index for index, frame in enumerate(whole) if b"alpha" in frame)]
    gate = Gate()
    lab.replies(sse_reply([*frames, BREAKS[upstream]] if end == "error" else frames).failing(gate=gate))
    gate.release(len(frames))
    heard: list[str] = []
    with pytest.raises(errors.APIError) as caught:
        listen(lab, upstream, heard, gate)
    assert heard == ["alpha"]
    assert ("gone wrong" in str(caught.value)) is (end == "error")


def listen(lab: Lab, model: str, heard: list[str], gate: Gate) -> None:
    """Notes the words; the break comes when the first has arrived."""
    for chunk in lab.genai.models.generate_content_stream(model=model, contents="hi"):
        heard += [chunk.text] if chunk.text else []
        gate.open()


@each_way
def test_an_unknown_model_is_not_found(lab, how):
    with pytest.raises(errors.ClientError, match="there is no model 'message' here") as caught:
        ask(lab, how, model="message")
    assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")


def test_a_wrong_key_is_refused(lab):
    options = genai.types.HttpOptions(base_url=lab.gateway.url)
    client = genai.Client(api_key="wrong-key", http_options=options)
    with client as stranger, pytest.raises(errors.ClientError) as caught:
        stranger.models.generate_content(model="chat", contents="hi")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert lab.sent() == []


@each_way
def test_a_request_that_makes_no_sense_is_an_invalid_argument(lab, how):
    with pytest.raises(errors.ClientError) as caught:
        ask(lab, how, model="chat", contents=[genai.types.Content(role="alien", parts=[genai.types.Part(text="hi")])])
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    assert lab.sent() == []
