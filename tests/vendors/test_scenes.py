"""Every scene, from clients of all four protocols, through a gateway to every vendor with a dialect of its own."""

from itertools import product

import pytest

from twoapi.config import parse
from twoapi.conformance import NAMES, Check, Client, Part, Stage, run
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors import VENDORS


@pytest.mark.parametrize(("client", "upstream"), list(product(NAMES, VENDORS)))
def test_nothing_is_lost_in_silence_or_wrong(client: str, upstream: str):
    checks: list[Check] = []
    staged = VENDORS[upstream]
    with (
        staged.serves(vendors={upstream: staged.vendor}) as vendors,
        RunningGateway(parse(staged.config(vendors.url), "twoapi.yaml", {})) as gateway,
    ):
        speaker = Client(gateway.url, "sk-any", {}, 20)
        stage = Stage(upstream=vendors, client=lambda upstream: speaker, models={upstream: "conf"})
        assert run(stage, Part(pairs=[(client, upstream)]), checks.append) == []
    bad = {
        (check.scene, check.mode, check.leaf): check.note for check in checks if check.verdict in ("silent", "wrong")
    }
    assert bad == {}
    assert sum(check.verdict == "right" for check in checks) > 100
