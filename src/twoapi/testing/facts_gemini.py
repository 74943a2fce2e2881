"""What a Gemini request says, piece by piece, in the canonical form that normal_gemini gives it."""

import itertools
import json
from collections.abc import Iterator

from twoapi.testing.normal_gemini import schema_meaning
from twoapi.testing.replies import Json

Fact = tuple[str, str]

_WORDS = {"text", "thought", "thoughtSignature"}


class _Calls:
    """The calls of a conversation by their numbers: ids may be left out, and then count as any other."""

    def __init__(self) -> None:
        self._open: list[tuple[Json, str, int]] = []
        self._count = 0

    def call(self, call: dict[str, Json]) -> int:
        self._count += 1
        self._open.append((call.get("id"), str(call["name"]), self._count))
        return self._count

    def answer(self, answer: dict[str, Json]) -> int:
        for by in (0, 1):  # by the id, else by the name
            wanted = answer.get(("id", "name")[by])
            for found in self._open:
                if wanted is not None and found[by] == wanted:
                    self._open.remove(found)
                    return found[2]
        return 0


def gemini_facts(body: dict[str, Json]) -> Iterator[Fact]:
    """The facts of the conversation, each with its place."""
    calls = _Calls()
    system = body.get("systemInstruction") or {}
    yield from _others("/systemInstruction", "instruction", system, {"parts"})
    for index, part in enumerate(system.get("parts") or []):
        yield from _part(f"/systemInstruction/parts/{index}", "instruction", part, calls)
    for index, content in enumerate(body["contents"]):
        at, role = f"/contents/{index}", content["role"]
        for name, item in content.items():
            if name not in {"role", "parts"}:
                yield f"{at}/{_token(name)}", _fact(role, name, item)
        for number, part in enumerate(content["parts"]):
            yield from _part(f"{at}/parts/{number}", role, part, calls)
    yield from _said(body["contents"])


def _said(contents: list[dict[str, Json]]) -> Iterator[Fact]:
    """What the model said in each of its turns; contents of it that follow each other are one."""
    for is_model, run in itertools.groupby(enumerate(contents), key=lambda pair: pair[1]["role"] == "model"):
        if is_model:
            turn = list(run)
            parts = [part for _, content in turn for part in content["parts"] if not part.get("thought")]
            at = f"/contents/{turn[0][0]}" if len(turn) == 1 else "/contents"
            said = "".join(part.get("text", "") for part in parts)
            if said:
                yield f"{at}/content", _fact("says", said)


def _part(at: str, role: str, part: dict[str, Json], calls: _Calls) -> Iterator[Fact]:
    if "functionCall" in part:
        call = part["functionCall"]
        yield at, _fact("call", calls.call(call), call["name"], call.get("args") or {})
        yield from _others(f"{at}/functionCall", "call", call, {"id", "name", "args"})
    elif "functionResponse" in part:
        yield from _answer(at, part["functionResponse"], calls)
    elif "text" in part and part.get("thought"):
        yield at, _fact("thinks", part["text"])
    elif "text" in part and role != "model":
        yield f"{at}/text", _fact(role, "text", part["text"])
    known = {"functionCall", "functionResponse", "text", "thought"}
    yield from _others(at, role, part, known)


def _answer(at: str, answer: dict[str, Json], calls: _Calls) -> Iterator[Fact]:
    response = answer.get("response") or {}
    words = response.get("output", response.get("error")) if len(response) == 1 else None
    said = _json_meaning(words) if isinstance(words, str) else json.dumps(response, sort_keys=True)
    place = f"{at}/functionResponse"
    where = f"{place}/response/{min(response)}" if isinstance(words, str) else f"{place}/response"
    number = calls.answer(answer)
    yield where, _fact("result", number, said, "error" in response and len(response) == 1)
    for index, part in enumerate(answer.get("parts") or []):
        yield from _others(f"{place}/parts/{index}", f"result {number}", part, set())
    yield from _others(place, f"result {number}", answer, {"id", "name", "response", "parts"})


def _json_meaning(words: str) -> str:
    """An object and its JSON as a text say the same."""
    try:
        value = json.loads(words)
    except ValueError:
        return words
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else words


def _others(at: str, role: str, value: dict[str, Json], known: set[str]) -> Iterator[Fact]:
    for name, item in sorted(value.items()):
        place = f"{at}/{_token(name)}"
        if name in known:
            continue
        if isinstance(item, dict) and item:
            for key, inner in sorted(item.items()):
                yield f"{place}/{_token(key)}", _fact(role, name, key, inner)
        else:
            yield place, _fact(role, name, item)


def _token(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _fact(*values: Json) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def meant_schemas(body: dict[str, Json]) -> dict[str, Json]:
    """The body with its schemas by what they mean, whichever of their two members and spellings has them."""
    config = body.get("generationConfig") or {}
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    for entry in config.get("responseFormat") or []:
        text = entry.get("text") or {}
        schema = text.get("jsonSchema", text.get("schema", schema))
    if schema is None or config.get("responseMimeType", "application/json") != "application/json":
        return body
    rest = {name: item for name, item in config.items() if name not in {"responseSchema", "responseFormat"}}
    form = {"responseMimeType": "application/json", "responseJsonSchema": schema_meaning(schema)}
    return {**body, "generationConfig": {**rest, **form}}


def gemini_tools(at: str, tool: dict[str, Json]) -> Iterator[tuple[str, tuple[str, Json]]]:
    """Each tool of one object with its place: functions by their names, the vendor's own by their members'."""
    for name, item in tool.items():
        if name != "functionDeclarations":
            yield name, (f"{at}/{_token(name)}", item)
            continue
        for number, function in enumerate(item):
            meant = dict(function)
            for word in ("parameters", "response"):
                schema = meant.pop(f"{word}JsonSchema", meant.pop(word, None))
                if schema is not None:
                    meant[f"{word}JsonSchema"] = schema_meaning(schema)
            yield f"function {function['name']}", (f"{at}/functionDeclarations/{number}", meant)
