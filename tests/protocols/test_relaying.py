"""Whether an upstream gets the client's own bytes, and why not."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.registry import CODECS
from twoapi.protocols.relaying import Reason, why_converted
from twoapi.testing.canned import PATHS, gemini_path, request_body
from twoapi.wire.http import Incoming

CHAT, RESPONSES, MESSAGES = "openai-chat", "openai-responses", "anthropic-messages"
USUAL, MISLEADING = Capabilities(), Capabilities(relayed=False)


@dataclass
class Asked:
    """A request, and all that a decision may depend on."""

    client: str
    upstream: str
    more: dict[str, Any] = field(default_factory=dict)
    capabilities: Capabilities = USUAL
    known: dict[str, bool] = field(default_factory=dict)

    def why(self) -> Reason | None:
        codec = CODECS[self.client]
        body = json.dumps({**request_body(self.client, "m"), **self.more}).encode()
        incoming = Incoming(PATHS.get(self.client, gemini_path("m")), {}, body)
        return why_converted(codec, self.upstream, self.capabilities, incoming, codec.peek(incoming), **self.known)


SEALED = {"user": CODECS[CHAT].seal.decode()}
GOES_ON = {"previous_response_id": "resp_1"}
SEALED_TURN = {**GOES_ON, "user": CODECS[RESPONSES].seal.decode()}
UNKNOWN = {"knows_turns": False}
BEGINS = {"thread": {"type": "create"}}
CONTINUES = {"thread": {"type": "continue", "previous_message_id": "msg_1"}}
WITHOUT = Capabilities(threads=False)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        *((Asked(name, name), None) for name in CODECS),
        *((Asked(name, "cohere"), "protocol") for name in CODECS),
        (Asked(CHAT, RESPONSES, SEALED, MISLEADING), "protocol"),
        (Asked(CHAT, CHAT, SEALED), "sealed"),
        (Asked(CHAT, CHAT, {}, MISLEADING), "declared"),
        (Asked(CHAT, CHAT, {}, USUAL, {"is_refused": True}), "refused"),
        (Asked(CHAT, CHAT, GOES_ON), None),
        (Asked(RESPONSES, RESPONSES, GOES_ON), "turn"),
        (Asked(RESPONSES, RESPONSES, GOES_ON, USUAL, UNKNOWN), None),
        (Asked(RESPONSES, RESPONSES, GOES_ON, MISLEADING, UNKNOWN), "declared"),
        (Asked(RESPONSES, RESPONSES, SEALED_TURN, USUAL, UNKNOWN), "sealed"),
        (Asked(MESSAGES, MESSAGES, BEGINS), None),
        (Asked(MESSAGES, MESSAGES, CONTINUES), "turn"),
        (Asked(MESSAGES, MESSAGES, BEGINS, WITHOUT), "thread"),
        (Asked(MESSAGES, MESSAGES, CONTINUES, WITHOUT, UNKNOWN), "thread"),
        (Asked(MESSAGES, MESSAGES, {"thread": None}, WITHOUT), None),
        (Asked(CHAT, CHAT, BEGINS, WITHOUT), None),
    ],
)
def test_bytes_are_relayed_unless_there_is_a_reason(asked: Asked, why: Reason | None) -> None:
    assert asked.why() == why
