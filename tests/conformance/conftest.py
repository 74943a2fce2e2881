"""The suite's upstreams, a gateway of our own making, and a way to play scenes to it."""

from collections.abc import Callable, Iterator

import pytest
from tests.conformance.relay import Relay

from twoapi.conformance import MODELS, MODES, Check, Client, Part, Stage, Upstream, run

Play = Callable[..., list[Check]]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream(patience=0.3) as upstream:
        yield upstream


@pytest.fixture
def relay(upstream: Upstream) -> Iterator[Relay]:
    with Relay(upstream.url) as relay:
        yield relay


@pytest.fixture
def play(upstream: Upstream, relay: Relay) -> Play:
    """Plays a feature to the relay, from a protocol to itself."""

    def play(protocol: str, *features: str, modes: tuple[str, ...] = MODES) -> list[Check]:
        client = Client(relay.url, "sk-any", {}, 10)
        checks: list[Check] = []
        stage = Stage(upstream=upstream, client=lambda upstream: client, models=MODELS)
        absent = run(stage, Part(pairs=[(protocol, protocol)], features=features, modes=modes), checks.append)
        assert absent == []
        return checks

    return play
