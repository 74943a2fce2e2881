"""Scenes of reasoning: how hard to think, what is shown of it, and the state that goes back to its maker."""

from typing import Any

from twoapi.conformance.answer import Answer
from twoapi.conformance.asked import Asked
from twoapi.conformance.places import Key
from twoapi.conformance.reply import Called, Reply, Used
from twoapi.conformance.scenes.answers import bodies
from twoapi.conformance.scenes.scene import Hear, Scene, Sight, Want, tells
from twoapi.conformance.scenes.tools import calls, tools

Json = Any  # a parsed JSON document

_LOW = range(128, 4097)  # budgets, in tokens, that are called low
_EFFORT: Json = {
    "chat": {"reasoning_effort": "low"},
    "responses": {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    "messages": {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}}},
}
_PLAN = "First I think of iron, then of 1889."


def _effort(asked: Asked) -> Sight:
    found = asked.settings.get("effort")
    if isinstance(found, int):
        return found in _LOW or f"the budget is {found}"
    return found is not None and (found == "low" or f"it is {found}")


def _thinks(text: str) -> Hear:
    def see(answer: Answer, client: str) -> Sight:  # noqa: ARG001  the same for all
        return answer.reasoning == text or (f"it is {answer.reasoning!r}" if answer.reasoning else False)

    return Hear(name="reasoning text", at=(text,), see=see)


THINKING = Scene(
    feature="reasoning replay",
    name="reasoning",
    bodies=bodies(**_EFFORT),
    wants=(Want(name="effort", at=(Key("effort"), Key("reasoning_effort"), Key("thinkingLevel")), see=_effort),),
    reply=Reply(reasoning=_PLAN, opaque="c2lnbmF0dXJlLW9uZS1vZi1vbmU=", text="It is iron.", used=Used(reasoning=9)),
    hears=(_thinks(_PLAN), tells("It is iron.")),
)

# --- Two tool calls after each other, each with state of its own ---

_STATES = ("c3RhdGUtb25lLVhYMQ==", "c3RhdGUtdHdvLVhYMg==")
_CITIES = ("Paris", "Rome")
_REPLIES = tuple(
    Reply(
        reasoning=f"I look up {city}.",
        opaque=state,
        calls=(Called(id=f"call_conf{city}", name="get_weather", arguments=f'{{"city":"{city}","unit":"c"}}'),),
        stop="tool_use",
        used=Used(reasoning=9),
    )
    for state, city in zip(_STATES, _CITIES, strict=True)
)
_CARRIERS = tuple(map(Key, ("encrypted_content", "signature", "thoughtSignature", "tool_calls")))


def _state(number: int) -> Want:
    """The state, byte by byte, before the call that it was made for, or on it."""

    def see(asked: Asked) -> Sight:
        at = [n for n, piece in enumerate(asked.pieces) if piece.opaque == _STATES[number]]
        made = [n for n, piece in enumerate(asked.pieces) if piece.kind == "call" and _CITIES[number] in piece.text]
        if not at:
            return False
        if len(at) > 1 or not made:
            return f"it is there {len(at)} times"
        return at[0] <= made[0] or "it stands behind its call"

    return Want(name=f"state {number + 1}", at=_CARRIERS, see=see)


def _replayed(number: int) -> Want:
    """A call as it was made, and the client's result for it."""

    def see(asked: Asked) -> Sight:
        city = _CITIES[number]
        made = [piece for piece in asked.of("call") if city in piece.text]
        if len(made) != 1:
            return False if not made else f"the call for {city} is there {len(made)} times"
        given = [piece for piece in asked.of("result") if f"result {number + 1}" in piece.text]
        if not given:
            return f"no result for {city}"
        return made[0].id == given[0].id or f"its result is for {given[0].id!r}, not for {made[0].id!r}"

    return Want(name=f"call and result {number + 1}", see=see)


REPLAY = Scene(
    feature="reasoning replay",
    name="state over three turns",
    bodies={protocol: {**body, "tools": tools(protocol)} for protocol, body in bodies(**_EFFORT).items()},
    reply=_REPLIES[0],
    hears=(calls(0, "get_weather", _REPLIES[0].calls[0].arguments),),
    later=(_REPLIES[1], Reply(text="Both are mild.", reasoning="Done now.", opaque="c3RhdGUtdGhyZWU=")),
)
# What must have reached the upstream with the second request, and with the third; a vendor of Chat makes no state.
REPLAY_WANTS = (
    (_state(0), _replayed(0)),
    (_state(0), _state(1), _replayed(0), _replayed(1)),
)

REPLAY_HEARS = (
    (calls(0, "get_weather", _REPLIES[1].calls[0].arguments), _thinks(_REPLIES[1].reasoning)),
    (tells("Both are mild."), _thinks("Done now.")),
)

SCENES = (THINKING, REPLAY)
