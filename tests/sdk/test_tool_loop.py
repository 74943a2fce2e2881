"""All sixteen pairs: a loop of three turns with parallel calls, exact usage, and reasoning that its maker gets back."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.lab import UPSTREAMS, Lab
from tests.sdk.loops import ARGUMENTS, LOOPS, Loop
from tests.sdk.sent import calls, state
from tests.sdk.thinker import Thinker, made

from twoapi.ir import ENVELOPE_PREFIX
from twoapi.protocols.sealing import SEAL_PREFIX_BASE64
from twoapi.testing.scripted_model import Scenario
from twoapi.testing.scripted_turn import Tokens

# What leads to an upstream that takes its reasoning back.
MODELS = {
    "chat": "chat-replaying-reasoning",
    "responses": "responses",
    "messages": "messages",
    "gemini": "gemini",
}
SCENARIO = Scenario(
    before="Looking.",
    calls=2,
    rounds=2,
    final="Done: {results}.",
    tokens=Tokens(input=11, cached=5, written=3, output=7, reasoning=2),
)
USAGE = {"input": 19, "output": 9, "cached": 5, "reasoning": 2}


@pytest.fixture
def thinking(lab: Lab, upstream: str) -> Iterator[Lab]:
    """The lab with an upstream that thinks. Reasoning in a chat is not in its vendor's documentation: not strict."""
    lab.plays()
    lab.upstream.handler = Thinker(SCENARIO)
    lab.upstream.strict = upstream != "chat"
    yield lab
    lab.upstream.strict = True


def run(loop: Loop) -> None:
    """Two rounds of calls, the last word, and one more question."""
    for number in (1, 2):
        said = loop.ask("weather?" if number == 1 else "")
        assert said == ("Looking.", [("here", ARGUMENTS), ("there", ARGUMENTS)], USAGE)
        loop.give(f"{number}a", f"{number}b")
    assert loop.ask() == ("Done: 1a, 1b, 2a, 2b.", [], USAGE)
    assert loop.ask("and now?").calls == [("here", ARGUMENTS), ("there", ARGUMENTS)]


def check(lab: Lab, kind: str, *, returns: bool = True) -> None:
    """What was sent in the four turns: all state of the turns before, and nothing that only the gateway can read."""
    bodies = lab.sent()
    assert len(bodies) == 4
    for turns, body in enumerate(bodies):
        wanted = [one for number in range(1, turns + 1) for one in made(kind, number)]
        assert state(kind, body) == (wanted if returns else [])
        asked = calls(kind, body)
        assert [name for _, name in asked] == ["here", "there"] * min(turns, 2)
        ids = [call_id for call_id, _ in asked if call_id]
        assert len(set(ids)) == len(ids)
    for request in lab.upstream.requests:
        assert ENVELOPE_PREFIX.encode() not in request.body
        assert SEAL_PREFIX_BASE64[:16].encode() not in request.body


# A relayed chat is its client's own affair, and that one gives no reasoning back.
GIVES_NOTHING = {("chat", "chat")}
CASES = [
    (upstream, client, how)
    for upstream in UPSTREAMS
    for client, loop in LOOPS.items()
    for how in loop.hows
    if (upstream, client) != ("responses", "responses_by_id")  # there its vendor keeps the conversation
]


@pytest.mark.parametrize(("upstream", "client", "how"), CASES, ids=["-".join(case) for case in CASES])
def test_a_loop_of_three_turns(thinking: Lab, upstream: str, client: str, how: Any) -> None:
    run(LOOPS[client](thinking, how, MODELS[upstream]))
    check(thinking, upstream, returns=(client, upstream) not in GIVES_NOTHING)
