"""OpenAI's services that take a form: transcription, translation, pictures to be edited or varied."""

import hashlib
import json
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from typing import NamedTuple

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, json_reply, sse_reply
from twoapi.testing.services.refusal import RefusedError, one_of

PICTURE = "iVBORw0KGgo="
_USAGE = {
    "type": "tokens",
    "input_tokens": 14,
    "output_tokens": 5,
    "total_tokens": 19,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
}


class Uploaded(NamedTuple):
    """A file of a form."""

    name: str
    content_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """Of all its bytes."""
        return hashlib.sha256(self.data).hexdigest()


class Form(NamedTuple):
    """A form's fields, of a repeated name the last, and its files by name."""

    fields: dict[str, str]
    files: dict[str, list[Uploaded]]

    def take(self, needed: set[str], known: set[str]) -> None:
        """Raises RefusedError when a part is missing or unknown."""
        there = self.fields.keys() | self.files.keys()
        for name in needed - there:
            raise RefusedError(f"{name} is required")
        for name in there - needed - known:
            raise RefusedError(f"unknown field {name}")

    def file(self, name: str) -> Uploaded:
        """The one file of this name; raises RefusedError."""
        found = self.files.get(name, [])
        if len(found) != 1:
            raise RefusedError(f"{name} must be one file")
        return found[0]


def form_of(request: Received) -> Form:
    """The form in a request, as the standard library reads it; raises RefusedError."""
    said = request.headers.get("content-type", "")
    parsed = message_from_bytes(
        b"content-type: " + said.encode() + b"\r\n\r\n" + request.body,
        policy=policy.HTTP,
    )
    if not parsed.is_multipart() or parsed.defects:
        raise RefusedError("the body is no form")
    form = Form({}, {})
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(data, bytes):
            raise RefusedError("a part has no name")
        file_name = part.get_filename()
        if file_name is None:
            form.fields[name] = data.decode()
        else:
            form.files.setdefault(name, []).append(Uploaded(file_name, part.get_content_type(), data))
    return form


def transcriptions(form: Form) -> Reply:
    """POST /audio/transcriptions: what was said is the digest of the sound."""
    known = {"language", "prompt", "response_format", "temperature", "stream", "include[]", "timestamp_granularities[]"}
    form.take({"file", "model"}, known)
    text = form.file("file").digest
    if form.fields.get("stream") == "true":
        events = [
            {"type": "transcript.text.delta", "delta": text[:32]},
            {"type": "transcript.text.delta", "delta": text[32:]},
            {"type": "transcript.text.done", "text": text, "usage": _USAGE},
        ]
        return sse_reply([f"data: {json.dumps(event)}\n\n".encode() for event in events])
    return _written(form, text)


def translations(form: Form) -> Reply:
    """POST /audio/translations."""
    form.take({"file", "model"}, {"prompt", "response_format", "temperature"})
    return _written(form, form.file("file").digest)


def _written(form: Form, text: str) -> Reply:
    kind = one_of(form.fields.get("response_format", "json"), "json", "text", "srt", "verbose_json", "vtt")
    if kind == "json":
        return json_reply({"text": text, "usage": _USAGE})
    if kind == "verbose_json":
        return json_reply({"task": "transcribe", "language": "english", "duration": 8.5, "text": text, "segments": []})
    shown = {
        "text": f"{text}\n",
        "srt": f"1\n00:00:00,000 --> 00:00:08,500\n{text}\n\n",
        "vtt": f"WEBVTT\n\n00:00:00.000 --> 00:00:08.500\n{text}\n\n",
    }[kind]
    types = {"text": "text/plain; charset=utf-8", "srt": "text/plain; charset=utf-8", "vtt": "text/vtt; charset=utf-8"}
    return Reply(content_type=types[kind], pieces=(shown.encode(),))


def edits(form: Form) -> Reply:
    """POST /images/edits."""
    pictures = form.files.get("image", []) + form.files.get("image[]", [])
    if not pictures:
        raise RefusedError("image is required")
    known = {"image", "image[]", "mask", "model", "n", "size", "quality", "background", "stream", "partial_images"}
    form.take({"prompt"}, known | {"output_format", "input_fidelity", "user"})
    usage = {"input_tokens": len(pictures), "output_tokens": 272, "total_tokens": len(pictures) + 272}
    details = {"input_tokens_details": {"text_tokens": 0, "image_tokens": len(pictures)}}
    if form.fields.get("stream") == "true":
        done = {"type": "image_edit.completed", "b64_json": PICTURE, "created_at": 1, "usage": {**usage, **details}}
        rest = {"size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
        return sse_reply([b"event: image_edit.completed\ndata: " + json.dumps({**done, **rest}).encode() + b"\n\n"])
    return json_reply({"created": 1, "data": [{"b64_json": PICTURE}], "usage": {**usage, **details}})


def variations(form: Form) -> Reply:
    """POST /images/variations."""
    form.take({"image"}, {"model", "n", "size", "response_format", "user"})
    form.file("image")
    return json_reply({"created": 1, "data": [{"b64_json": PICTURE}] * int(form.fields.get("n", "1"))})


PATHS: Mapping[str, Callable[[Form], Reply]] = {
    "/v1/audio/transcriptions": transcriptions,
    "/v1/audio/translations": translations,
    "/v1/images/edits": edits,
    "/v1/images/variations": variations,
}
