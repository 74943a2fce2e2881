"""The vendor's own reader of answers says of the same bytes what the decoder says."""

import io
import json
from base64 import b64encode
from typing import Any

import botocore.parsers  # type: ignore[import-untyped]
import pytest
from botocore.eventstream import EventStream  # type: ignore[import-untyped]
from botocore.exceptions import EventStreamError  # type: ignore[import-untyped]
from hypothesis import given
from tests.laws.protocols import few
from tests.protocols.bedrock_converse.oracle import operation

from twoapi import ir
from twoapi.ir.assemble import fold
from twoapi.protocols.base import Restore
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.testing.eventstream import write_exception
from twoapi.testing.laws.subject import events_of
from twoapi.testing.strategies.converse_answers import converse_answer_bodies, converse_answers, converse_streams

CONVERSE = UPSTREAM_CODECS["bedrock-converse"]


class Wire:
    """What the vendor's reader reads from: bytes that come as they like."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def stream(self) -> Any:
        yield from io.BytesIO(self._data)

    def close(self) -> None:
        """Nothing is open."""


def whole(body: bytes) -> Any:
    """The answer as the vendor's client gives it to its user."""
    told = {"status_code": 200, "headers": {}, "body": body}
    return botocore.parsers.create_parser("rest-json").parse(told, operation().output_shape)


def events(stream: bytes) -> list[Any]:
    """The events as the vendor's client gives them to its user."""
    shape = operation("ConverseStream").output_shape.members["stream"]
    return list(EventStream(Wire(stream), shape, botocore.parsers.EventStreamJSONParser(), "ConverseStream"))


def told(response: ir.Response) -> Any:
    """What an answer says, in neutral words."""
    (candidate,) = response.candidates
    said: list[Any] = []
    for part in candidate.parts:
        match part:
            case ir.Text():
                said.append(("text", ir.plain(part.text)))
            case ir.Reasoning():
                said.append(("reasoning", ir.plain(part.text), [opaque.data for opaque in part.opaque]))
            case ir.ToolCall():
                said.append(("call", part.id, part.name, json.loads(part.arguments)))
            case ir.Media(source=ir.Base64(data=data)):
                said.append(("image", data))
            case _:
                assert isinstance(part, ir.ServerTool)
    assert candidate.stop is not None
    usage = response.usage or ir.Usage()
    return said, candidate.stop.raw, (usage.input, usage.output, usage.cache_read, usage.cache_write)


def read_whole(answer: Any) -> Any:
    """The same of what the vendor's client gives."""
    said = [one for block in answer["output"]["message"]["content"] if (one := block_told(block)) is not None]
    return said, answer["stopReason"], counts(answer["usage"])


def block_told(block: Any) -> Any:
    ((kind, value),) = block.items()
    match kind:
        case "text":
            return ("text", value)
        case "citationsContent":
            return ("text", "".join(piece["text"] for piece in value["content"]))
        case "reasoningContent" if "reasoningText" in value:
            return ("reasoning", value["reasoningText"]["text"], [value["reasoningText"]["signature"]])
        case "reasoningContent":
            return ("reasoning", "", [b64encode(value["redactedContent"]).decode()])
        case "image":
            return ("image", b64encode(value["source"]["bytes"]).decode())
        case _:
            own = "type" not in value and kind == "toolUse"
            return ("call", value["toolUseId"], value["name"], value["input"]) if own else None


def counts(usage: Any) -> Any:
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    return tuple(usage.get(name) for name in names)


def read_stream(made: list[Any]) -> Any:
    """A whole answer of the vendor's events, as its documentation says that they are to be put together."""
    blocks: dict[int, Any] = {}
    answer: Any = {}
    for event in made:
        ((kind, value),) = event.items()
        match kind:
            case "contentBlockStart":
                blocks[value["contentBlockIndex"]] = value["start"]
            case "contentBlockDelta":
                add(blocks.setdefault(value["contentBlockIndex"], {}), value["delta"])
            case "messageStop":
                answer["stopReason"] = value["stopReason"]
            case "metadata":
                answer["usage"] = value["usage"]
            case _:
                assert kind in ("messageStart", "contentBlockStop")
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
    answer["output"] = {"message": {"content": [blocks[index] for index in sorted(blocks)]}}
    return read_whole(answer)


def add(block: Any, delta: Any) -> None:
    ((kind, value),) = delta.items()
    match kind:
        case "text":
            block["text"] = block.get("text", "") + value
        case "toolUse":
            block["toolUse"]["input"] = block["toolUse"].get("input", "") + value["input"]
        case "image":
            block["image"]["source"] = value["source"]
        case "reasoningContent" if "redactedContent" in value:
            block["reasoningContent"] = value
        case "reasoningContent":
            thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
            for name, text in value.items():
                thought[name] = thought.get(name, "") + text
        case _:
            assert kind in ("citation", "toolResult")


@few
@given(converse_answers())
def test_whole_answers(body: bytes) -> None:
    assert told(CONVERSE.decode_response(body, Restore())) == read_whole(whole(body))


@few
@given(converse_answer_bodies().flatmap(converse_streams))
def test_streams(stream: bytes) -> None:
    assert told(fold(events_of(CONVERSE, [stream]))) == read_stream(events(stream))


@pytest.mark.parametrize("kind", ["throttlingException", "validationException", "modelStreamErrorException"])
def test_exceptions(kind: str) -> None:
    stream = write_exception(kind, {"message": "slow down"})
    with pytest.raises(EventStreamError, match="slow down") as caught:
        events(stream)
    fault = fold(events_of(CONVERSE, [stream])).fault
    assert fault is not None
    error = caught.value.response["Error"]
    assert (fault.code, fault.message) == (error["Code"], error["Message"])
