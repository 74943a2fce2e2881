"""Whatever clients ask of these dialects, the vendors would take it or it is refused, and every loss has a place."""

import json

from hypothesis import given, note
from hypothesis import strategies as st
from tests.laws.protocols import each, few

from twoapi.conformance.vendor import Arrival
from twoapi.ir import FaultError, Loss
from twoapi.protocols.base import Codec
from twoapi.protocols.pieces import said_at_once
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.providers.catalog import load_catalog
from twoapi.providers.model import capabilities_for
from twoapi.testing.laws.requests import refused_by_path
from twoapi.testing.laws.subject import decoded
from twoapi.testing.strategies.payloads import REQUESTS
from twoapi.testing.vendors import VENDORS

# Dialect and model, and the path at which that one is.
DIALECTS = {
    ("hunyuan", "hunyuan-turbos-latest"): "/hunyuan/",
    ("hunyuan", "hunyuan-lite"): "/hunyuan/",
    ("spark", "4.0Ultra"): "/spark/v1/chat/completions",
    ("spark", "lite"): "/spark/v1/chat/completions",
    ("spark", "spark-x"): "/spark/v2/chat/completions",
    ("spark-socket", "4.0Ultra"): "/spark-socket/v4.0/chat",
    ("spark-socket", "lite"): "/spark-socket/v1.1/chat",
    ("spark-socket", "spark-x"): "/spark-socket/v1/x1",
}


@each
@few
@given(data=st.data())
def test_the_vendor_would_take_it(codec: Codec, data: st.DataObject) -> None:
    body = data.draw(REQUESTS[codec.name]())
    note(body.decode("utf-8", "replace"))
    for (dialect, model), path in DIALECTS.items():
        judge(codec, body, dialect, model, path)


def judge(codec: Codec, body: bytes, dialect: str, model: str, path: str) -> None:
    losses: list[Loss] = []
    capabilities = capabilities_for(load_catalog()[dialect], dialect, model)
    try:
        request = said_at_once(decoded(codec, body))
        outgoing = UPSTREAM_CODECS[dialect].encode_request(request, model, capabilities, losses).outgoing
    except FaultError as error:
        refused_by_path(error, body)
        return
    headers = {name.decode(): value.decode() for name, value in outgoing.headers}
    arrival = Arrival(protocol=dialect, path=path, headers=headers, body=json.loads(outgoing.body))
    problems = [problem for problem in VENDORS[dialect].vendor.refuses(arrival) if problem[0] not in _OF_THE_GATEWAY]
    assert problems == [], f"{dialect}: {outgoing.body.decode()}"
    document = json.loads(body)
    for loss in losses:
        assert loss.kind == "synthesized" or _exists(document, loss.path), f"there is no place of {loss}"


# What the gateway adds behind the encoder: the application and the signature.
_OF_THE_GATEWAY = ("", "/header/app_id")


def _exists(document: object, pointer: str) -> bool:
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return False
    return True
