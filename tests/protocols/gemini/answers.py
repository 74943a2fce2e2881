"""What the tests of answers share: short ways to say an answer, a stream, a client."""

import json
from pathlib import Path
from typing import Any

from twoapi import ir
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.gemini import Gemini

CODEC = Gemini()
FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"


def fixture(name: str) -> bytes:
    return (FIXTURES / f"gemini.{name}").read_bytes()


def document(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    """An answer of an upstream with these parts."""
    one = {"content": {"parts": list(parts), "role": "model"}, "index": 0, "finishReason": "STOP", **candidate}
    return {"candidates": [one], "modelVersion": "gemini-3", "responseId": "rid"}


def answer(*parts: dict[str, Any], **candidate: Any) -> bytes:
    return json.dumps(document(*parts, **candidate)).encode()


def decode(body: bytes, restore: Restore | None = None) -> ir.Response:
    return CODEC.decode_response(body, restore or Restore())


def context(*, array: bool = False) -> AnswerContext:
    request = ir.Request(protocol="gemini", model="m", messages=[], stream=True, stream_array=array)
    return AnswerContext(request, 0, "id-1")


def foreign(*parts: ir.Part, kind: Any = "stop", protocol: str = "openai-chat", **fields: Any) -> ir.Response:
    """The answer of an upstream of another protocol."""
    stop = ir.StopReason(kind=kind)
    return ir.Response(
        protocol=protocol, id="x", model="other", candidates=[ir.Candidate(0, list(parts), stop)], **fields
    )


def encode(response: ir.Response) -> tuple[dict[str, Any], list[ir.Loss]]:
    losses: list[ir.Loss] = []
    return json.loads(CODEC.encode_response(response, context(), losses)), losses


def events_of(stream: bytes, restore: Restore | None = None) -> list[ir.Event]:
    decoder = CODEC.stream_decoder(restore or Restore())
    return decoder.feed(stream) + decoder.close()


def sse(*frames: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\r\n\r\n" for frame in frames)


def stream_of(events: list[ir.Event], losses: list[ir.Loss] | None = None, *, array: bool = False) -> bytes:
    encoder = CODEC.stream_encoder(context(array=array), [] if losses is None else losses)
    return encoder.feed(events) + encoder.close()


def frames(stream: bytes) -> list[dict[str, Any]]:
    blocks = [block.strip() for block in stream.split(b"\n\n")]
    assert all(block.startswith(b"data: ") for block in blocks if block)
    return [json.loads(block.removeprefix(b"data: ")) for block in blocks if block]


def parts_of(frame: dict[str, Any], candidate: int = 0) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = frame["candidates"][candidate]["content"]["parts"]
    return parts


def signature(data: str) -> ir.Opaque:
    return ir.Opaque("thought_signature", data, ir.Origin("gemini"))
