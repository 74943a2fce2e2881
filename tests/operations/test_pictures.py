"""Pictures between OpenAI's shape and Imagen's, each asked for with the SDK of the other's vendor."""

import asyncio
import base64
from collections.abc import Iterator

import aiohttp
import openai
import pytest
from google import genai
from google.genai import errors, types
from tests.operations.lab import KEY, Lab

from twoapi.testing.replies import error_reply, json_reply
from twoapi.testing.services.openai import PICTURE

BYTES = base64.b64decode(PICTURE)
# Google's SDK says that its next major version makes pictures by generate_content alone.
pytestmark = pytest.mark.filterwarnings("ignore:The generate_images method is deprecated")
IMAGEN, OPENAI = "gemini/imagen-4.0-generate-001", "openai/gpt-image-1"


@pytest.fixture
def google(lab: Lab) -> Iterator[genai.Client]:
    """Google's SDK, which makes pictures in Vertex AI's mode alone."""
    options = types.HttpOptions(base_url=lab.gateway.url, timeout=20_000, api_version="v1")
    client = genai.Client(enterprise=True, api_key=KEY, http_options=options)
    yield client
    client.close()


def pictures(answer: types.GenerateImagesResponse) -> list[tuple[bytes | None, str | None]]:
    found = [one.image for one in answer.generated_images or []]
    return [(one.image_bytes, one.mime_type) for one in found if one is not None]


@pytest.mark.parametrize("model", [IMAGEN, OPENAI])
def test_googles_sdk(lab: Lab, google: genai.Client, model: str) -> None:
    config = types.GenerateImagesConfig(number_of_images=2, output_mime_type="image/jpeg")
    answer = google.models.generate_images(model=f"models/{model}", prompt="a red fox", config=config)
    assert [data for data, _ in pictures(answer)] == [BYTES, BYTES]
    assert lab.record().operation == "images"
    (request,) = lab.upstream.requests
    if model == IMAGEN:
        assert request.path == "/v1/models/imagen-4.0-generate-001:predict"
        assert [mime for _, mime in pictures(answer)] == ["image/jpeg"] * 2
    else:
        assert request.json() == {"model": "gpt-image-1", "prompt": "a red fox", "n": 2, "output_format": "jpeg"}


async def ask(url: str) -> types.GenerateImagesResponse:
    async with aiohttp.ClientSession() as session:
        options = types.HttpOptions(base_url=url, timeout=20_000, aiohttp_client=session)
        client = genai.Client(enterprise=True, api_key=KEY, http_options=options)
        try:
            return await client.aio.models.generate_images(model=f"models/{OPENAI}", prompt="a fox")
        finally:
            client.close()


def test_googles_asynchronous_sdk(lab: Lab) -> None:
    assert pictures(asyncio.run(ask(lab.gateway.url))) == [(BYTES, "image/png")]
    assert lab.sent() == {"model": "gpt-image-1", "prompt": "a fox"}


@pytest.mark.parametrize("model", [IMAGEN, OPENAI])
def test_openais_sdk(lab: Lab, model: str) -> None:
    answer = lab.openai.images.generate(model=model, prompt="a red fox", n=2)
    assert answer.data is not None
    assert [one.b64_json for one in answer.data] == [PICTURE, PICTURE]
    if model == IMAGEN:
        (request,) = lab.upstream.requests
        assert request.path == "/v1beta/models/imagen-4.0-generate-001:predict"
        assert request.json() == {"instances": [{"prompt": "a red fox"}], "parameters": {"sampleCount": 2}}
        assert answer.data[0].revised_prompt == "a red fox, in colour"


@pytest.mark.parametrize(
    ("size", "ratio"),
    [("1024x1024", "1:1"), ("1536x1024", "4:3"), ("1792x1024", "16:9"), ("1024x1792", "9:16"), ("512x512", "1:1")],
)
def test_sizes_become_ratios(lab: Lab, size: str, ratio: str) -> None:
    answer = lab.call("/v1/images/generations", {"model": IMAGEN, "prompt": "x", "size": size})
    assert answer.status == 200
    assert lab.sent()["parameters"] == {"aspectRatio": ratio}
    told = [(loss["path"], loss["kind"]) for loss in answer.losses()]
    assert (("/size", "approximated") in told) == (size != "1024x1024")


@pytest.mark.parametrize(
    ("model", "ratio", "size"),
    [("gpt-image-1", "1:1", "1024x1024"), ("gpt-image-1", "9:16", "1024x1536"), ("dall-e-3", "16:9", "1792x1024")],
)
def test_ratios_become_sizes(lab: Lab, model: str, ratio: str, size: str) -> None:
    reply = {"created": 1, "data": [{"b64_json": PICTURE}]}
    lab.upstream.reply(json_reply(reply))
    body = {"instances": [{"prompt": "x"}], "parameters": {"aspectRatio": ratio}}
    answer = lab.call(f"/v1beta/models/openai/{model}:predict", body)
    assert (answer.status, lab.sent()["size"]) == (200, size)
    assert lab.sent().get("response_format") == (None if model == "gpt-image-1" else "b64_json")
    told = [(loss["path"], loss["kind"]) for loss in answer.losses()]
    assert (("/parameters/aspectRatio", "approximated") in told) == (ratio != "1:1")


