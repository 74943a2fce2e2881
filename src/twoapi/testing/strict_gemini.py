"""What Google refuses in a generateContent request."""

import base64
import binascii
import re
from collections.abc import Iterator

from twoapi.testing.documented_gemini import GEMINI_REQUEST
from twoapi.testing.replies import Json
from twoapi.testing.shapes import undocumented

Problem = tuple[str, str]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}").fullmatch
_STANDARD = str.maketrans("-_", "+/")
_SEALED = base64.b64encode(b"tw1").decode()  # how base64 of a gateway's own text begins
_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_TYPES = {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"}
_SCHEMA = {
    *("type", "format", "title", "description", "nullable", "default", "enum", "items", "minItems", "maxItems"),
    *("properties", "required", "propertyOrdering", "minProperties", "maxProperties", "minimum", "maximum"),
    *("minLength", "maxLength", "pattern", "example", "anyOf", "defs", "ref"),
}
_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "candidateCount": (1, 8),
    "seed": (-(2**31), 2**31 - 1),
    "presencePenalty": (-2, 1.999),
    "frequencyPenalty": (-2, 1.999),
    "logprobs": (0, 20),
    "maxOutputTokens": (1, 2**31 - 1),
}
_LEVELS = {"THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"}
_MODES = {"AUTO", "ANY", "NONE", "VALIDATED"}
_TIERS = {"unspecified", "flex", "standard", "priority"}


def gemini_problems(body: dict[str, Json], *, signatures: bool = False) -> Iterator[Problem]:
    """Every violation of the documented rules: JSON pointer and reason. `signatures`: calls must have theirs."""
    for pointer in undocumented(body, GEMINI_REQUEST):
        yield pointer, "Unknown name: Cannot find field"
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        yield "/contents", "contents is not specified"
        return
    for index, content in enumerate(contents):
        yield from _content(f"/contents/{index}", content)
    yield from _pairing(_turns(contents), signatures=signatures)
    for index, part in enumerate((body.get("systemInstruction") or {}).get("parts") or []):
        if "text" not in part:
            yield f"/systemInstruction/parts/{index}", "only text"
    yield from _tools(body.get("tools") or [])
    yield from _calling(body)
    yield from _config(body.get("generationConfig") or {})
    if body.get("serviceTier", "unspecified") not in _TIERS:
        yield "/serviceTier", f"one of {sorted(_TIERS)}"


def _content(at: str, content: dict[str, Json]) -> Iterator[Problem]:
    role = content.get("role", "user")
    if role not in {"user", "model", "function"}:
        yield f"{at}/role", "Please use a valid role: user, model."
    parts = content.get("parts")
    if not isinstance(parts, list) or not parts:
        yield f"{at}/parts", "must include at least one parts field"
        return
    for index, part in enumerate(parts):
        place = f"{at}/parts/{index}"
        found = [name for name in _DATA if name in part]
        if len(found) != 1:
            yield place, f"exactly one member of data, found {found}"
        if "functionCall" in part and role != "model":
            yield place, "function call in a turn that is not the model's"
        if "functionResponse" in part and role == "model":
            yield place, "function response in a turn of the model"
        yield from _part(place, part)


def _part(at: str, part: dict[str, Json]) -> Iterator[Problem]:
    if "text" in part and not isinstance(part["text"], str):
        yield f"{at}/text", "must be a string"
    if "thoughtSignature" in part and not _is_bytes(part["thoughtSignature"]):
        yield f"{at}/thoughtSignature", "Base64 decoding failed"
    yield from _media(at, part)
    for member, word in (("functionCall", "args"), ("functionResponse", "response")):
        call = part.get(member)
        if call is None:
            continue
        if not _NAME(str(call.get("name", ""))):
            yield f"{at}/{member}/name", "Invalid function name"
        if not isinstance(call.get(word, {}), dict):
            yield f"{at}/{member}/{word}", "must be an object"
        for index, inner in enumerate(call.get("parts") or []):
            yield from _media(f"{at}/{member}/parts/{index}", inner)


def _media(at: str, part: dict[str, Json]) -> Iterator[Problem]:
    blob, file = part.get("inlineData"), part.get("fileData")
    if blob is not None:
        if not blob.get("mimeType"):
            yield f"{at}/inlineData/mimeType", "must be given"
        if not blob.get("data") or not _is_base64(blob["data"]):
            yield f"{at}/inlineData/data", "Base64 decoding failed"
    if file is not None and not file.get("fileUri"):
        yield f"{at}/fileData/fileUri", "must be given"


def _is_base64(text: Json) -> bool:
    """True for base64 in either alphabet; padding may be left out."""
    plain = str(text).translate(_STANDARD).rstrip("=")
    try:
        base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_bytes(text: Json) -> bool:
    """Base64 that is not sealed text of a gateway's."""
    return _is_base64(text) and not str(text).startswith(_SEALED)


def _pairing(contents: list[dict[str, Json]], *, signatures: bool) -> Iterator[Problem]:
    """Behind a turn with calls stands one content with as many responses, and before it one of the user's."""
    for index, content in enumerate(contents):
        at = f"/contents/{index}"
        calls = [part["functionCall"] for part in content.get("parts") or [] if "functionCall" in part]
        before = contents[index - 1] if index else {}
        if calls:
            if index == 0 or before.get("role", "user") == "model":
                yield at, "a function call turn comes immediately after a user turn or a function response turn"
            if signatures and "thoughtSignature" not in next(p for p in content["parts"] if "functionCall" in p):
                yield at, "Function call is missing a thought_signature"
            answers = _responses(contents[index + 1]) if index + 1 < len(contents) else []
            if index + 1 < len(contents):
                yield from _answers(f"/contents/{index + 1}", calls, answers)
        elif _responses(content) and not any("functionCall" in part for part in before.get("parts") or []):
            yield at, "a function response turn comes immediately after a function call turn"


