"""What the tests of answers share: a codec, streams by hand, and the vendor's SDK as the judge of what is written."""

import json
from functools import cache
from pathlib import Path
from typing import Any, get_args

from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import BaseModel

from twoapi import ir
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.openai_responses import OpenAIResponses
from twoapi.testing.frames import frames_of
from twoapi.wire.http import Incoming

CODEC = OpenAIResponses()
NAME = CODEC.name
FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai-responses"
CARRIER = "tw1.twoapi-sealed-state"


def fixture(name: str) -> bytes:
    """An example of the reference."""
    return (FIXTURES / name).read_bytes()


def context(*, protocol_request: dict[str, Any] | None = None, **fields: Any) -> AnswerContext:
    """What an answer to a request with these members must know."""
    body = {"model": "gpt-6-sol", "input": "hi", **fields, **(protocol_request or {})}
    request = CODEC.decode_request(Incoming("/v1/responses", {}, json.dumps(body).encode()))
    return AnswerContext(request, 1790000000, "abc")


def sse(*events: dict[str, Any], named: bool = True) -> bytes:
    """A stream of these events, without numbers, as compatible servers send it."""
    lines = [f"event: {event['type']}\n" if named else "" for event in events]
    return "".join(f"{line}data: {json.dumps(event)}\n\n" for line, event in zip(lines, events, strict=True)).encode()


def events_of(stream: bytes, restore: Restore | None = None) -> list[ir.Event]:
    """What the stream decoder makes of it; always a legal list."""
    decoder = CODEC.stream_decoder(restore or Restore())
    events = [*decoder.feed(stream), *decoder.close()]
    assert violations(events) == []
    return events


def folded(*events: dict[str, Any], restore: Restore | None = None) -> ir.Response:
    """The answer that these events amount to."""
    return fold(events_of(sse(*events), restore))


def stream_of(events: list[ir.Event], answering: AnswerContext | None = None, losses: Any = None) -> bytes:
    """What a client is sent."""
    encoder = CODEC.stream_encoder(answering or context(), [] if losses is None else losses)
    return encoder.feed(events) + encoder.close()


def documents(stream: bytes) -> list[dict[str, Any]]:
    """The events of a stream as plain values."""
    return [json.loads(data) for _, data in frames_of(stream)]


@cache
def _sdk_events() -> dict[str, type[BaseModel]]:
    (union, *_) = get_args(ResponseStreamEvent)
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(union)}


def judged(stream: bytes) -> SdkResponse | None:
    """The response that the vendor's SDK accumulates, after it has taken every event strictly; None when it failed."""
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for document in documents(stream):
        if document["type"] == "response.failed":
            document["response"]["error"]["code"] = "server_error"  # the SDK's list is shorter than the service's
        kind = _sdk_events()[document["type"]]
        state.handle_event(kind.model_validate_json(json.dumps(document), strict=True))
    completed: SdkResponse | None = state._completed_response
    return completed
