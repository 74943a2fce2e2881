"""One gateway for each file of tests, in front of upstreams that take forms."""

from collections.abc import Iterator

import pytest
from tests.uploads.site import Site, running_site


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with running_site() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.clear()
    return running