def _turns(contents: list[dict[str, Json]]) -> list[dict[str, Json]]:
    """Consecutive contents of the model are one turn: Google's own client keeps every frame of a stream as one."""
    turns: list[dict[str, Json]] = []
    for content in contents:
        if turns and content.get("role") == "model" and turns[-1].get("role") == "model":
            turns[-1] = {**turns[-1], "parts": [*(turns[-1].get("parts") or []), *(content.get("parts") or [])]}
        else:
            turns.append(content)
    return turns


def _responses(content: dict[str, Json]) -> list[dict[str, Json]]:
    return [part["functionResponse"] for part in content.get("parts") or [] if "functionResponse" in part]


def _answers(at: str, calls: list[dict[str, Json]], answers: list[dict[str, Json]]) -> Iterator[Problem]:
    if len(calls) != len(answers):
        yield at, "the number of function response parts is equal to the number of function call parts"
        return
    if sorted(str(call["name"]) for call in calls) != sorted(str(answer["name"]) for answer in answers):
        yield at, "function responses are of other functions"
    told = [answer["id"] for answer in answers if "id" in answer]
    known = [call["id"] for call in calls if "id" in call]
    if len(set(known)) != len(known) or len(set(told)) != len(told) or not set(told) <= set(known):
        yield at, "ids of function responses are those of the calls"


def _tools(tools: list[dict[str, Json]]) -> Iterator[Problem]:
    names: list[str] = []
    for index, tool in enumerate(tools):
        if not tool:
            yield f"/tools/{index}", "an empty tool"
        for number, function in enumerate(tool.get("functionDeclarations") or []):
            at = f"/tools/{index}/functionDeclarations/{number}"
            names.append(str(function.get("name")))
            if not _NAME(names[-1]):
                yield f"{at}/name", "Invalid function name"
            for word in ("parameters", "response"):
                if word in function and f"{word}JsonSchema" in function:
                    yield f"{at}/{word}", "only one of the two schemas"
                if word in function:
                    yield from schema_problems(f"{at}/{word}", function[word])
    if len(set(names)) != len(names):
        yield "/tools", "Duplicate function declaration found"


def schema_problems(at: str, schema: Json) -> Iterator[Problem]:
    """What the vendor refuses in its own reduced Schema."""
    if not isinstance(schema, dict):
        yield at, "must be an object"
        return
    yield from ((f"{at}/{name}", "Unknown name: Cannot find field") for name in schema if name not in _SCHEMA)
    kind = str(schema.get("type", "")).upper()
    if "ref" in schema:
        yield from ((at, f"{name} beside ref") for name in schema if name not in {"ref", "description", "default"})
        return
    if kind not in _TYPES and "anyOf" not in schema:
        yield f"{at}/type", f"must be one of {sorted(_TYPES)}"
    if kind == "ARRAY" and "items" not in schema:
        yield f"{at}/items", "missing field"
    if "enum" in schema and (kind != "STRING" or not all(isinstance(item, str) for item in schema["enum"])):
        yield f"{at}/enum", "only allowed for STRING type"
    properties = schema.get("properties") or {}
    if any(name not in properties for name in schema.get("required") or []):
        yield f"{at}/required", "property is not defined"
    inside = [(f"properties/{name}", inner) for name, inner in properties.items()]
    inside += [(f"anyOf/{index}", inner) for index, inner in enumerate(schema.get("anyOf") or [])]
    inside += [("items", schema["items"])] if "items" in schema else []
    for place, inner in inside:
        yield from schema_problems(f"{at}/{place}", inner)


def _calling(body: dict[str, Json]) -> Iterator[Problem]:
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    at = "/toolConfig/functionCallingConfig"
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames") or []
    if mode not in _MODES:
        yield f"{at}/mode", f"one of {sorted(_MODES)}"
    if allowed and mode not in {"ANY", "VALIDATED"}:
        yield f"{at}/allowedFunctionNames", "only with mode ANY or VALIDATED"
    declared = {
        function.get("name") for tool in body.get("tools") or [] for function in tool.get("functionDeclarations") or []
    }
    if not set(allowed) <= declared:
        yield f"{at}/allowedFunctionNames", "there is no such function"


def _config(config: dict[str, Json]) -> Iterator[Problem]:
    at = "/generationConfig"
    for name, (least, most) in _RANGES.items():
        if name in config and not least <= config[name] <= most:
            yield f"{at}/{name}", f"must be between {least} and {most}"
    if len(config.get("stopSequences") or []) > 5:
        yield f"{at}/stopSequences", "at most 5"
    if "logprobs" in config and not config.get("responseLogprobs"):
        yield f"{at}/logprobs", "only with responseLogprobs"
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if len(schemas) > 1:
        yield f"{at}/responseSchema", "only one of the two schemas"
    if schemas and config.get("responseMimeType") not in {"application/json", "text/x.enum"}:
        yield f"{at}/{schemas[0]}", "only with responseMimeType application/json"
    if "responseSchema" in config:
        yield from schema_problems(f"{at}/responseSchema", config["responseSchema"])
    thinking = config.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        yield f"{at}/thinkingConfig", "only one of thinking budget and thinking level"
    if thinking.get("thinkingLevel", "LOW") not in _LEVELS:
        yield f"{at}/thinkingConfig/thinkingLevel", f"one of {sorted(_LEVELS)}"
