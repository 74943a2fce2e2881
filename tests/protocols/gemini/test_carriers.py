"""What a client gives back of another protocol's reasoning, however it takes an answer apart."""

import json
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from tests.protocols.gemini.answers import CODEC, context, foreign, frames, parts_of, stream_of

from twoapi import ir
from twoapi.ir.assemble import unfold
from twoapi.protocols.gemini.carriers import settle_carriers
from twoapi.protocols.gemini.parts import opaque_of
from twoapi.protocols.sealing import PLAIN
from twoapi.testing.laws.bounds import is_linear
from twoapi.wire.http import Incoming

STATE = ir.Opaque("signature", "EqQB", ir.Origin("anthropic-messages"))
ANSWER = foreign(
    ir.Reasoning(text="Let me see.", opaque=(STATE,)),
    ir.Text(text="so"),
    ir.ToolCall(id="1", name="f", arguments="{}"),
    ir.ToolCall(id="2", name="g", arguments="{}"),
    kind="tool_use",
    protocol="anthropic-messages",
)


def whole() -> list[list[dict[str, Any]]]:
    return [parts_of(json.loads(CODEC.encode_response(ANSWER, context(), [])))]


def streamed() -> list[list[dict[str, Any]]]:
    return [parts_of(frame) for frame in frames(stream_of(list(unfold(ANSWER))))]


def without_thoughts(contents: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    return [[part for part in parts if not part.get("thought")] for parts in contents]


def given_back(contents: list[list[dict[str, Any]]]) -> list[ir.Part]:
    """The parts of the model's turn, as a request brings them, opened."""
    turns: list[dict[str, Any]] = [{"role": "model", "parts": parts} for parts in contents if parts]
    results = [{"functionResponse": {"name": name, "id": number, "response": {}}} for number, name in ("1f", "2g")]
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}, *turns, {"role": "user", "parts": results}]}
    request = CODEC.decode_request(Incoming("/v1beta/models/m:generateContent", {}, json.dumps(body).encode()))
    parts = [part for message in request.messages if message.role == "assistant" for part in message.parts]
    for part in parts:
        part.opaque = tuple(one for opaque in part.opaque for one in PLAIN.open(opaque.data) or (opaque,))
    return [part for part in parts if not isinstance(part, ir.Text) or ir.plain(part.text)]


@pytest.mark.parametrize(
    "contents", [whole(), streamed(), [list(chain(*streamed()))]], ids=["whole", "frames", "joined"]
)
def test_a_client_that_gives_all_back(contents: list[list[dict[str, Any]]]) -> None:
    thought, text, first, second = given_back(contents)
    assert isinstance(thought, ir.Reasoning)
    assert (ir.plain(thought.text), thought.opaque) == ("Let me see.", (STATE,))
    assert isinstance(text, ir.Text)
    assert isinstance(first, ir.ToolCall)
    assert (first.opaque, second.opaque) == ((), ())


@pytest.mark.parametrize("contents", [whole(), streamed()], ids=["whole", "frames"])
def test_a_client_that_gives_no_thoughts_back(contents: list[list[dict[str, Any]]]) -> None:
    thought, text, first, second = given_back(without_thoughts(contents))
    assert isinstance(thought, ir.Reasoning)
    assert (thought.text, thought.form, thought.opaque) == ("", "hidden", (STATE,))
    assert isinstance(text, ir.Text)
    assert (first.opaque, second.opaque) == ((), ())


def test_the_vendors_own_signatures_stay_where_they_are() -> None:
    parts: list[ir.Part] = [
        ir.Reasoning(text="a"),
        ir.Reasoning(text="b", opaque=(opaque_of("AAAA"),)),
        ir.ToolCall(id="1", name="f", opaque=(opaque_of("AAAA"),)),
    ]
    (message,) = settle_carriers([ir.Message("assistant", list(parts))])
    assert message.parts == parts


def test_a_thought_of_each_call_goes_before_it() -> None:
    other = ir.Opaque("signature", "EqQC", ir.Origin("anthropic-messages"))
    carriers = [ir.Opaque("other", PLAIN.seal((one,), "anthropic-messages")) for one in (STATE, other)]
    calls: list[ir.Part] = [
        ir.ToolCall(id=str(number), name="f", opaque=(carrier,)) for number, carrier in enumerate(carriers)
    ]
    (message,) = settle_carriers([ir.Message("assistant", [ir.Text(text="x"), calls[0], ir.Text(text="y"), calls[1]])])
    assert [type(part).__name__ for part in message.parts] == [
        "Reasoning",
        "Text",
        "ToolCall",
        "Reasoning",
        "Text",
        "ToolCall",
    ]
    assert [part.opaque for part in message.parts if isinstance(part, ir.Reasoning)] == [(one,) for one in carriers]


def test_twice_the_pieces_are_twice_the_work() -> None:
    carrier = ir.Opaque("other", PLAIN.seal((STATE,), "anthropic-messages"))

    def prepared(size: int) -> Callable[[], object]:
        def made() -> list[ir.Message]:
            pieces: list[ir.Part] = [ir.Reasoning(text="a") for _ in range(size)]
            calls: list[ir.Part] = [ir.ToolCall(id="1", name="f", opaque=(carrier,)) for _ in range(size)]
            return [ir.Message("assistant", [*pieces, ir.Reasoning(opaque=(carrier,)), *calls])]

        return lambda: settle_carriers(made())

    is_linear(prepared)
