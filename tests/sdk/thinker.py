"""A model with new thoughts in every turn and calls like no others, and the state that upstreams make of them."""

import base64
import uuid
from dataclasses import replace

from tests.sdk.sent import State

from twoapi.testing.scripted_model import ScriptedModel
from twoapi.testing.scripted_requests import ScriptedRequest
from twoapi.testing.scripted_turn import Turn


class Thinker(ScriptedModel):
    """A model that thinks something else in every turn, whose calls have ids of their own, and seals it."""

    def turn(self, seen: ScriptedRequest) -> Turn:
        said = super().turn(seen)
        return replace(
            said,
            calls=tuple(replace(call, id=f"{seen.id_prefix}{uuid.uuid4().hex[:24]}") for call in said.calls),
            reasoning=thought(said.number),
            signature=sealed("signature", said.number),
            redacted=sealed("redacted", said.number),
        )


def thought(number: int) -> str:
    return f"Thought {number}: Grüß 🌍"


def sealed(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind} {number} ?>?".encode() * 9).decode()


def made(kind: str, number: int) -> State:
    """The state that an upstream makes in its turn of this number, from 1."""
    signature = sealed("signature", number)
    if kind == "chat":
        return [(thought(number),)]
    if kind == "messages":
        return [(thought(number), signature), (sealed("redacted", number),)]
    return [(signature,)]
