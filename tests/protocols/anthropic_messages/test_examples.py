"""The recorded examples: every one is taken, and the same protocol gives it back as it was."""

import json
from typing import Any

import pytest
from tests.protocols.anthropic_messages.wire import (
    CODEC,
    FIXTURES,
    OLD,
    compact,
    context,
    decode,
    encode,
    events_of,
    fixture,
    frames,
    norm,
    settled,
    stream_of,
)

from twoapi import ir
from twoapi.ir.assemble import fold
from twoapi.ir.grammar import violations
from twoapi.protocols.base import Restore

ANSWERS = sorted(p.name for p in FIXTURES.glob("anthropic.resp.*")) + sorted(
    p.name for p in FIXTURES.glob("anthropic.fold.*")
)
STREAMS = sorted(p.name for p in FIXTURES.glob("anthropic.stream.*"))


def twin_of(stream: str) -> str:
    return stream.replace(".stream.", ".fold.").replace(".sse", ".json")


WITH_TWIN = [name for name in STREAMS if (FIXTURES / twin_of(name)).exists()]


def test_a_request_comes_back_as_it_was() -> None:
    body = json.loads(fixture("anthropic.req.full.json"))

    assert encode(decode(body)) == (body, [])


def test_fields_of_a_later_day_come_back_in_their_places() -> None:
    body: dict[str, Any] = {
        "model": "m",
        "max_tokens": 5,
        "zz": {"a": 1},
        "context_management": {"edits": []},
        "metadata": {"zz": 2},
        "output_config": {"task_budget": {"type": "tokens", "total": 9}},
        "system": [{"type": "text", "text": "s", "zz": 3}],
        "messages": [
            {
                "role": "user",
                "zz": 4,
                "content": [
                    {"type": "text", "text": "x", "zz": 5},
                    {"type": "hologram", "beam": [1, {"type": "text"}]},
                    {"type": "container_upload", "file_id": "f"},
                    {"type": "image", "source": {"type": "url", "url": "u", "zz": 6}, "transformations": {"crop": 1}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "y", "citations": [{"type": "star_location", "n": 1}]},
                    {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t",
                        "content": [
                            {"type": "tool_reference", "tool_name": "g"},
                            {"type": "text", "text": "z", "q": 1},
                        ],
                    }
                ],
            },
        ],
        "tools": [
            {"name": "f", "input_schema": {"type": "object"}, "zz": 7},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "mcp_toolset", "mcp_server_name": "s"},
        ],
    }

    assert encode(decode(body)) == (body, [])


def test_extras_of_parts_that_moved_go_with_them_and_others_are_reported() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "", "zz": 1}]},
            {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "x", "zz": 2}]},
        ],
    }

    assert encode(decode(body)) == (
        body | {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "zz": 2}]}]},
        [
            ("/messages/0/content/0", "info"),
            ("/messages/1/content/0", "info"),
            ("/messages/0/content/0/zz", "dropped"),
        ],
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_comes_back_as_it_was(name: str) -> None:
    body = fixture(name)
    losses: list[ir.Loss] = []

    encoded = CODEC.encode_response(CODEC.decode_response(body, Restore()), context(), losses)

    assert (norm(json.loads(encoded)), losses) == (norm(json.loads(body)), [])


def test_unknown_fields_of_an_answer_come_back() -> None:
    body = json.loads(fixture("anthropic.resp.citations.json")) | {"zz": 1, "container": {"id": "c"}}
    body["content"][2]["zz"] = 2
    body["usage"] |= {"speed": "fast", "zz": 3}
    losses: list[ir.Loss] = []

    answer = CODEC.decode_response(json.dumps(body).encode(), Restore())

    assert norm(json.loads(CODEC.encode_response(answer, context(), losses))) == norm(body)
    assert losses == []


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_legal_and_the_same_however_it_is_cut(name: str) -> None:
    stream = fixture(name)
    decoder = CODEC.stream_decoder(Restore())
    bytewise = [event for i in range(len(stream)) for event in decoder.feed(stream[i : i + 1])] + decoder.close()

    assert violations(events_of(stream)) == []
    assert settled(bytewise) == settled(events_of(stream))


@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_stream_folds_to_its_twin(name: str) -> None:
    twin = CODEC.decode_response(compact(fixture(twin_of(name))), Restore())

    assert settled(fold(events_of(fixture(name)))) == settled(twin)


@pytest.mark.parametrize("name", WITH_TWIN)
def test_a_stream_that_is_encoded_again_folds_to_the_same(name: str) -> None:
    losses: list[ir.Loss] = []
    events = events_of(fixture(name))

    again = stream_of(events, losses)

    assert settled(fold(events_of(again))) == settled(fold(events))
    assert losses == []


def test_an_error_in_the_middle_stays_one() -> None:
    sent = frames(stream_of(events_of(fixture("anthropic.stream.error-midway.sse"))))

    assert [event["type"] for event in sent] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "error",
    ]
    assert sent[-1]["error"] == {"type": "overloaded_error", "message": "Overloaded", "details": None}


def test_an_older_version_keeps_its_sampling_parameters() -> None:
    body = {
        "model": "m",
        "max_tokens": 5,
        "temperature": 0.5,
        "top_k": 3,
        "messages": [{"role": "user", "content": "x"}],
    }

    assert encode(decode(body, OLD)) == (body, [])
