"""In the middle of a tool loop another upstream answers: it gets no state of the first, and the first gets its own."""

from typing import Any

import pytest
from tests.sdk.lab import PAIRS, PROTOCOLS, Lab
from tests.sdk.loops import ARGUMENTS, LOOPS
from tests.sdk.sent import state
from tests.sdk.thinker import Thinker, made

from twoapi.ir import ENVELOPE_PREFIX
from twoapi.protocols.sealing import SEAL_PREFIX_BASE64
from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, error_reply
from twoapi.testing.scripted_model import Scenario
from twoapi.testing.strict import protocol_of

CALLED = [("here", ARGUMENTS), ("there", ARGUMENTS)]
KINDS = {protocol: kind for kind, protocol in PROTOCOLS.items()}


class Flaky:
    """A model behind every upstream, one of which is `down` now and then."""

    def __init__(self) -> None:
        self.model = Thinker(Scenario(calls=2, rounds=2, final="Done: {results}."))
        self.down = ""

    def __call__(self, request: Received) -> Reply:
        protocol = protocol_of(request.path)
        return error_reply(protocol, 503) if KINDS[protocol] == self.down else self.model(request)


def bodies(lab: Lab) -> list[tuple[str, Any]]:
    """What was sent since this was last asked, each with the kind of its upstream."""
    sent = [(KINDS[protocol_of(request.path)], request.json()) for request in lab.upstream.requests]
    for request in lab.upstream.requests:
        assert ENVELOPE_PREFIX.encode() not in request.body
        assert SEAL_PREFIX_BASE64[:16].encode() not in request.body
    assert lab.upstream.refusals == []
    lab.upstream.requests.clear()
    return sent


CASES = [
    (pair, client, how)
    for pair in PAIRS
    for client, loop in LOOPS.items()
    for how in loop.hows[:2]
    if client != "responses_by_id" and not (client == "chat_with_details" and "chat" in pair.split("-or-"))
]


@pytest.mark.parametrize(("pair", "client", "how"), CASES, ids=["-".join(case) for case in CASES])
def test_state_is_withheld_from_another_kind_of_upstream(lab: Lab, pair: str, client: str, how: Any) -> None:
    first, second = pair.split("-or-")
    lab.upstream.handler = upstreams = Flaky()
    loop = LOOPS[client](lab, how, pair)

    assert loop.ask("weather?").calls == CALLED
    loop.give("1a", "1b")
    assert [kind for kind, _ in bodies(lab)] == [first]

    upstreams.down = first
    assert loop.ask().calls == CALLED
    loop.give("2a", "2b")
    (failed, before), (answered, after) = bodies(lab)
    assert (failed, answered) == (first, second)
    sealed = first != "chat"  # whose reasoning is text
    assert state(first, before) == (made(first, 1) if sealed else [])
    assert state(second, after) == []
    relayed = (client, second) == ("chat", "chat")  # its own words, in which there is no state
    if sealed and not relayed:
        assert {"reasoning_foreign", "dropped"} & {loss.kind for loss in lab.losses()}

    upstreams.down = ""
    assert loop.ask().text == "Done: 1a, 1b, 2a, 2b."
    ((last, body),) = bodies(lab)
    assert last == first
    assert set(state(first, body)) <= set(made(first, 1))
