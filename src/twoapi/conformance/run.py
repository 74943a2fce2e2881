"""Plays the scenes to a gateway, pair by pair, and collects what is said of each leaf."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from twoapi.conformance import judge
from twoapi.conformance.answer import Answer
from twoapi.conformance.client import Client, Exchange
from twoapi.conformance.history import extend
from twoapi.conformance.judge import Finding
from twoapi.conformance.protocols import NAMES, sent
from twoapi.conformance.reply import Reply
from twoapi.conformance.scenes import MODES, REPLAY_HEARS, REPLAY_WANTS, SCENES, Hear, Scene, Want
from twoapi.conformance.upstream import Upstream
from twoapi.conformance.vendor import Arrival, Vendor
from twoapi.conformance.verdict import Check, Verdict

Json = Any  # a parsed JSON document
Pair = tuple[str, str]

_SHOWN = 160  # of an error


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway between its clients and its upstreams.

    `client` makes the client for an upstream, `models` names the model that the gateway sends to it.
    """

    upstream: Upstream
    client: Callable[[str], Client]
    models: Mapping[str, str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is played: these pairs, these features (none: all), these modes."""

    pairs: list[Pair]
    features: tuple[str, ...] = ()
    modes: tuple[str, ...] = MODES


class _Act(msgspec.Struct, frozen=True, kw_only=True):
    """A scene for a pair in a mode."""

    stage: Stage
    client: str
    upstream: str
    scene: Scene
    mode: str

    @property
    def vendor(self) -> Vendor:
        return self.stage.upstream.vendors[self.upstream]

    @property
    def stream(self) -> bool:
        return self.mode == "stream"


class _Play(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange, as it went: the client's body, the upstream's answer, and what both sides got."""

    body: Json
    reply: Reply
    exchange: Exchange
    arrivals: list[Arrival]


def run(stage: Stage, part: Part, told: Callable[[Check], None]) -> list[Pair]:
    """Tells every check of a part; gives back the pairs that are not offered."""
    absent = []
    for client, upstream in part.pairs:
        if not _is_offered(stage, client, upstream):
            absent.append((client, upstream))
            continue
        for act in _acts(stage, client, upstream, part):
            for leaf, verdict, note in _findings(act):
                told(
                    Check(
                        client=client,
                        upstream=upstream,
                        feature=act.scene.feature,
                        scene=act.scene.name,
                        mode=act.mode,
                        leaf=leaf,
                        verdict=verdict,
                        note=note,
                    )
                )
    return absent


def _acts(stage: Stage, client: str, upstream: str, part: Part) -> Iterator[_Act]:
    for scene in SCENES:
        if part.features and scene.feature not in part.features:
            continue
        if client in scene.bodies and _is_meant(scene, upstream):
            for mode in scene.modes:
                if mode in part.modes:
                    yield _Act(stage=stage, client=client, upstream=upstream, scene=scene, mode=mode)


def _is_meant(scene: Scene, upstream: str) -> bool:
    """Whether a scene is played to an upstream: a dialect of its own gets what all four get."""
    return upstream in scene.upstreams or (upstream not in NAMES and scene.upstreams == NAMES)


def _is_offered(stage: Stage, client: str, upstream: str) -> bool:
    """Whether the gateway has a way for this pair: else a plain question is refused and never reaches the upstream."""
    act = _Act(stage=stage, client=client, upstream=upstream, scene=SCENES[0], mode="whole")
    played = _send(act, act.scene.bodies[client], act.scene.reply)
    return played.exchange.status < 400 or upstream in [one.protocol for one in played.arrivals]


def _findings(act: _Act) -> Iterator[Finding]:
    scene = act.scene
    body = scene.bodies[act.client]
    played = _send(act, body, scene.reply)
    if scene.fault is not None:
        yield from _failure(act, played)
        return
    wants = [want for want in scene.wants if judge.applies(body, want.at)]
    said = act.vendor.say(scene.reply, "conf").body
    shown = scene.feature not in act.vendor.lacks
    hears = [hear for hear in scene.hears if shown and judge.applies(said, hear.at)]
    found, answer = _exchange(act, played, wants, hears)
    yield from found
    if scene is SCENES[0] and act.stream and answer is not None:
        late = act.stage.upstream.held_in_vain
        yield ("the answer arrives as it is made", "wrong" if late else "right", "only at its end" if late else "")
    # Further requests, each with the history that the client has by then.
    for number, reply in enumerate(scene.later):
        wants, hears = (
            [want for want in REPLAY_WANTS[number] if _is_made(want, act.vendor)],
            list(REPLAY_HEARS[number]) if shown else [],
        )
        if answer is None:
            found = [(leaf, "wrong", "the turn before failed") for leaf in _leaves(wants, hears)]
        else:
            body = extend(act.client, body, answer, f"result {number + 1}")
            found, answer = _exchange(act, _send(act, body, reply), wants, hears)
        yield from ((f"turn {number + 2}: {leaf}", verdict, note) for leaf, verdict, note in found)


def _is_made(want: Want, vendor: Vendor) -> bool:
    """Some vendors make no state that only they can read."""
    return vendor.makes_state or not want.name.startswith("state")


def _leaves(wants: list[Want], hears: list[Hear]) -> list[str]:
    """What is said something of when there is nothing to look at."""
    return ["the exchange", *(want.name for want in wants), *(hear.name for hear in hears)]


def _exchange(act: _Act, played: _Play, wants: list[Want], hears: list[Hear]) -> tuple[list[Finding], Answer | None]:
    """What is said of an exchange, and the answer if there was one."""
    if lost := _no_answer(act, played):
        return [(leaf, *lost) for leaf in _leaves(wants, hears)], None
    answer = judge.hear(act.client, played.exchange, stream=act.stream)
    report = played.exchange.report()
    found: list[Finding] = [("the exchange", "right", "")]
    if not _is_own_fault(act, played):
        found.append(judge.legal(act.vendor, played.arrivals[-1]))
    found += judge.request_findings(act.vendor, played.arrivals[-1], wants, played.body, report)
    spoken = act.vendor.say(played.reply, "conf")
    said = [spoken.body]
    if act.stream:
        said += [event for frame in [*spoken.head, *spoken.tail] if (event := act.vendor.event(frame)) is not None]
    found += judge.answer_findings(act.client, answer, hears, said, report)
    return found, answer


def _is_own_fault(act: _Act, played: _Play) -> bool:
    """Whether the client's own body is what the vendor would refuse: then that is not the gateway's doing."""
    arrival = played.arrivals[-1]
    named = {} if act.client == "gemini" else {"model": "conf"}
    own = msgspec.structs.replace(arrival, body={**named, **played.body})
    return act.client == act.upstream and judge.legal(act.vendor, own)[1] == "wrong"


def _send(act: _Act, body: Json, reply: Reply) -> _Play:
    upstream = act.stage.upstream
    hold = act.stream and act.scene is SCENES[0]
    upstream.play(reply, act.scene.fault, hold=hold)
    client = act.stage.client(act.upstream)
    first = reply.text[:2].encode()

    def heard(data: bytes) -> None:
        if upstream.hold is not None and first in data:
            upstream.hold.set()

    asked = sent(act.client, act.stage.models[act.upstream], client.key, body, stream=act.stream)
    exchange = client.send(asked, heard if hold else None)
    if upstream.hold is not None:
        upstream.hold.set()
    return _Play(body=body, reply=reply, exchange=exchange, arrivals=list(upstream.arrivals))


def _no_answer(act: _Act, played: _Play) -> tuple[Verdict, str] | None:
    """What is said of all leaves when the exchange gave no answer to look at; None when it did."""
    exchange, arrived = played.exchange, [one.protocol for one in played.arrivals]
    if exchange.broken:
        return ("wrong", exchange.broken)
    if exchange.status >= 400:
        message = judge.refusal(act.client, exchange)
        if exchange.status < 500 and message is not None and not arrived:
            common = act.scene.common and act.scene.feature not in act.vendor.lacks
            return ("wrong" if common else "refused", message[:_SHOWN])
        strays = [one.path for one in played.arrivals if one.protocol != act.upstream]
        asked = f"; it asked for {strays[-1]} of the {act.upstream} upstream" if strays else ""
        return ("wrong", f"{exchange.status} {exchange.body[:_SHOWN].decode('utf-8', 'replace')}{asked}")
    if not arrived or arrived[-1] != act.upstream:
        return ("wrong", f"answered, but nothing reached the {act.upstream} upstream")
    return None


def _failure(act: _Act, played: _Play) -> Iterator[Finding]:
    fault = act.scene.fault
    assert fault is not None  # noqa: S101  asked before
    if act.upstream not in [one.protocol for one in played.arrivals]:
        status = played.exchange.status
        yield ("an error is told", "wrong", f"nothing reached the {act.upstream} upstream: {status}")
        return
    if fault.retry_after and not act.vendor.headers(fault):
        fault = msgspec.structs.replace(fault, retry_after="")  # this vendor does not say when to try again
    yield from judge.fault_findings(act.client, played.exchange, fault, stream=act.stream)
