"""What a scene is: a request in each client protocol and what of it must arrive, an answer and what must be heard."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from twoapi.conformance.answer import Answer
from twoapi.conformance.asked import Asked
from twoapi.conformance.places import Mark
from twoapi.conformance.protocols import NAMES
from twoapi.conformance.reply import Fault, Reply

Json = Any  # a parsed JSON document

# True: it is there. False: it is not. A text: it is there, but changed, and how.
Sight = bool | str
# How a text begins about what was lost in part, or is elsewhere: without a report that is silent, not corrupt.
ALTERED = "it was "
MOVED = ALTERED + "moved"


MODES = ("whole", "stream")


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf of a request. It is asked only of clients whose body has one of the marks; without marks, of all."""

    name: str
    at: tuple[Mark, ...] = ()
    see: Callable[[Asked], Sight]


class Hear(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf of an answer; `see` is also told the client's protocol. Marks are looked for in the upstream's answer."""

    name: str
    at: tuple[Mark, ...] = ()
    see: Callable[[Answer, str], Sight]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `common`: all four protocols can carry it, so that no gateway has a reason to refuse it."""

    feature: str
    name: str
    bodies: Mapping[str, Json]
    wants: tuple[Want, ...] = ()
    reply: Reply = Reply(text="Done.")
    hears: tuple[Hear, ...] = ()
    fault: Fault | None = None
    upstreams: tuple[str, ...] = NAMES
    modes: tuple[str, ...] = MODES
    common: bool = True
    # The client sends its history back with the results of the calls: the answers to its second and third request.
    later: tuple[Reply, ...] = ()


# --- What is looked for in a request ---


def says(name: str, role: str, text: str) -> Want:
    """A text, verbatim, in what a role says."""
    return Want(name=name, at=(text,), see=lambda asked: any(text in one for one in asked.texts(role)))


def only(role: str, *texts: str) -> Want:
    """What a role says is just these texts, in this order: nothing was made up, nothing doubled."""
    wanted = "".join("".join(texts).split())

    def see(asked: Asked) -> Sight:
        said = "".join("".join(asked.texts(role)).split())
        return said == wanted or f"the {role} says {said[:120]!r}"

    return Want(name=f"no other {role} text", see=see)


def setting(name: str, value: Json, *marks: Mark) -> Want:
    """A setting with this value."""

    def see(asked: Asked) -> Sight:
        if name not in asked.settings:
            return False
        found = asked.settings[name]
        return found == value or f"{name} is {found!r}"

    return Want(name=name, at=marks or (value,), see=see)


# --- What is looked for in an answer ---

_STOPS: Mapping[str, Mapping[str, str]] = {
    "stop": {
        "openai-chat": "stop",
        "openai-responses": "completed",
        "anthropic-messages": "end_turn",
        "gemini": "STOP",
    },
    "tool_use": {
        "openai-chat": "tool_calls",
        "openai-responses": "completed",
        "anthropic-messages": "tool_use",
        "gemini": "STOP",
    },
    "max_tokens": {
        "openai-chat": "length",
        "openai-responses": "incomplete: max_output_tokens",
        "anthropic-messages": "max_tokens",
        "gemini": "MAX_TOKENS",
    },
    "content_filter": {
        "openai-chat": "content_filter",
        "openai-responses": "incomplete: content_filter",
        "anthropic-messages": "refusal",
        "gemini": "SAFETY|PROHIBITED_CONTENT",
    },
}


def stops(kind: str) -> Hear:
    """The reason why the answer ended, in the client's words."""

    def see(answer: Answer, client: str) -> Sight:
        return answer.stop in _STOPS[kind][client].split("|") or f"it is {answer.stop}"

    return Hear(name=f"stop reason {kind}", see=see)


def tells(text: str) -> Hear:
    """The text of the answer, all of it and nothing else."""

    def see(answer: Answer, client: str) -> Sight:  # noqa: ARG001  the same for all
        return answer.text == text or (f"the text is {answer.text[:120]!r}" if answer.text else False)

    return Hear(name="text", see=see)


def costs(name: str, count: int, *marks: Mark) -> Hear:
    """A count of tokens."""

    def see(answer: Answer, client: str) -> Sight:
        if client == "gemini" and name == "written":
            return True  # the protocol has no word for it, and its total holds these tokens
        found = answer.used.get(name)
        return False if found is None or (found == 0 and count) else found == count or f"{name} is {found}"

    return Hear(name=f"usage: {name}", at=marks, see=see)
