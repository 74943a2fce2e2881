"""What each stage of a request costs in the codecs alone, in this process: the least of many tries.

    python -m bench.stages          microseconds per call, and per event for streams

The least time is hardly disturbed by what else the machine does, so this tells where a change has helped.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import canned
from bench.gateways import CONVERTED, RELAY, Route, Site, fill
from bench.report import as_text, number
from twoapi.config.load import load
from twoapi.gateway.convert import Convert
from twoapi.gateway.relay import Relay
from twoapi.gateway.snapshot import Snapshot
from twoapi.gateway.way import Way
from twoapi.ir import Event
from twoapi.policy.route import Candidate
from twoapi.protocols.base import AnswerContext, Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.wire.http import Incoming

WORDS = 60
BURST = 8  # events in one read
TRIES = 300
MODELS = {
    "openai-chat": canned.CHAT_MODEL,
    "openai-responses": canned.CHAT_MODEL,
    "anthropic-messages": canned.MESSAGES_MODEL,
    "gemini": canned.GEMINI_MODEL,
}
ANSWERS = {
    "openai-chat": canned.chat_answer(),
    "openai-responses": canned.responses_answer(),
    "anthropic-messages": canned.messages_answer(),
    "gemini": canned.gemini_answer(),
}
STREAMS = {
    "openai-chat": canned.chat_events(WORDS),
    "openai-responses": canned.responses_events(WORDS),
    "anthropic-messages": canned.messages_events(WORDS),
    "gemini": canned.gemini_events(WORDS),
}
CLOCK = (1_750_000_000, "0123456789abcdef")

Rows = list[tuple[str, float]]


def least(act: Callable[[], object], calls: int, tries: int = TRIES) -> float:
    """Microseconds of one call in the best try."""
    best = float("inf")
    for _ in range(tries):
        begin = time.perf_counter()
        for _ in range(calls):
            act()
        best = min(best, time.perf_counter() - begin)
    return best / calls * 1e6


def incoming_for(route: Route, *, big: bool = False, stream: bool = False) -> Incoming:
    """A client's request as the server hands it over."""
    headers = {name.lower().encode(): value.encode() for name, value in route.headers.items()}
    path, _, query = route.path(stream=stream).partition("?")
    return Incoming(path, headers, route.body(big=big, stream=stream), query)


def candidate_for(route: Route) -> Candidate:
    """The upstream that the benchmark's configuration gives this request to."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load(fill("twoapi.yaml", Site(Path(folder), 1), 1), {})
    snapshot = Snapshot(settings)
    key = snapshot.keys.find(incoming_for(route).headers)
    if key is None:
        raise LookupError("the benchmark's configuration does not know its own key")
    return snapshot.plan(route.model, route.client, key).candidates[0]


def relay_stages(route: Route, *, big: bool) -> Rows:
    """A relayed request and its answer."""
    codec = CODECS[route.client]
    incoming = incoming_for(route, big=big)
    peek = codec.peek(incoming)
    capabilities = Capabilities()
    calls, tries = (2, 60) if big else (20, TRIES)
    rows = [
        ("peek", least(lambda: codec.peek(incoming), calls, tries)),
        ("relay_request", least(lambda: codec.relay_request(incoming, peek, "gpt-4o", capabilities), calls, tries)),
    ]
    if not big:
        rows.append(("inspect", least(lambda: codec.inspect(ANSWERS[route.client]), calls)))
    return rows


def convert_stages(route: Route, *, big: bool) -> Rows:
    """A converted request and its answer."""
    client, upstream = CODECS[route.client], CODECS[route.upstream]
    incoming = incoming_for(route, big=big)
    request = client.decode_request(incoming)
    model, capabilities = MODELS[route.upstream], Capabilities()
    calls, tries = (2, 60) if big else (20, TRIES)
    rows = [
        ("peek", least(lambda: client.peek(incoming), calls, tries)),
        ("decode_request", least(lambda: client.decode_request(incoming), calls, tries)),
        ("encode_request", least(lambda: upstream.encode_request(request, model, capabilities, []), calls, tries)),
    ]
    if not big:
        answer, context = ANSWERS[route.upstream], AnswerContext(request, *CLOCK)
        response = upstream.decode_response(answer, Restore())
        rows += [
            ("decode_response", least(lambda: upstream.decode_response(answer, Restore()), calls)),
            ("encode_response", least(lambda: client.encode_response(response, context, []), calls)),
        ]
    return rows


def stream_stages(route: Route) -> Rows:
    """A streamed answer, per event: each event in a read of its own, and eight in one."""
    client = CODECS[route.client]
    incoming = incoming_for(route, stream=True)
    request = client.decode_request(incoming)
    events = STREAMS[route.upstream]

    def way() -> Way:
        if route.client == route.upstream:
            return Relay(client, incoming, client.peek(incoming), MODELS[route.upstream], Capabilities(), CLOCK)
        return Convert(client, candidate_for(route), request, CLOCK)

    ready = way()
    bursts = [b"".join(events[at : at + BURST]) for at in range(0, len(events), BURST)]
    rows = [
        ("stream, single", _pumped(ready, events) / len(events)),
        (f"stream, {BURST} in one", _pumped(ready, bursts) / len(events)),
    ]
    if route.client != route.upstream:
        rows.append(("stream, decode", _decoded(route, events) / len(events)))
        rows.append(("stream, encode", _encoded(route, request_events(route)) / len(events)))
    return rows


def request_events(route: Route) -> list[list[Event]]:
    """The upstream's stream as events, one list per read."""
    decoder = CODECS[route.upstream].stream_decoder(Restore())
    return [decoder.feed(data) for data in STREAMS[route.upstream]]


def _pumped(way: Way, reads: list[bytes]) -> float:
    def pump_all() -> None:
        feed = way.pump().feed
        for data in reads:
            feed(data)

    return least(pump_all, 2)


def _decoded(route: Route, reads: list[bytes]) -> float:
    codec = CODECS[route.upstream]

    def decode_all() -> None:
        feed = codec.stream_decoder(Restore()).feed
        for data in reads:
            feed(data)

    return least(decode_all, 2)


def _encoded(route: Route, reads: list[list[Event]]) -> float:
    codec = CODECS[route.client]
    context = AnswerContext(codec.decode_request(incoming_for(route, stream=True)), *CLOCK)

    def encode_all() -> None:
        feed = codec.stream_encoder(context, []).feed
        for events in reads:
            feed(events)

    return least(encode_all, 2)


def main() -> None:
    for route in (RELAY, *CONVERTED):
        stages = relay_stages if route.client == route.upstream else convert_stages
        rows = [["us", "1.2 KB", "216 KB"]]
        big = dict(stages(route, big=True))
        for name, value in stages(route, big=False):
            rows.append([name, number(value), number(big[name]) if name in big else ""])
        rows += [[name, number(value), ""] for name, value in stream_stages(route)]
        print(f"\n## {route.name}\n{as_text(rows)}")


if __name__ == "__main__":
    main()
