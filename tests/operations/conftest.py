"""One gateway for each file of tests, in front of fakes of the vendors' services."""

from collections.abc import Iterator

import pytest
from tests.operations.lab import Lab, running_lab


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("catalog")) as lab:
        yield lab


@pytest.fixture
def lab(running: Lab) -> Lab:
    running.clear()
    return running
