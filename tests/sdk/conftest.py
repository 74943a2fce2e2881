"""One gateway for each file of tests; every test says what its upstream plays."""

from collections.abc import Iterator

import pytest
from tests.sdk.lab import UPSTREAMS, Lab, running_lab


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    with running_lab() as lab:
        yield lab


@pytest.fixture
def lab(running: Lab) -> Lab:
    running.plays()
    return running


@pytest.fixture(params=UPSTREAMS, ids=lambda protocol: f"to_{protocol}")
def upstream(request: pytest.FixtureRequest) -> str:
    """The protocol of the upstream, which is also the alias that leads there."""
    return request.param
