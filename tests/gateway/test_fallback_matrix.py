"""One upstream fails, another of any kind answers: as if the first had never been asked."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from tests.gateway.fallback_table import CARRY, CREDENTIAL, KINDS, PLAYED, Case, Kind, cases, missed

from twoapi.config import parse
from twoapi.conformance import NAMES, Arrival, Client
from twoapi.conformance.client import Exchange
from twoapi.conformance.protocols import sent
from twoapi.conformance.reply import Fault, Reply
from twoapi.gateway.record import Record
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream, closed_port
from twoapi.testing.replies import Faults, json_reply
from twoapi.testing.replies import Reply as Answer
from twoapi.testing.running_gateway import RunningGateway

Json = Any  # a parsed JSON document

TABLE = cases()
LONG = "word " * 2000  # more than the bytes of a body that is looked at twice
# A provider for each protocol whose only credential is made, and cannot be.
BARE = "name: bare-{0}\ntitle: Bare\nprotocols: {{{0}: {{base_url: 'http://127.0.0.1:9', auth: zhipu-jwt}}}}\n"
_AT = {"openai-chat": "messages", "openai-responses": "input", "anthropic-messages": "messages", "gemini": "contents"}
# What differs from answer to answer: the time, sealed state, and what of the losses the head has told already.
_OWN = re.compile(
    rb'"created(_at)?": ?\d+'
    rb"|tw1\.[A-Za-z0-9_.-]+"
    rb"|(?m:^: twoapi-loss-report.*\n\n)"
    rb'|data: \{"twoapiLossReport": .*\r\n\r\n'
)
_PASSING = ("authorization", "x-amz-date", "content-length")


class Failing:
    """Answers as its vendor does: well, or with the failure at hand."""

    def __init__(self) -> None:
        self.upstream = FakeUpstream(self)
        self.failure = ""
        self.said = Reply()

    def __call__(self, request: Received) -> Answer:
        """The answer to a request."""
        for kind in KINDS.values():
            vendor = kind.vendor
            if request.path.startswith(vendor.base + "/") and vendor.takes(request.path[len(vendor.base) :]):
                return self._answer(kind, request)
        return Answer(status=404)

    def _answer(self, kind: Kind, request: Received) -> Answer:
        vendor = kind.vendor
        path = request.path[len(vendor.base) :]
        arrival = Arrival(
            protocol=vendor.protocol, path=path, query=request.query, headers=request.headers, body=request.json()
        )
        if not self.failure:
            assert vendor.refuses(arrival) == []
        spoken = vendor.say(self.said, kind.model)
        answer = json_reply(spoken.body)
        if vendor.streams(arrival):
            frames = (*spoken.head, *spoken.tail)
            answer = Answer(content_type=vendor.stream_type, pieces=frames, framing="chunked")
        match self.failure:
            case "":
                return answer
            case "frame":
                return answer.having(pieces=(vendor.break_off(Fault(where="within", message="broken off")),))
            case "cut":
                return answer.having(faults=Faults(cut_at=0))
            case "empty":
                return answer.having(pieces=())
            case failure:
                fault = Fault(where="before", status=int(failure) if failure.isdigit() else 500, message="no more")
                status = 200 if failure == "hidden" else vendor.status(fault)
                return json_reply(vendor.fail(fault), status, vendor.headers(fault))


class Bench(NamedTuple):
    """A gateway between two upstreams of every kind."""

    gateway: RunningGateway
    client: Client
    first: Failing
    second: Failing

    def ask(self, case: Case, alias: str) -> Exchange:
        """Sends the case's request to this model."""
        body = PLAYED[case.scene].bodies[case.client]
        if case.size == "large":
            part = {"parts": [{"text": LONG}]} if case.client == "gemini" else {"content": LONG}
            at = _AT[case.client]
            body = {**body, at: [{"role": "user", **part}, *body[at]]}
        return self.client.send(sent(case.client, alias, "sk-any", body, stream=case.mode == "stream"))

    def record(self, exchange: Exchange) -> Record:
        """What was recorded of it."""
        id_ = exchange.headers["twoapi-request-id"]
        found: list[Record] = []

        def is_there() -> bool:
            records = [*self.gateway.worker.records, *self.gateway.collected.records]
            found[:] = [record for record in records if record.request_id == id_]
            return bool(found)

        self.gateway.wait(is_there)
        return found[0]


