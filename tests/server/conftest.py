"""A gateway with one client key and the built-in upstream, and one that is open."""

from collections.abc import Iterator

import pytest
from tests.server.front import Front, running_front

from twoapi.config import parse
from twoapi.testing.running_gateway import RunningGateway

KEY = "sk-client-0123456789"
CONFIG = f"""
listen: 127.0.0.1:0
keys: [{{key: {KEY}, name: team}}, {{key: sk-narrow-0123456789, name: narrow, models: [other]}}]
upstreams: {{demo: {{provider: demo}}}}
limits: {{header: 16KiB, receive: 1s}}
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    with RunningGateway(parse(CONFIG, "test.yaml", {})) as running:
        yield running


@pytest.fixture(scope="module")
def running() -> Iterator[Front]:
    with running_front() as ready:
        yield ready


@pytest.fixture
def front(running: Front) -> Front:
    running.clear()
    return running
