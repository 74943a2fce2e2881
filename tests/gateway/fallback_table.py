"""Which fallbacks are tried: few of all that could be, but whatever can meet meets.

Every client meets every pair of upstreams; the rest is chosen so that as much as possible meets that has not met yet.
"""

from collections.abc import Callable
from itertools import combinations, product
from typing import NamedTuple

from twoapi.conformance import NAMES, SCENES, Vendor
from twoapi.conformance import VENDORS as SPOKEN
from twoapi.testing.vendors import VENDORS
from twoapi.testing.vendors.platforms import BEDROCK, CLAUDE_ON_VERTEX, DEPLOYMENTS


class Kind(NamedTuple):
    """An upstream of one kind: its vendor, its provider in the catalogue, and what else stands in the configuration."""

    vendor: Vendor
    provider: str
    model: str = "m-1"
    settings: str = "credentials: [sk-vendor]"


_COHERE = VENDORS["cohere"]
_PLACE = "options: {project: proj, region: europe-west1}"
_KEYS = "access_key_id: AKIDEXAMPLE, secret_access_key: s3cret-aws, session_token: s3cret-session"
KINDS = {
    "chat": Kind(SPOKEN["openai-chat"], "openai-compatible"),
    "responses": Kind(SPOKEN["openai-responses"], "openai-responses-compatible"),
    "messages": Kind(SPOKEN["anthropic-messages"], "anthropic-compatible"),
    "gemini": Kind(SPOKEN["gemini"], "gemini-compatible"),
    "cohere": Kind(_COHERE.vendor, "cohere", _COHERE.model),
    "vertex": Kind(
        CLAUDE_ON_VERTEX, "anthropic-vertex", "claude-opus-4-8@20260801", f"credentials: [sk-vendor], {_PLACE}"
    ),
    "azure": Kind(
        DEPLOYMENTS, "azure-openai-deployments", "d", "credentials: [sk-vendor], options: {api_version: 2024-10-21}"
    ),
    "signed": Kind(
        BEDROCK,
        "anthropic-bedrock",
        "us.anthropic.claude-opus-4-8-v1:0",
        f"credentials: [{{parts: {{{_KEYS}}}}}], options: {{region: eu-west-1}}",
    ),
}
MODES = ("whole", "stream")
SIZES = ("small", "large")
# What becomes of the first upstream. "frame": an error is the first event of its stream. "hidden": an error in a 200.
# "cut": the connection ends behind the head. "empty": the answer ends there.
CARRY, CREDENTIAL = "cannot carry", "no credential"
FAILURES = ("refused", "429", "500", "frame", "hidden", "cut", "empty", CARRY, CREDENTIAL)
IMAGE = "image as data"  # what can be made impossible to carry
PLAYED = {scene.name: scene for scene in SCENES if scene.fault is None and not scene.later}


Meeting = tuple[tuple[str, str], ...]  # facts of a case that are true together, in the order of its fields


class Case(NamedTuple):
    """One fallback."""

    client: str
    first: str
    second: str
    mode: str
    size: str
    failure: str
    scene: str

    @property
    def title(self) -> str:
        """All of it in a few words."""
        return "-".join(self).replace("openai-", "").replace("anthropic-", "").replace(" ", "_")


_FACTS = {
    "client": NAMES,
    "first": KINDS,
    "second": KINDS,
    "mode": MODES,
    "size": SIZES,
    "failure": FAILURES,
    "scene": PLAYED,
}
_PAIRS: list[Meeting] = [
    ((one, fact), (other, also))
    for one, other in combinations(_FACTS, 2)
    for fact, also in product(_FACTS[one], _FACTS[other])
]


def is_possible(case: Case) -> bool:
    """False for what cannot be: a relay carries everything, and only a stream has events."""
    if case.failure == "frame" and case.mode != "stream":
        return False
    if case.failure == CARRY and (case.scene != IMAGE or KINDS[case.first].vendor.protocol == case.client):
        return False
    return case.client in PLAYED[case.scene].bodies


def cases() -> list[Case]:
    """The table, always the same."""
    met: set[Meeting] = set()
    chosen = []
    for client, first, second in product(NAMES, KINDS, KINDS):
        ways = [
            case
            for mode, size, failure in product(MODES, SIZES, FAILURES)
            if is_possible(case := Case(client, first, second, mode, size, failure, IMAGE))
        ]
        best = _newest(ways, met, 3, range(6))
        if best.failure != CARRY:
            scenes = [case for scene in PLAYED if is_possible(case := best._replace(scene=scene))]
            best = _newest(scenes, met, 2, range(7))
        met |= {*_meetings(best, 3, range(6)), *_meetings(best, 2, range(7))}
        chosen.append(best)
    for pair in _PAIRS:
        ways = [] if pair in met else having(pair, chosen)
        if ways:
            chosen.append(_newest(ways, met, 2, range(7)))
            met.update(_meetings(chosen[-1], 2, range(7)))
    return chosen


def having(pair: Meeting, some: list[Case]) -> list[Case]:
    """What is possible of these cases with two of their facts put in the place of others."""
    return [case for one in some if is_possible(case := one._replace(**dict(pair)))]


def missed(some: list[Case]) -> list[Meeting]:
    """What could meet in a case and does not."""
    met = {meeting for case in some for meeting in _meetings(case, 2, range(7))}
    return [pair for pair in _PAIRS if pair not in met and having(pair, some)]


def _newest(ways: list[Case], met: set[Meeting], size: int, among: range) -> Case:
    """The first of those in which most meets that has not met."""
    news: Callable[[Case], int] = lambda case: sum(one not in met for one in _meetings(case, size, among))  # noqa: E731
    return max(ways, key=news)


def _meetings(case: Case, size: int, among: range) -> list[Meeting]:
    facts = [(case._fields[place], case[place]) for place in among]
    return list(combinations(facts, size))
