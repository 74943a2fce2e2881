"""The vendor's own shapes, in pairs: what is decoded and encoded again is the same, whole and streamed."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from twoapi.ir import Event, Loss, Response
from twoapi.ir.assemble import fold, unfold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import OpenAIChat
from twoapi.wire.http import Incoming

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai-chat"
STREAMS = sorted(FIXTURES.glob("stream.*.sse"))
PAIRED = [path for path in STREAMS if "error" not in path.name]
WHOLES = [*sorted(FIXTURES.glob("resp.*.json")), *sorted(FIXTURES.glob("fold.*.json"))]
CODEC = OpenAIChat()


def incoming(body: Any) -> Incoming:
    return Incoming("/v1/chat/completions", {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def context(**fields: Any) -> AnswerContext:
    body = {"model": "gpt-6-sol", "messages": [{"role": "user", "content": "hi"}], **fields}
    return AnswerContext(CODEC.decode_request(incoming(body)), 1790000000, "abc")


def normal(value: Any) -> Any:
    """A value without what means nothing here: nulls, empty annotations, the index of a folded call, list or string."""
    if isinstance(value, dict):
        kept = {key: normal(member) for key, member in value.items() if member is not None}
        if "arguments" not in kept and "function" in kept and "id" in kept:
            kept.pop("index", None)
        if kept.get("annotations") == []:
            del kept["annotations"]
        content = kept.get("content")
        if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
            kept["content"] = content[0]["text"]
        return kept
    return [normal(member) for member in value] if isinstance(value, list) else value


def decode_stream(data: bytes, size: int | None = None) -> list[Event]:
    decoder = CODEC.stream_decoder(Restore())
    step = size or len(data) or 1
    events = [event for at in range(0, len(data), step) for event in decoder.feed(data[at : at + step])]
    return [*events, *decoder.close()]


def encode_stream(events: list[Event], **fields: Any) -> bytes:
    encoder = CODEC.stream_encoder(context(stream=True, **fields), [])
    return encoder.feed(events) + encoder.close()


def encode_again(events: list[Event]) -> bytes:
    """For a client that asks for usage when there is any."""
    return encode_stream(events, stream_options={"include_usage": fold(events).usage is not None})


def chunks(stream: bytes) -> list[Any]:
    frames = [frame.removeprefix("data: ") for frame in stream.decode().split("\n\n") if frame.startswith("data: ")]
    return [json.loads(frame) for frame in frames if frame != "[DONE]"]


def without_raw_usage(response: Response) -> Response:
    if response.usage is not None:
        response.usage.raw = None
    return response


def test_a_request_is_encoded_as_it_came() -> None:
    body = (FIXTURES / "req.tools.json").read_bytes()
    losses: list[Loss] = []

    encoded = CODEC.encode_request(CODEC.decode_request(incoming(body)), "gpt-6-sol", Capabilities(), losses)

    assert normal(json.loads(encoded.outgoing.body)) == normal(json.loads(body))
    assert losses == []


@pytest.mark.parametrize("path", WHOLES, ids=lambda path: path.name)
def test_an_answer_is_encoded_as_it_came(path: Path) -> None:
    losses: list[Loss] = []

    encoded = CODEC.encode_response(CODEC.decode_response(path.read_bytes(), Restore()), context(), losses)

    assert normal(json.loads(encoded)) == normal(json.loads(path.read_bytes()))
    assert losses == []
    ChatCompletion.model_validate_json(encoded, strict=True)


@pytest.mark.parametrize("path", PAIRED, ids=lambda path: path.name)
def test_a_stream_folds_to_its_whole_twin(path: Path) -> None:
    twin = FIXTURES / path.name.replace("stream.", "fold.").replace(".sse", ".json")

    folded = fold(decode_stream(path.read_bytes()))

    assert without_raw_usage(folded) == without_raw_usage(CODEC.decode_response(twin.read_bytes(), Restore()))


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_events_do_not_depend_on_how_the_bytes_are_cut(path: Path, size: int) -> None:
    events = decode_stream(path.read_bytes(), size)

    assert violations(events) == []
    assert (
        repr(without_raw_usage(fold(events))).split("raw=")[0]
        == repr(without_raw_usage(fold(decode_stream(path.read_bytes())))).split("raw=")[0]
    )
    assert list(map(type, events)) == list(map(type, decode_stream(path.read_bytes())))


@pytest.mark.parametrize("path", PAIRED, ids=lambda path: path.name)
def test_a_stream_encoded_again_folds_to_the_same(path: Path) -> None:
    events = decode_stream(path.read_bytes())

    again = decode_stream(encode_again(events))

    assert without_raw_usage(fold(again)) == without_raw_usage(fold(events))


@pytest.mark.parametrize("path", PAIRED, ids=lambda path: path.name)
def test_the_vendors_sdk_folds_our_stream_to_the_same_answer(path: Path) -> None:
    twin = json.loads((FIXTURES / path.name.replace("stream.", "fold.").replace(".sse", ".json")).read_bytes())
    state = ChatCompletionStreamState()

    for chunk in chunks(encode_again(decode_stream(path.read_bytes()))):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    snapshot = json.loads(state.current_completion_snapshot.model_dump_json())

    twin["usage"] = twin.get("usage")
    assert normal(_dropped(snapshot)) == normal(_dropped(twin))


def _dropped(answer: Any) -> Any:
    """Without what the SDK adds while it folds: parsed forms, and the empty text of a role delta."""
    for choice in answer["choices"]:
        message = choice["message"]
        message.pop("parsed", None)
        message["content"] = message.get("content") or None
        for call in message.get("tool_calls") or ():
            call["function"].pop("parsed_arguments", None)
    return answer


@pytest.mark.parametrize("path", WHOLES, ids=lambda path: path.name)
def test_a_whole_answer_cut_into_a_stream_folds_back(path: Path) -> None:
    response = CODEC.decode_response(path.read_bytes(), Restore())

    again = fold(decode_stream(encode_again(list(unfold(response)))))

    assert without_raw_usage(again) == without_raw_usage(response)


def test_every_chunk_has_what_clients_cannot_live_without() -> None:
    for path in PAIRED:
        for chunk in chunks(encode_stream(decode_stream(path.read_bytes()))):
            assert {"id", "object", "created", "model", "choices"} <= chunk.keys()
            for choice in chunk["choices"]:
                assert {"index", "delta", "finish_reason"} <= choice.keys()
                assert all("index" in call for call in choice["delta"].get("tool_calls", ()))