def test_what_only_one_of_them_has_is_told_as_lost(lab: Lab) -> None:
    body = {"model": IMAGEN, "prompt": "x", "quality": "high", "output_format": "webp", "output_compression": 50}
    answer = lab.call("/v1/images/generations", body)
    assert [(loss["path"], loss["kind"]) for loss in answer.losses()] == [
        ("/output_format", "dropped"),
        ("/output_compression", "dropped"),
        ("/quality", "dropped"),
        ("/created", "synthesized"),
    ]
    lab.clear()
    parameters = {"negativePrompt": "dogs", "outputOptions": {"mimeType": "image/png", "later": 1}}
    asked = {"instances": [{"prompt": "x", "image": {}}], "parameters": parameters, "labels": {"a": "b"}}
    answer = lab.call(f"/v1beta/models/{OPENAI}:predict", asked)
    assert {loss["path"] for loss in answer.losses()} == {
        "/instances/0/image",
        "/parameters/negativePrompt",
        "/parameters/outputOptions/later",
        "/labels",
        "/usage",
    }
    assert lab.sent() == {"model": "gpt-image-1", "prompt": "x", "output_format": "png"}


def test_a_url_of_a_picture_is_its_data(lab: Lab) -> None:
    answer = lab.openai.images.generate(model=IMAGEN, prompt="x", response_format="url", output_format="jpeg")
    assert answer.data is not None
    assert answer.data[0].url == f"data:image/jpeg;base64,{PICTURE}"
    lab.upstream.reply(json_reply({"created": 1, "data": [{"url": answer.data[0].url}]}))
    told = lab.call("/v1beta/models/openai/dall-e-2:predict", {"instances": [{"prompt": "x"}]})
    assert told.json() == {"predictions": [{"mimeType": "image/jpeg", "bytesBase64Encoded": PICTURE}]}
    lab.upstream.reply(json_reply({"created": 1, "data": [{"url": "https://x.test/a.png"}]}))
    told = lab.call("/v1beta/models/once:predict", {"instances": [{"prompt": "x"}]})
    assert (told.status, "URL" in told.json()["error"]["message"]) == (502, True)


def test_pictures_that_are_withheld(lab: Lab) -> None:
    answer = lab.call("/v1/images/generations", {"model": IMAGEN, "prompt": "half", "n": 2})
    assert len(answer.json()["data"]) == 1
    assert "/predictions/1/raiFilteredReason" in [loss["path"] for loss in answer.losses()]
    with pytest.raises(openai.BadRequestError, match="made-up reason"):
        lab.openai.images.generate(model=IMAGEN, prompt="forbidden")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": IMAGEN, "prompt": "x", "size": "large"}, "/size"),
        ({"model": IMAGEN, "prompt": "x", "size": "0x5"}, "/size"),
        ({"model": IMAGEN, "prompt": 5}, "/prompt"),
        ({"model": IMAGEN, "prompt": "x", "n": -1}, "/n"),
        ({"model": IMAGEN, "prompt": "x", "stream": True}, "/stream"),
    ],
)
def test_what_openais_clients_ask_wrongly(lab: Lab, body: object, param: str) -> None:
    answer = lab.call("/v1/images/generations", body)
    assert (answer.status, answer.json()["error"]["param"]) == (400, param)
    assert lab.upstream.requests == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "one instance"),
        ({"instances": [{"prompt": "a"}, {"prompt": "b"}]}, "one instance"),
        ({"instances": [{"content": "a"}]}, "a text is required"),
        ({"instances": [{"prompt": "a"}], "parameters": {"aspectRatio": "5:1"}}, "16:9"),
        ({"instances": [{"prompt": "a"}], "parameters": []}, "JSON object"),
    ],
)
def test_what_googles_clients_ask_wrongly(lab: Lab, body: object, words: str) -> None:
    answer = lab.call(f"/v1beta/models/{OPENAI}:predict", body)
    assert (answer.status, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert words in answer.json()["error"]["message"]
    assert lab.upstream.requests == []


@pytest.mark.parametrize(
    "answer", [{}, {"predictions": 5}, {"predictions": [5]}, {"predictions": [{"bytesBase64Encoded": 5}]}]
)
def test_answers_that_are_none(lab: Lab, answer: object) -> None:
    lab.upstream.reply(*[json_reply(answer)] * (1 if answer == {} else 3))  # tried again when it is broken
    told = lab.call("/v1/images/generations", {"model": IMAGEN, "prompt": "x"})
    assert told.status == (400 if answer == {} else 502)


def test_errors_in_the_clients_format(lab: Lab, google: genai.Client) -> None:
    lab.upstream.reply(error_reply("openai-chat", 400, "made up"))
    with pytest.raises(errors.ClientError, match=r"INVALID_ARGUMENT.*made up"):
        google.models.generate_images(model=f"models/{OPENAI}", prompt="a fox")
    lab.upstream.reply(error_reply("gemini", 400, "made up"))
    with pytest.raises(openai.BadRequestError, match="made up"):
        lab.openai.images.generate(model=IMAGEN, prompt="x")


def test_a_model_that_makes_no_pictures_is_not_asked_for_some(lab: Lab) -> None:
    answer = lab.call("/v1/images/generations", {"model": "gemini/gemini-2.5-pro", "prompt": "x"})
    assert (answer.status, answer.json()["error"]["code"]) == (400, "operation_not_supported")
