"""Every scene, from clients of all four protocols, through a gateway to every platform of another vendor's protocol."""

from itertools import product

import pytest

from twoapi.config import parse
from twoapi.conformance import NAMES, Check, Client, Part, Stage, Upstream, run
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.platforms import PLATFORMS

# Azure's streams begin with a chunk that is none of OpenAI's; a relay passes it on as it is.
FILTERED = {("openai-chat", "azure"), ("openai-chat", "azure deployments")}
PAIRS = [pair for pair in product(NAMES, PLATFORMS) if pair not in FILTERED]


@pytest.mark.parametrize(("client", "platform"), PAIRS)
def test_nothing_is_lost_in_silence_or_wrong(client: str, platform: str) -> None:
    checks: list[Check] = []
    staged = PLATFORMS[platform]
    protocol = staged.vendor.protocol
    with (
        Upstream(vendors={protocol: staged.vendor}) as vendors,
        RunningGateway(parse(staged.config(vendors.url), "twoapi.yaml", {})) as gateway,
    ):
        speaker = Client(gateway.url, "sk-any", {}, 20)
        stage = Stage(upstream=vendors, client=lambda _: speaker, models={protocol: "conf"})
        assert run(stage, Part(pairs=[(client, protocol)]), checks.append) == []
    bad = {
        (check.scene, check.mode, check.leaf): check.note for check in checks if check.verdict in ("silent", "wrong")
    }
    assert bad == {}
    assert sum(check.verdict == "right" for check in checks) > 100
