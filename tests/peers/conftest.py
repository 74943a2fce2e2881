"""The gateway between two fake upstreams, as the gateway's own tests have it; one for all rows."""

from collections.abc import Iterator

import pytest
from tests.gateway.conftest import Bench, _bench, bench

__all__ = ["bench", "running"]


@pytest.fixture(scope="session")
def standing() -> Iterator[Bench]:
    with _bench() as ready:
        yield ready


@pytest.fixture
def running(standing: Bench) -> Bench:
    """A bench that knows nothing of the row before."""
    worker = standing.gateway.worker

    def is_idle() -> bool:
        worker.records.clear()
        worker.cooldowns.forgive()
        return worker.running == 0

    standing.gateway.wait(is_idle)
    standing.gateway.collected.records.clear()
    for upstream in (standing.one, standing.two):
        upstream._replies.clear()
        upstream.requests.clear()
        upstream.disconnects.clear()
    return standing
