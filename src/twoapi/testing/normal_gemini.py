"""The canonical form of a Gemini request, from the reference alone."""

import base64
import binascii

from twoapi.testing.replies import Json

# Values whose keys are the client's own data.
_FREE = {
    "args",
    "response",
    "parameters",
    "parametersJsonSchema",
    "responseJsonSchema",
    "responseSchema",
    "partMetadata",
    "labels",
    "schema",
    "jsonSchema",
    "headers",
}
# Members that say nothing when they are empty.
_SILENT = (
    "tools",
    "safetySettings",
    "generationConfig",
    "toolConfig",
    "systemInstruction",
    "thinkingConfig",
    "functionCallingConfig",
    "functionDeclarations",
    "labels",
)


def gemini_request(body: dict[str, Json]) -> dict[str, Json]:
    """One spelling, lists for single objects, enumerations in upper case, nothing that says nothing."""
    value = _spelled(body)
    value["contents"] = [_content(content) for content in _listed(value.get("contents"))]
    if "systemInstruction" in value:
        value["systemInstruction"] = _without(_content(value["systemInstruction"]), "role")
        if not any(value["systemInstruction"].values()):
            del value["systemInstruction"]
    value["tools"] = [tool for given in _listed(value.get("tools")) if (tool := _tool(given))]
    if "generationConfig" in value:
        value["generationConfig"] = _config(value["generationConfig"])
    calling = (value.get("toolConfig") or {}).get("functionCallingConfig")
    if calling is not None:
        calling = _enumerations(calling, "mode")
        if not calling.get("allowedFunctionNames"):
            calling.pop("allowedFunctionNames", None)
        value["toolConfig"] = {**value["toolConfig"], "functionCallingConfig": calling}
    if str(value.get("serviceTier", "unspecified")).endswith("unspecified"):
        value.pop("serviceTier", None)
    return _filled(value)


def _filled(value: dict[str, Json]) -> dict[str, Json]:
    made = {name: _filled(item) if isinstance(item, dict) and name in _SILENT else item for name, item in value.items()}
    return {name: item for name, item in made.items() if item or name not in _SILENT}


def _spelled(value: Json) -> Json:
    """camelCase at any depth, but for the client's own data."""
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_camel(name): item for name, item in value.items()}
    return {name: item if name in _FREE else _spelled(item) for name, item in named.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest) if first and all(rest) and name.islower() else name


def spelled_pointer(pointer: str) -> str:
    """A pointer into a body of any spelling as one into its canonical form."""
    return "/".join(map(_camel, pointer.split("/")))


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _without(value: dict[str, Json], *names: str) -> dict[str, Json]:
    return {name: item for name, item in value.items() if name not in names}


def _content(content: dict[str, Json]) -> dict[str, Json]:
    role = content.get("role") or "user"
    return {
        **content,
        "role": "user" if role == "function" else role,
        "parts": [_part(part) for part in _listed(content.get("parts"))],
    }


_DATA = {
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
}


def _part(part: dict[str, Json]) -> dict[str, Json]:
    made = {name: item for name, item in part.items() if (name, item) != ("thought", False)}
    if "thoughtSignature" in made:
        made["thoughtSignature"] = _bytes(made["thoughtSignature"])
    if "inlineData" in made:
        made["inlineData"] = _blob(made["inlineData"])
    answer = made.get("functionResponse")
    if answer is not None:
        inner = [
            {**one, "inlineData": _blob(one["inlineData"])} if "inlineData" in one else one
            for one in _listed(answer.get("parts"))
        ]
        made["functionResponse"] = {**_without(answer, "parts"), **({"parts": inner} if inner else {})}
    return made if _DATA & made.keys() else {"text": "", **made}


def _blob(blob: dict[str, Json]) -> dict[str, Json]:
    return {**blob, "data": _bytes(blob.get("data", ""))}


def _bytes(text: str) -> str:
    """Base64 in its one standard spelling; what is none is kept."""
    standard = text.replace("-", "+").replace("_", "/")
    try:
        return base64.b64encode(base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)).decode()
    except (binascii.Error, ValueError):
        return text


def _tool(tool: dict[str, Json]) -> dict[str, Json]:
    if "functionDeclarations" in tool:
        return _filled({**tool, "functionDeclarations": _listed(tool["functionDeclarations"])})
    return tool


def _config(config: dict[str, Json]) -> dict[str, Json]:
    made = dict(config)
    if "thinkingConfig" in made:
        made["thinkingConfig"] = _enumerations(made["thinkingConfig"], "thinkingLevel")
    if "responseModalities" in made:
        made["responseModalities"] = [str(item).upper() for item in made["responseModalities"]]
    return made


def _enumerations(value: dict[str, Json], *names: str) -> dict[str, Json]:
    """Values in upper case; one that is unspecified says nothing."""
    made = {name: str(item).upper() if name in names else item for name, item in value.items()}
    return {name: item for name, item in made.items() if name not in names or not item.endswith("UNSPECIFIED")}


# --- Schemas by what they mean -------------------------------------------------------------------


def schema_meaning(schema: Json) -> Json:
    """A JSON Schema or the vendor's own, in one spelling: equal for two that say the same in these words."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Json] = {}
    for name, item in schema.items():
        word = _WORDS.get(_camel(name), _camel(name))
        if word not in ("type", "nullable", "propertyOrdering"):
            made[word] = _word_meaning(word, item)
    return _with_type(schema, made)


_WORDS = {"defs": "$defs", "ref": "$ref", "example": "examples"}


def _word_meaning(word: str, item: Json) -> Json:
    if word in ("properties", "$defs", "definitions"):
        return {key: schema_meaning(one) for key, one in item.items()}
    if word in ("items", "additionalProperties", "not"):
        return schema_meaning(item)
    if word in ("anyOf", "oneOf", "allOf"):
        return [schema_meaning(one) for one in item]
    if word == "examples" and not isinstance(item, list):
        return [item]
    if isinstance(item, str) and word == "$ref":
        return item.replace("#/defs/", "#/$defs/")
    counted = isinstance(item, str) and word.startswith(("min", "max"))
    return sorted(item) if word == "required" else int(item) if counted else item


def _with_type(schema: dict[str, Json], made: dict[str, Json]) -> dict[str, Json]:
    kinds = [str(kind).lower() for kind in _listed(schema.get("type"))]
    if schema.get("nullable"):
        if kinds and "anyOf" not in made and "$ref" not in made:
            kinds.append("null")
            if "enum" in made:
                made["enum"] = [*made["enum"], None]
        elif made.keys() <= {"anyOf", "title", "description", "default"}:
            made["anyOf"] = [*made["anyOf"], {"type": ["null"]}]
        else:
            said: dict[str, Json] = {
                name: made.pop(name) for name in ("title", "description", "default") if name in made
            }
            return {**said, "anyOf": [made, {"type": ["null"]}]}
    if kinds:
        made["type"] = sorted(kinds)
    return made
