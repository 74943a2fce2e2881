"""Moderations, pictures and speech, which one shape alone has: relayed, whole and as they come."""

import httpx
import openai
import pytest
from tests.operations.lab import KEY, Lab

from twoapi.testing.replies import Gate, Reply, sse_reply
from twoapi.testing.services.openai import PICTURE, SOUND
from twoapi.testing.services.truth import tokens


def test_moderations(lab: Lab) -> None:
    answer = lab.openai.moderations.create(model="openai/omni-moderation-latest", input=["good", "a bad word"])
    assert [one.flagged for one in answer.results] == [False, True]
    assert lab.sent()["model"] == "omni-moderation-latest"


def test_a_moderation_that_names_no_model_means_the_vendors(lab: Lab) -> None:
    assert lab.openai.moderations.create(input="good").results[0].flagged is False
    assert lab.sent() == {"input": "good"}
    assert lab.record().model == "omni-moderation-latest"


def test_pictures(lab: Lab) -> None:
    answer = lab.openai.images.generate(model="openai/img", prompt="a red fox", n=2)
    assert answer.data is not None
    assert [one.b64_json for one in answer.data] == [PICTURE, PICTURE]
    usage = lab.record().usage
    assert usage is not None
    assert (usage.input, usage.output) == (tokens("a red fox"), 272)


def test_pictures_as_they_are_made(lab: Lab) -> None:
    events = list(lab.openai.images.generate(model="openai/img", prompt="a fox", stream=True, partial_images=1))
    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]
    record = lab.record()
    assert record.usage is not None
    assert (record.outcome, record.stream, record.usage.output) == ("ok", True, 272)


@pytest.mark.parametrize("form", ["mp3", "wav", "pcm"])
def test_speech(lab: Lab, form: str) -> None:
    with lab.openai.audio.speech.with_streaming_response.create(
        model="openai/tts", voice="alloy", input="hello", response_format=form
    ) as answer:
        assert b"".join(answer.iter_bytes()) == SOUND
        assert answer.headers["content-type"] == {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}[form]
        assert answer.headers["twoapi-losses"] == "relay"
    record = lab.record()
    assert (record.operation, record.outcome, record.usage) == ("speech", "ok", None)


def test_speech_comes_as_it_is_made(lab: Lab) -> None:
    gate = Gate()
    gate.release()
    lab.upstream.reply(Reply(content_type="audio/mpeg", pieces=(b"one", b"two"), framing="chunked").failing(gate=gate))
    with lab.openai.audio.speech.with_streaming_response.create(model="openai/tts", voice="v", input="x") as answer:
        pieces = answer.iter_bytes()
        assert next(pieces) == b"one"  # the second piece waits at the gate
        gate.release()
        assert b"".join(pieces) == b"two"


def test_speech_as_events(lab: Lab) -> None:
    body = {"model": "openai/tts", "voice": "v", "input": "two words", "stream_format": "sse"}
    answer = lab.call("/v1/audio/speech", body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert b"speech.audio.done" in answer.body
    usage = lab.record().usage
    assert usage is not None
    assert (usage.input, usage.output) == (2, 9)


def test_sound_that_is_cut_off_does_not_look_whole(lab: Lab) -> None:
    sound = Reply(content_type="audio/mpeg", pieces=(SOUND,), framing="chunked")
    lab.upstream.reply(sound.failing(cut_at=2000))
    with pytest.raises((httpx.RemoteProtocolError, openai.APIConnectionError)):
        lab.openai.audio.speech.create(model="once", voice="v", input="x")
    assert lab.record().outcome == "broken"


def test_events_that_are_cut_off_end_with_an_error(lab: Lab) -> None:
    events = sse_reply([b'data: {"type":"image_generation.partial_image"}\n\n', b'data: {"type":"image_gen'])
    lab.upstream.reply(events)
    answer = lab.call("/v1/images/generations", {"model": "once", "prompt": "x", "stream": True})
    assert answer.body.endswith(b"}}\n\n")
    assert b"event: error\n" in answer.body
    assert lab.record().outcome == "broken"


def test_an_error_in_the_first_event_goes_to_the_next_one(lab: Lab) -> None:
    lab.upstream.reply(sse_reply([b'data: {"error":{"message":"made up","code":"server_error"}}\n\n']))
    answer = lab.call("/v1/images/generations", {"model": "openai/m-1", "prompt": "x", "stream": True})
    assert (answer.status, answer.headers["twoapi-attempts"]) == (200, "2")
    assert b"image_generation.completed" in answer.body


@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/audio/speech", "/v1/embeddings", "/v1/rerank"])
def test_a_request_without_a_model_is_refused(lab: Lab, path: str) -> None:
    answer = lab.call(path, {"prompt": "x"})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "/model")
    assert lab.upstream.requests == []


def test_a_client_that_waits_for_events_is_kept_awake(lab: Lab) -> None:
    gate = Gate()
    event = b'data: {"type":"image_generation.completed","b64_json":"AA"}\n\n'
    lab.upstream.reply(sse_reply([event]).failing(gate=gate))
    body = b'{"model":"patient","prompt":"x","stream":true}'
    with lab.gateway.connect() as sock:
        sock.sendall(
            b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (KEY.encode(), len(body), body)
        )
        told = sock.recv(4096)  # before the upstream has said anything
        assert b": keep-alive\n\n" in told
        gate.open()
        while data := sock.recv(4096):
            told += data
    assert b"text/event-stream" in told
    assert event in told
    assert lab.record().outcome == "ok"
