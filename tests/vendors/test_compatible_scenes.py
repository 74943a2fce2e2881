"""Every scene, from clients of other protocols, through a gateway to every vendor that speaks Chat in its own way."""

from itertools import product

import pytest

from twoapi.config import parse
from twoapi.conformance import NAMES, Check, Client, Part, Stage, Upstream, run
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.vendors.compatible import COMPATIBLE

CHAT = "openai-chat"  # whose own clients are relayed, with one exception: what they ask is for the vendor to judge
PAIRS = [(client, vendor) for client, vendor in product(NAMES, COMPATIBLE) if client != CHAT or vendor == "xai"]

# Turns that are calls and results; a vendor without tools gets them in words, which these scenes take for talk.
TOOL_TURNS = ("two results", "state over three turns")


@pytest.mark.parametrize(("client", "vendor"), PAIRS)
def test_nothing_is_lost_in_silence_or_wrong(client: str, vendor: str) -> None:
    checks: list[Check] = []
    staged = COMPATIBLE[vendor]
    with (
        Upstream(vendors={CHAT: staged.vendor}) as vendors,
        RunningGateway(parse(staged.config(vendors.url), "twoapi.yaml", {})) as gateway,
    ):
        speaker = Client(gateway.url, "sk-any", {}, 20)
        stage = Stage(upstream=vendors, client=lambda _: speaker, models={CHAT: "conf"})
        assert run(stage, Part(pairs=[(client, CHAT)]), checks.append) == []
    skipped = TOOL_TURNS if "tools" in staged.vendor.lacks else ()
    bad = {
        (check.scene, check.mode, check.leaf): check.note
        for check in checks
        if check.verdict in ("silent", "wrong") and check.scene not in skipped
    }
    assert bad == {}
    assert sum(check.verdict == "right" for check in checks) > 100
