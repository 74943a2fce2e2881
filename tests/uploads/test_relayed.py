"""Forms that are relayed: with OpenAI's SDK, and in whatever order and framing clients send them."""

import asyncio
import hashlib
from collections.abc import Iterator
from typing import Literal

import openai
import pytest
from tests.uploads.site import BOUNDARY, KEY, SOUND, Site, form

SIZES = [0, 10, 60_000, 300_000, len(SOUND)]
PATH = "/v1/audio/transcriptions"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", SIZES)
def test_a_transcription(site: Site, size: int) -> None:
    answer = site.openai.audio.transcriptions.create(model="first/w-1", file=("a.mp3", SOUND[:size]), language="en")
    assert answer.text == digest(SOUND[:size])
    assert site.sent().fields == {"model": "w-1", "language": "en"}
    assert "content-length" in site.request().headers
    record = site.record()
    assert record.usage is not None
    assert (record.operation, record.outcome, record.stream) == ("transcriptions", "ok", False)
    assert (record.model, record.upstream_model, record.key) == ("first/w-1", "w-1", "team")
    assert (record.usage.input, record.usage.output, record.received > size) == (14, 5, True)


@pytest.mark.parametrize("kind", ["text", "srt", "vtt"])
def test_a_transcription_that_is_no_json(site: Site, kind: Literal["text", "srt", "vtt"]) -> None:
    answer = site.lenient.audio.transcriptions.with_raw_response.create(
        model="first/w-1", file=("a.mp3", SOUND), response_format=kind
    )
    assert digest(SOUND) in answer.text
    assert answer.headers["content-type"] == ("text/vtt" if kind == "vtt" else "text/plain") + "; charset=utf-8"
    assert answer.headers["twoapi-upstream"] == "first/w-1"
    assert answer.headers["twoapi-losses"] == "relay"


def test_a_transcription_as_it_is_made(site: Site) -> None:
    events = list(site.openai.audio.transcriptions.create(model="first/w-1", file=("a.mp3", SOUND), stream=True))
    assert [event.type for event in events] == [
        "transcript.text.delta",
        "transcript.text.delta",
        "transcript.text.done",
    ]
    record = site.record()
    assert record.usage is not None
    assert (record.stream, record.outcome, record.usage.output) == (True, "ok", 5)


async def transcribe(site: Site) -> None:
    async with openai.AsyncOpenAI(base_url=f"{site.gateway.url}/v1", api_key=KEY, max_retries=0) as client:
        answer = await client.audio.transcriptions.create(model="first/w-1", file=("a.mp3", SOUND))
        assert answer.text == digest(SOUND)
        stream = await client.audio.transcriptions.create(model="first/w-1", file=("a.mp3", SOUND), stream=True)
        assert [event.type async for event in stream][-1] == "transcript.text.done"


def test_the_asynchronous_client(site: Site) -> None:
    asyncio.run(transcribe(site))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_translation(site: Site) -> None:
    assert site.openai.audio.translations.create(model="once", file=("a.mp3", SOUND)).text == digest(SOUND)
    assert site.sent().fields == {"model": "w-1"}


def test_pictures_that_are_edited(site: Site) -> None:
    answer = site.openai.images.edit(
        model="first/img", image=[("a.png", SOUND), ("b.png", b"x")], mask=("m.png", b"y"), prompt="a hat"
    )
    assert answer.usage is not None
    assert answer.usage.input_tokens == 2
    assert [one.digest for one in site.sent().files["image[]"]] == [digest(SOUND), digest(b"x")]
    assert site.record().operation == "image-edits"


def test_pictures_that_are_edited_as_it_goes(site: Site) -> None:
    events = list(site.openai.images.edit(model="first/img", image=("a.png", b"x"), prompt="a hat", stream=True))
    assert [event.type for event in events] == ["image_edit.completed"]


def test_an_edit_as_json(site: Site) -> None:
    body = b'{"model":"first/img","prompt":"a hat","images":[{"image_url":"https://example.com/a.png"}]}'
    answer = site.post("/v1/images/edits", body, {"content-type": "application/json"})
    assert answer.status == 400  # by the fake, which takes forms only
    assert site.request().json()["model"] == "img"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_picture_that_is_varied(site: Site) -> None:
    assert len(site.lenient.images.create_variation(model="first/img", image=("a.png", SOUND), n=2).data or []) == 2


@pytest.mark.parametrize("size", SIZES)
def test_the_model_behind_the_file(site: Site, size: int) -> None:
    answer = site.post(PATH, form(("file", SOUND[:size]), ("model", "first/w-1"), ("language", "en")))
    assert answer.json()["text"] == digest(SOUND[:size])
    assert site.sent().fields == {"model": "w-1", "language": "en"}


@pytest.mark.parametrize("first", ["file", "model"])
def test_nothing_but_the_models_name_changes(site: Site, first: str) -> None:
    parts: list[tuple[str, str | bytes]] = [("file", SOUND), ("model", "first/w-1")]
    body = form(*(parts if first == "file" else parts[::-1]), ("prompt", "déjà vu"))
    site.post(PATH, body)
    assert site.request().body == body.replace(b"first/w-1", b"w-1")
    assert site.request().headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"


def test_a_form_whose_length_nobody_knows(site: Site) -> None:
    body = form(("model", "first/w-1"), ("file", SOUND))

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(body), 100_000):
            yield body[at : at + 100_000]

    answer = site.post(PATH, pieces())
    assert answer.json()["text"] == digest(SOUND)
    assert site.request().headers["transfer-encoding"] == "chunked"
    assert "content-length" not in site.request().headers


def test_a_deployment_is_the_model(site: Site) -> None:
    client = openai.AzureOpenAI(
        azure_endpoint=site.gateway.url, azure_deployment="deployed", api_version="2025-03-01", api_key=KEY
    )
    with client:
        answer = client.audio.transcriptions.create(model="whatever", file=("a.mp3", SOUND))
    assert answer.text == digest(SOUND)
    assert site.sent().fields == {"model": "w-1"}


def test_a_deployment_is_the_model_of_a_form_without_one(site: Site) -> None:
    path = "/openai/deployments/deployed/audio/transcriptions?api-version=1"
    assert site.post(path, form(("file", SOUND))).json()["text"] == digest(SOUND)
    assert site.sent().fields == {"model": "w-1"}
