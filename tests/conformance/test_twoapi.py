"""Our own gateway, scored: nothing is worse than what is on record, and the record has every cell."""

from itertools import product
from pathlib import Path

import pytest

from twoapi.cli.conformance import load
from twoapi.config import parse
from twoapi.conformance import MODELS, NAMES, SCENES, Check, Client, Part, Stage, Upstream, run
from twoapi.conformance.gateways import GATEWAYS
from twoapi.testing.running_gateway import RunningGateway

RECORD = load(Path(__file__).parents[2] / "docs/data/conformance/twoapi.json")
ON_RECORD = {
    (cell.client, cell.upstream, cell.mode, one.scene, one.leaf)
    for cell in RECORD.cells
    for one in cell.found
    if one.verdict in ("silent", "wrong")
}
PAIRS = list(product(NAMES, NAMES))


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_nothing_is_lost_in_silence_or_wrong(client: str, upstream: str):
    checks: list[Check] = []
    with Upstream() as vendors:
        settings = parse(GATEWAYS["twoapi"].config(Upstream.bases(vendors.url)), "twoapi.yaml", {})
        with RunningGateway(settings) as gateway:
            speaker = Client(gateway.url, "sk-any", {}, 20)
            stage = Stage(upstream=vendors, client=lambda upstream: speaker, models=MODELS)
            assert run(stage, Part(pairs=[(client, upstream)]), checks.append) == []
    bad = {
        (check.client, check.upstream, check.mode, check.scene, check.leaf): check.note
        for check in checks
        if check.verdict in ("silent", "wrong")
    }
    assert {place: note for place, note in bad.items() if place not in ON_RECORD} == {}


def test_the_record_has_every_cell():
    wanted = {
        (client, upstream, scene.feature, mode)
        for client, upstream in PAIRS
        for scene in SCENES
        if client in scene.bodies and upstream in scene.upstreams
        for mode in scene.modes
    }
    assert {(cell.client, cell.upstream, cell.feature, cell.mode) for cell in RECORD.cells} == wanted
    assert RECORD.absent == []
