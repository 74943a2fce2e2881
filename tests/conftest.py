"""What holds for every test: the hypothesis profile, and no skips on CI."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

ON_CI = os.environ.get("CI", "").lower() in {"1", "true"}

# How much is tried: "ci" is what every run does, always the same; "nightly" draws anew, and takes hours.
PROFILE = os.environ.get("TWOAPI_HYPOTHESIS_PROFILE") or "ci"
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]  # explaining takes longer than the time allowed
settings.register_profile(
    "ci",
    max_examples=100,
    phases=PHASES,
    deadline=None,  # a shared machine stalls now and then
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly",
    max_examples=10_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(PROFILE)
if PROFILE == "nightly":
    os.environ.setdefault("PYTEST_TIMEOUT", "0")

# Every client of an SDK reads all the world's certificates, some 20 ms a client, of which no test needs one.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "fixtures" / "no_authority.pem")


def pytest_collection_finish() -> None:
    """Leaves what was collected, a million objects that stay, out of each later look for garbage, and looks seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[Any]:
    """Fails a test that was skipped on CI: there every tool it may need is installed."""
    report = yield
    return _without_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[Any]:
    """Fails a module that was skipped on CI."""
    report = yield
    return _without_skip(report)


def _without_skip(report: Any) -> Any:
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
