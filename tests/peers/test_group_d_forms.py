"""Rows D11 and D14: forms, whose files keep their names and whose fields nobody picks."""

import pytest

from twoapi.testing.replies import json_reply
from twoapi.testing.services.forms import form_of

BOUNDARY = "x-boundary"
HEADERS = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(*parts: tuple[str, bytes]) -> bytes:
    """A form; each part with what its disposition says behind `form-data; `."""
    written = b"".join(b"--%b\r\n%b\r\n%b\r\n" % (BOUNDARY.encode(), head(said), data) for said, data in parts)
    return written + b"--%b--\r\n" % BOUNDARY.encode()


def head(said: str) -> bytes:
    kind = "Content-Type: application/x-own\r\n" if "filename" in said else ""
    return f"Content-Disposition: form-data; {said}\r\n{kind}".encode()


@pytest.mark.parametrize(
    "named",
    ['filename="talk 3.flac"', 'filename="Gespräch.m4a"', "filename=\"g.ogg\"; filename*=UTF-8''gr%C3%BC%C3%9Fe.ogg"],
)
@pytest.mark.parametrize("operation", ["transcriptions", "translations"])
def test_d11_a_file_keeps_its_name_and_its_type(running, operation, named):
    file = f'name="file"; {named}'
    running.one.reply(json_reply({"text": "hi"}))
    asked = form(('name="model"', b"chat1/w-1"), (file, b"\x00RIFF\r\n--x-bound"))
    answer = running.post("openai-chat", asked, HEADERS, f"/v1/audio/{operation}")
    assert (answer.status, answer.json()) == (200, {"text": "hi"})
    sent = running.one.requests[0]
    assert head(file) + b"\r\n\x00RIFF\r\n--x-bound\r\n" in sent.body
    found = form_of(sent)
    assert found.fields == {"model": "w-1"}
    assert found.files["file"][0].content_type == "application/x-own"


def test_d14_every_field_of_an_edit_arrives_known_or_not(running):
    fields = {"prompt": "a hat", "input_fidelity": "high", "moderation": "low", "an_option_of_tomorrow": '{"a": 1}'}
    running.one.reply(json_reply({"created": 1, "data": [{"b64_json": "aGk="}]}))
    asked = form(
        ('name="image[]"; filename="one.png"', b"1"),
        *((f'name="{name}"', value.encode()) for name, value in fields.items()),
        ('name="image[]"; filename="two.png"', b"2"),
        ('name="model"', b"chat1/g-1"),
        ('name="mask"; filename="mask.png"', b"3"),
    )
    answer = running.post("openai-chat", asked, HEADERS, "/v1/images/edits")
    assert answer.status == 200, answer
    found = form_of(running.one.requests[0])
    assert found.fields == {**fields, "model": "g-1"}
    files = [(name, one.name, one.data) for name, some in found.files.items() for one in some]
    assert files == [("image[]", "one.png", b"1"), ("image[]", "two.png", b"2"), ("mask", "mask.png", b"3")]
