"""Scenes of answers: structured output, citations, stop reasons, usage."""

from typing import Any

from twoapi.conformance.answer import Answer
from twoapi.conformance.asked import Asked
from twoapi.conformance.places import Key
from twoapi.conformance.reply import Cited, Reply, Used
from twoapi.conformance.scenes.scene import ALTERED, Hear, Scene, Sight, Want, costs, setting, stops, tells

Json = Any  # a parsed JSON document

_ASK = "Tell me about the tower."


def bodies(**more: Json) -> dict[str, Json]:
    """A plain question in each protocol; `more` holds further members by the protocol's short name."""
    return {
        "openai-chat": {"messages": [{"role": "user", "content": _ASK}], **more.get("chat", {})},
        "openai-responses": {
            "input": [{"role": "user", "content": _ASK}],
            "store": False,
            **more.get("responses", {}),
        },
        "anthropic-messages": {
            "max_tokens": 3210,
            "messages": [{"role": "user", "content": _ASK}],
            **more.get("messages", {}),
        },
        "gemini": {"contents": [{"role": "user", "parts": [{"text": _ASK}]}], **more.get("gemini", {})},
    }


_SCHEMA: Json = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "height": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    "required": ["name", "height"],
    "additionalProperties": False,
}
_JSON = '{"name":"Eiffelturm \\u2028","height":330}'


def _schema(asked: Asked) -> Sight:
    found = asked.settings.get("schema")
    return found is not None and (found == _SCHEMA or f"{ALTERED}changed to {found}")


STRUCTURED = Scene(
    feature="structured output",
    name="JSON schema",
    bodies=bodies(
        chat={
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "tower_7", "strict": True, "schema": _SCHEMA},
            }
        },
        responses={"text": {"format": {"type": "json_schema", "name": "tower_7", "strict": True, "schema": _SCHEMA}}},
        messages={"output_config": {"format": {"type": "json_schema", "schema": _SCHEMA}}},
        gemini={"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": _SCHEMA}},
    ),
    wants=(
        Want(name="schema", at=(Key("schema"), Key("responseJsonSchema")), see=_schema),
        setting("schema_name", "tower_7", "tower_7"),
        setting("schema_strict", True, Key("strict")),  # noqa: FBT003
    ),
    reply=Reply(text=_JSON),
    hears=(tells(_JSON), stops("stop")),
)

_CITING = Reply(
    text="Naïve answer: the tower is 330 m high. That is all.",
    cited=Cited(passage="the tower is 330 m high", url="https://towers.example/eiffel", title="Tower facts"),
)


def _cited(member: str, wanted: str) -> Hear:
    def see(answer: Answer, client: str) -> Sight:  # noqa: ARG001  the same for all
        if not answer.cited:
            return False
        found = {"url": answer.cited[0].url, "title": answer.cited[0].title, "passage": answer.cited[0].passage}[member]
        return found == wanted or f"it is {found!r}"

    # A loss of the span is a loss at the source, or at the text that it is a part of.
    return Hear(name=f"citation: {member}", at=(wanted, "https://towers.example/eiffel"), see=see)


CITATIONS = Scene(
    feature="citations",
    name="cited page",
    bodies=bodies(),
    reply=_CITING,
    hears=(
        tells(_CITING.text),
        _cited("url", "https://towers.example/eiffel"),
        _cited("title", "Tower facts"),
        _cited("passage", "the tower is 330 m high"),
    ),
)

LENGTH = Scene(
    feature="stop reasons",
    name="too long",
    bodies=bodies(),
    reply=Reply(text="It is a tower of", stop="max_tokens"),
    hears=(tells("It is a tower of"), stops("max_tokens")),
)
FILTER = Scene(
    feature="stop reasons",
    name="filtered",
    bodies=bodies(),
    reply=Reply(text="It is", stop="content_filter"),
    hears=(tells("It is"), stops("content_filter")),
)


def _stopped(answer: Answer, client: str) -> Sight:
    return client == "anthropic-messages" and answer.stop == "stop_sequence" and answer.stop_text == "END-7"


STOP_SEQUENCE = Scene(
    feature="stop reasons",
    name="stop sequence",
    bodies=bodies(
        chat={"stop": ["END-7"]},
        messages={"stop_sequences": ["END-7"]},
        gemini={"generationConfig": {"stopSequences": ["END-7"]}},
    ),
    upstreams=("anthropic-messages",),
    reply=Reply(text="It is", stop="stop_sequence", stop_text="END-7"),
    hears=(tells("It is"), Hear(name="which sequence", at=(Key("stop_sequence"),), see=_stopped)),
)


def _refused(answer: Answer, client: str) -> Sight:
    if client in ("openai-chat", "openai-responses"):
        return answer.refusal == "I cannot say." or (answer.text == "I cannot say." and "it is plain text")
    return answer.text == "I cannot say."


REFUSAL = Scene(
    feature="stop reasons",
    name="refusal",
    bodies=bodies(),
    upstreams=("openai-chat", "openai-responses"),
    reply=Reply(refusal="I cannot say.", stop="refusal"),
    hears=(Hear(name="refusal", at=("I cannot say.",), see=_refused),),
)

_IN, _OUT = ("prompt_tokens", "input_tokens", "promptTokenCount"), ("completion_tokens", "output_tokens")
_USED = Used(input=1009, cached=401, written=103, output=307, reasoning=127)
_MARKS = {
    "input": tuple(map(Key, _IN)),
    "cached": (Key("cached_tokens"), Key("cache_read_input_tokens"), Key("cachedContentTokenCount")),
    "written": (Key("cache_write_tokens"), Key("cache_creation_input_tokens")),
    "output": (*map(Key, _OUT), Key("candidatesTokenCount")),
    "reasoning": (Key("reasoning_tokens"), Key("thinking_tokens"), Key("thoughtsTokenCount")),
}
USAGE = Scene(
    feature="usage",
    name="cached and reasoning",
    bodies=bodies(),
    reply=Reply(text="A tower.", used=_USED),
    hears=(
        costs("input", 1009, *_MARKS["input"]),
        costs("cached", 401, *_MARKS["cached"]),
        costs("written", 103, *_MARKS["written"]),
        costs("output", 307, *_MARKS["output"]),
        costs("reasoning", 127, *_MARKS["reasoning"]),
    ),
)

SCENES = (STRUCTURED, CITATIONS, LENGTH, FILTER, STOP_SEQUENCE, REFUSAL, USAGE)
