"""A rule of a vendor's: what it refuses, the smallest request that would break it, and what is done about it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from twoapi.ir import FaultError, Loss
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.testing.canned import PATHS, gemini_path, request_body
from twoapi.testing.strict import refusal_reasons
from twoapi.wire.http import Incoming
from twoapi.wire.json import encode

CHAT, RESPONSES, MESSAGES, GEMINI = "openai-chat", "openai-responses", "anthropic-messages", "gemini"
GONE = object()  # a member that must not go out
MODEL = "m-1"
# What a vendor's own service has beside the defaults: each of Anthropic's models says how much it can write.
SERVICES: Mapping[str, Mapping[str, Any]] = {MESSAGES: {"max_output": 32000}}

Json = Any  # a parsed JSON document
Members = Mapping[str, Json]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of one vendor's protocol, with the request of another's client that would break it.

    `says` is the rule in words, `source` where the vendor says it. `client` speaks `asks`: members that make a minimal
    request break the rule. `capabilities`: what differs in the upstream from the vendor's own service.
    The request is repaired: `losses` are all that it loses, each a kind and a JSON pointer into the client's body, and
    `sends` what goes out, by JSON pointer. Or it is refused: `refused` is the pointer that our 400 names.
    `breaks`: members that break the rule in the vendor's own protocol, or nothing where only the model decides.
    """

    name: str
    says: str
    source: str
    target: str
    client: str
    asks: Members
    capabilities: Members = {}
    losses: tuple[tuple[str, str], ...] = ()
    sends: Members = {}
    refused: str | None = None
    breaks: Members = {}


class Kept(msgspec.Struct):
    """What became of a rule's request. `body` and `headers` as they go out, or the `fault` that refuses it."""

    losses: list[Loss]
    body: Json = None
    headers: dict[str, str] = {}
    fault: FaultError | None = None

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """Kind and place of every loss, in their order."""
        return tuple((loss.kind, loss.path) for loss in self.losses)


def keep(rule: Rule, *, limited: bool = True) -> Kept:
    """Carries the rule's request to its target; not `limited`: to the vendor's own service."""
    losses: list[Loss] = []
    capabilities = Capabilities(**{**SERVICES.get(rule.target, {}), **(rule.capabilities if limited else {})})
    try:
        request = CODECS[rule.client].decode_request(incoming(rule.client, rule.asks))
        encoded = CODECS[rule.target].encode_request(request, MODEL, capabilities, losses)
    except FaultError as error:
        return Kept(losses, fault=error)
    headers = {name.decode(): value.decode() for name, value in encoded.outgoing.headers}
    return Kept(losses, body=msgspec.json.decode(encoded.outgoing.body), headers=headers)


def incoming(client: str, asks: Members) -> Incoming:
    """The minimal request of a client with these members."""
    path = gemini_path(MODEL) if client == GEMINI else PATHS[client]
    asked = {name: value for name, value in asks.items() if not name.startswith("anthropic-")}
    headers = {name.encode(): str(value).encode() for name, value in asks.items() if name not in asked}
    body = {**request_body(client, MODEL), **asked}
    return Incoming(path=path, headers=headers, body=encode({k: v for k, v in body.items() if v is not GONE}))


def broken(rule: Rule) -> list[tuple[str, str]]:
    """What the vendor would say to a request of its own protocol that breaks the rule."""
    members = {name: value for name, value in rule.breaks.items() if not name.startswith("anthropic-")}
    headers = {"anthropic-version": "2023-06-01"} | {n: str(v) for n, v in rule.breaks.items() if n not in members}
    body = {**request_body(rule.target, MODEL), **members}
    return refusal_reasons(rule.target, {k: v for k, v in body.items() if v is not GONE}, headers)
