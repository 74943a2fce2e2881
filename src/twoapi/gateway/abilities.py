"""What a model does natively, by emulation, or not: found by the converter itself, with the smallest request for it."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Raw, structs

from twoapi.ir import Base64, CacheMark, FaultError, Loss, Media, Message, Request, Text, Tool, ToolChoice
from twoapi.ir.request import Output, ReasoningConfig, Sampling, Schema
from twoapi.policy.route import Candidate
from twoapi.protocols.base import Codec
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.counting import COUNTINGS
from twoapi.protocols.registry import UPSTREAM_CODECS
from twoapi.protocols.turns import TURNS

Ability = Literal["native", "emulated", "no"]

_SCHEMA = Schema(
    raw=Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}')
)
_TOOL = Tool(name="look", description="Looks.", schema=_SCHEMA, at="/tools/0")
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
_GONE = frozenset(("dropped", "unsupported"))
_CHANGED = frozenset(("emulated", "approximated", "clamped", "schema"))
_FIRST = "/content/0"


def _said(request: Request, part: Text | Media) -> None:
    request.messages[0].parts = [Text(text="hi", at=_FIRST), part]


def _media(kind: Literal["image", "audio", "file"], mime: str, data: str) -> Callable[[Request], None]:
    return lambda request: _said(request, Media(kind=kind, source=Base64(data), mime=mime, name="a", at="/content/1"))


def _tools(request: Request) -> None:
    request.tools = [_TOOL]


def _forced(request: Request) -> None:
    request.tools = [_TOOL]
    request.tool_choice = ToolChoice(mode="named", names=["look"], kinds=["function"])


def _one_by_one(request: Request) -> None:
    request.tools = [_TOOL]
    request.parallel = False


def _strict(request: Request) -> None:
    request.tools = [structs.replace(_TOOL, strict=True)]


def _schema(request: Request) -> None:
    request.output = Output(format="json_schema", schema=_SCHEMA)


def _reasons(request: Request) -> None:
    request.reasoning = ReasoningConfig(effort="high", show="summary")


def _sampled(request: Request) -> None:
    request.sampling = Sampling(max_tokens=100, temperature=0.5)


def _stops(request: Request) -> None:
    request.sampling = Sampling(max_tokens=100, stop=["END"])


def _marked(request: Request) -> None:
    _said(request, Text(text="hi", cache=CacheMark(), at="/content/1"))


def _begun(request: Request) -> None:
    request.messages.append(Message("assistant", [Text(text="so", at=_FIRST)], at="/messages/1"))


# What makes of a plain request one that needs the ability.
_PROBES: Mapping[str, Callable[[Request], None]] = {
    "tools": _tools,
    "tool_choice": _forced,
    "parallel_tools_off": _one_by_one,
    "strict_tools": _strict,
    "structured_output": _schema,
    "reasoning": _reasons,
    "images": _media("image", "image/png", _PIXEL),
    "documents": _media("file", "application/pdf", "JVBERi0xLjQK"),
    "audio": _media("audio", "audio/wav", "UklGRiQAAABXQVZF"),
    "sampling": _sampled,
    "stop_sequences": _stops,
    "prompt_cache_marks": _marked,
    "prefill": _begun,
}


def abilities(client: Codec, candidate: Candidate) -> Mapping[str, Ability]:
    """What a client of this protocol gets from a candidate, by the name of the feature."""
    upstream = client.name if candidate.local is not None else candidate.protocol
    counts = COUNTINGS.get(candidate.protocol)
    counted: Ability = "native" if counts is not None and candidate.capabilities.token_counts else "emulated"
    found = dict(converted(client.name, upstream, candidate.capabilities))
    if client.name in TURNS:
        found["kept_turns"] = "native" if candidate.protocol == client.name else "emulated"
    return {"streaming": "native", **found, "count_tokens": counted}


@lru_cache(256)
def converted(client: str, upstream: str, capabilities: Capabilities) -> Mapping[str, Ability]:
    """What a request of one protocol can have at an upstream of another, by the name of the feature."""
    usual = _losses(client, upstream, capabilities, lambda _: None)
    return {name: _judged(_losses(client, upstream, capabilities, probe), usual) for name, probe in _PROBES.items()}


def _judged(losses: list[Loss] | None, usual: list[Loss] | None) -> Ability:
    if losses is None:
        return "no"
    kinds = {loss.kind for loss in losses if loss not in (usual or ())}
    return "no" if kinds & _GONE else "emulated" if kinds & _CHANGED else "native"


def _losses(
    client: str, upstream: str, capabilities: Capabilities, probe: Callable[[Request], None]
) -> list[Loss] | None:
    """What is lost of a request; None when it is refused."""
    message = Message("user", [Text(text="hi", at=_FIRST)], at="/messages/0")
    request = Request(protocol=client, model="m", messages=[message], sampling=Sampling(max_tokens=100))
    probe(request)
    losses: list[Loss] = []
    try:
        UPSTREAM_CODECS[upstream].encode_request(request, "m", capabilities, losses)
    except FaultError:
        return None
    return losses
