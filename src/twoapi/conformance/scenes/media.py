"""Scenes of images and documents, in a user's turn and in the result of a tool."""

from typing import Any

import msgspec

from twoapi.conformance.asked import Asked
from twoapi.conformance.places import Key
from twoapi.conformance.scenes.scene import MOVED, Scene, Sight, Want, says, tells
from twoapi.conformance.scenes.tools import answered, tools

Json = Any  # a parsed JSON document

_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
_LINK = "https://images.example/cat-7.png"
_PDF = "JVBERi0xLjQKMSAwIG9iago8PD4+CmVuZG9iagp0cmFpbGVyCjw8L1Jvb3QgMSAwIFI+PgolJUVPRgo="
_NOTE, _NOTE_DATA = "Note seven: the key is blue.", "Tm90ZSBzZXZlbjogdGhlIGtleSBpcyBibHVlLg=="
_LOOK = "What is on it?"


def _media(kind: str, text: str, mime: str, role: str = "user") -> Want:
    def see(asked: Asked) -> Sight:
        found = [piece for piece in asked.pieces if piece.text == text]
        if not found:
            return False
        piece = found[0]
        if (piece.kind, piece.role) != (kind, role):
            return f"it is a {piece.kind} of the {piece.role}"
        return not mime or piece.mime == mime or f"its type is {piece.mime!r}"

    return Want(name=kind if role == "user" else f"{kind} of a result", at=(text,), see=see)


def _bodies(chat: Json, responses: Json, messages: Json, gemini: Json) -> dict[str, Json]:
    """A question about one thing, which each protocol writes in its way."""
    return {
        "openai-chat": {"messages": [{"role": "user", "content": [{"type": "text", "text": _LOOK}, chat]}]},
        "openai-responses": {
            "input": [{"role": "user", "content": [{"type": "input_text", "text": _LOOK}, responses]}],
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": [{"type": "text", "text": _LOOK}, messages]}],
        },
        "gemini": {"contents": [{"role": "user", "parts": [{"text": _LOOK}, gemini]}]},
    }


IMAGE = Scene(
    feature="images",
    name="image as data",
    bodies=_bodies(
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PNG}"}},
        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{_PNG}"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _PNG}},
        {"inlineData": {"mimeType": "image/png", "data": _PNG}},
    ),
    wants=(says("user text", "user", _LOOK), _media("image", _PNG, "image/png")),
    hears=(tells("Done."),),
)

IMAGE_LINK = Scene(
    feature="images",
    name="image by URL",
    common=False,
    bodies=_bodies(
        {"type": "image_url", "image_url": {"url": _LINK}},
        {"type": "input_image", "detail": "auto", "image_url": _LINK},
        {"type": "image", "source": {"type": "url", "url": _LINK}},
        {"fileData": {"mimeType": "image/png", "fileUri": _LINK}},
    ),
    wants=(says("user text", "user", _LOOK), _media("image", _LINK, "")),
    hears=(tells("Done."),),
)


def _named(name: str) -> Want:
    """The name of a file, at the file or in words."""

    def see(asked: Asked) -> Sight:
        return any(name in piece.name or (piece.kind == "text" and name in piece.text) for piece in asked.pieces)

    return Want(name="name of the document", at=(name,), see=see)


DOCUMENT = Scene(
    feature="documents",
    name="PDF",
    bodies=_bodies(
        {"type": "file", "file": {"filename": "plan-7.pdf", "file_data": f"data:application/pdf;base64,{_PDF}"}},
        {"type": "input_file", "filename": "plan-7.pdf", "file_data": f"data:application/pdf;base64,{_PDF}"},
        {
            "type": "document",
            "title": "plan-7.pdf",
            "source": {"type": "base64", "media_type": "application/pdf", "data": _PDF},
        },
        {"inlineData": {"mimeType": "application/pdf", "data": _PDF}},
    ),
    wants=(says("user text", "user", _LOOK), _media("document", _PDF, "application/pdf"), _named("plan-7.pdf")),
    hears=(tells("Done."),),
)