def config(urls: tuple[str, str], gone: int, catalog: str) -> str:
    """The upstreams: `good-` at the second, all others at the first and each with a fault of its own."""
    lines, models = [f"listen: 127.0.0.1:0\ncatalog: {catalog}\nupstreams:"], ["models:"]

    def upstream(name: str, provider: str, kind: Kind, url: str, settings: str) -> None:
        at = f"protocols: {{{kind.vendor.protocol}: '{url}{kind.vendor.base}'}}"
        lines.append(f"  {name}: {{provider: {provider}, {at}, {settings}}}")

    for name, kind in KINDS.items():
        blind = "capabilities: {images: false}"
        upstream(f"good-{name}", kind.provider, kind, urls[1], kind.settings)
        upstream(f"bad-{name}", kind.provider, kind, urls[0], kind.settings)
        upstream(f"gone-{name}", kind.provider, kind, f"http://127.0.0.1:{gone}", kind.settings)
        upstream(f"blind-{name}", kind.provider, kind, urls[0], f"{kind.settings}, {blind}")
        bare = f"bare-{kind.vendor.protocol}"
        upstream(f"bare-{name}", bare, kind, urls[0], "credentials: [key-without-a-dot]")
        models.append(f"  {name}: {{candidates: ['good-{name}/{kind.model}'], retries: 0}}")
        for state in ("bad", "gone", "blind", "bare"):
            models += [
                f"  {state}-{name}-{other}: {{candidates: ['{state}-{name}/{kind.model}',"
                f" 'good-{other}/{KINDS[other].model}'], retries: 0}}"
                for other in KINDS
            ]
    return "\n".join([*lines, *models]) + "\n"


# What an upstream cannot carry even when nobody makes it so.
CANNOT = {("cohere", "PDF"), ("cohere", "image of a result")}
STATES = {"refused": "gone", CARRY: "blind", CREDENTIAL: "bare"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    catalog = tmp_path_factory.mktemp("catalog")
    for protocol in {kind.vendor.protocol for kind in KINDS.values()}:
        (catalog / f"bare-{protocol}.yaml").write_text(BARE.format(protocol), "utf-8")
    first, second = Failing(), Failing()
    with first.upstream, second.upstream:
        urls = (first.upstream.base_url("gemini"), second.upstream.base_url("gemini"))
        with RunningGateway(parse(config(urls, closed_port(), str(catalog)), "test.yaml", {})) as gateway:
            yield Bench(gateway, Client(gateway.url, "sk-any", {}, 20), first, second)


def test_whatever_can_meet_meets() -> None:
    assert missed(TABLE) == []
    assert {case[:3] for case in TABLE} == {(client, one, two) for client in NAMES for one in KINDS for two in KINDS}


@pytest.mark.parametrize("case", TABLE, ids=[case.title for case in TABLE])
def test_the_second_answers_as_if_it_were_alone(bench: Bench, case: Case) -> None:
    bench.gateway.worker.cooldowns.forgive()
    scene = PLAYED[case.scene]
    bench.second.said = bench.first.said = scene.reply
    bench.first.failure = case.failure
    for failing in (bench.first, bench.second):
        failing.upstream.requests.clear()
    name = f"{STATES.get(case.failure, 'bad')}-{case.first}-{case.second}"
    alone = bench.ask(case, case.second)
    answer = bench.ask(case, name)

    arrived = [told(request) for request in bench.second.upstream.requests]
    assert len(arrived) == (2 if alone.status == 200 else 0)
    assert arrived[:1] == arrived[1:]
    sent_first = case.failure not in (CARRY, CREDENTIAL) and (case.first, case.scene) not in CANNOT
    assert len(bench.first.upstream.requests) == (sent_first and case.failure not in STATES)
    assert (answer.status, answer.broken, own(answer, name)) == (alone.status, alone.broken, own(alone, case.second))

    sent_second = alone.status == 200
    assert answer.headers["twoapi-attempts"] == str(sent_first + sent_second)
    assert answer.report() == alone.report()
    names = ["twoapi-upstream", "content-type"]
    if case.mode == "whole":  # the head of a stream tells what was lost until then
        names += ["twoapi-losses", "twoapi-loss-report"]
    assert [answer.headers.get(name) for name in names] == [alone.headers.get(name) for name in names]

    wanted, record = bench.record(alone), bench.record(answer)
    assert record.attempts == sent_first + sent_second
    changed = {"request_id", "model", "attempts", "started", "first_byte", "duration"}
    fields = [name for name in Record.__struct_fields__ if name not in changed]
    if alone.status != 200:
        assert record.outcome in ("failed", "refused")
        fields.remove("outcome")
    assert {name: getattr(record, name) for name in fields} == {name: getattr(wanted, name) for name in fields}


def told(request: Received) -> Json:
    """All that an upstream was told, but for what differs from one time to another."""
    headers = {name: value for name, value in request.headers.items() if name not in _PASSING}
    return request.method, request.path, request.query, headers, sorted(request.headers), json.loads(request.body)


def own(exchange: Exchange, model: str) -> bytes:
    """The answer, but for what differs from one time to another; not all vendors say which model it is of."""
    made = exchange.headers["twoapi-request-id"].encode()
    body = exchange.body.replace(made, b"ID").replace(made[4:], b"ID").replace(b'"%b"' % model.encode(), b'"MODEL"')
    return _OWN.sub(b"", body)