def _note(asked: Asked) -> Sight:
    """What a text file says, as a file or in words."""
    return any(piece.text == _NOTE_DATA or _NOTE in piece.text for piece in asked.pieces)


TEXT_DOCUMENT = Scene(
    feature="documents",
    name="text file",
    common=False,
    bodies=_bodies(
        {"type": "file", "file": {"filename": "note-7.txt", "file_data": f"data:text/plain;base64,{_NOTE_DATA}"}},
        {"type": "input_file", "filename": "note-7.txt", "file_data": f"data:text/plain;base64,{_NOTE_DATA}"},
        {
            "type": "document",
            "title": "note-7.txt",
            "context": "found in drawer-7",
            "source": {"type": "text", "media_type": "text/plain", "data": _NOTE},
        },
        {"inlineData": {"mimeType": "text/plain", "data": _NOTE_DATA}},
    ),
    wants=(
        says("user text", "user", _LOOK),
        Want(name="document", at=(_NOTE, _NOTE_DATA), see=_note),
        _named("note-7.txt"),
        Want(
            name="context of the document",
            at=("found in drawer-7",),
            see=lambda asked: any("found in drawer-7" in piece.text + piece.name for piece in asked.pieces),
        ),
    ),
    hears=(tells("Done."),),
)

# --- A tool that answers with an image; Chat has no place for one, so none of its clients can send it. ---

_SHOWN = '{"city":"Paris","unit":"c"}'


def _result_text(asked: Asked) -> Sight:
    found = answered(asked, "Paris")
    return found is not None and ("a photo, see" in found.text or f"it says {found.text[:120]!r}")


def _result_image(asked: Asked) -> Sight:
    found = [piece for piece in asked.pieces if piece.text == _PNG]
    return bool(found) and (found[0].role == "tool" or f"{MOVED} into a turn of the {found[0].role}")


RESULT_IMAGE = Scene(
    feature="tool results",
    name="image of a result",
    common=False,
    bodies={
        "openai-responses": {
            "input": [
                {"role": "user", "content": _LOOK},
                {"type": "function_call", "call_id": "c_paris", "name": "get_weather", "arguments": _SHOWN},
                {
                    "type": "function_call_output",
                    "call_id": "c_paris",
                    "output": [
                        {"type": "input_text", "text": "a photo, see"},
                        {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{_PNG}"},
                    ],
                },
            ],
            "tools": tools("openai-responses"),
            "store": False,
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [
                {"role": "user", "content": _LOOK},
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_use",
                            "id": "c_paris",
                            "name": "get_weather",
                            "input": msgspec.json.decode(_SHOWN),
                        }
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "c_paris",
                            "content": [
                                {"type": "text", "text": "a photo, see"},
                                {
                                    "type": "image",
                                    "source": {"type": "base64", "media_type": "image/png", "data": _PNG},
                                },
                            ],
                        }
                    ],
                },
            ],
            "tools": tools("anthropic-messages"),
        },
        "gemini": {
            "contents": [
                {"role": "user", "parts": [{"text": _LOOK}]},
                {
                    "role": "model",
                    "parts": [
                        {"functionCall": {"id": "c_paris", "name": "get_weather", "args": msgspec.json.decode(_SHOWN)}}
                    ],
                },
                {
                    "role": "user",
                    "parts": [
                        {
                            "functionResponse": {
                                "id": "c_paris",
                                "name": "get_weather",
                                "response": {"output": "a photo, see"},
                                "parts": [{"inlineData": {"mimeType": "image/png", "data": _PNG}}],
                            }
                        }
                    ],
                },
            ],
            "tools": tools("gemini"),
        },
    },
    wants=(
        Want(name="text of the result", at=(Key("output"), "a photo, see"), see=_result_text),
        Want(name="image of a result", at=(_PNG,), see=_result_image),
    ),
    hears=(tells("Done."),),
)

SCENES = (IMAGE, IMAGE_LINK, DOCUMENT, TEXT_DOCUMENT, RESULT_IMAGE)
