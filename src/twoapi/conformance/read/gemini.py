"""A generateContent request, as Google's reference says it is to be understood."""

from collections.abc import Iterator

from twoapi.conformance.asked import Asked, Json, Offered, Piece, json_text, settings

_SETTINGS = {
    "maxOutputTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}


# Members whose content has names of its own.
_FREE = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "labels"}
# The reduced dialect in snake case.
_SCHEMA_WORDS = {
    "any_of": "anyOf",
    "property_ordering": "propertyOrdering",
    "additional_properties": "additionalProperties",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
}


def read(body: Json) -> Asked:
    """What the body asks."""
    body = _camel(body)
    config = body.get("generationConfig") or {}
    known = settings(config, _SETTINGS)
    if tier := body.get("serviceTier"):
        known["tier"] = tier
    thinking = config.get("thinkingConfig") or {}
    effort = thinking.get("thinkingLevel", thinking.get("thinkingBudget"))
    if effort is not None:
        known["effort"] = effort.lower() if isinstance(effort, str) else effort
    schema = config.get("responseJsonSchema", config.get("responseSchema"))
    if schema is not None:
        known["schema"] = _plain_schema(schema)
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    return Asked(
        pieces=[*_content("system", body.get("systemInstruction")), *_contents(body["contents"])],
        tools=[_tool(one) for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []],
        choice=_choice(calling),
        settings=known,
    )


def _choice(calling: Json) -> str:
    names = calling.get("allowedFunctionNames") or []
    mode = str(calling.get("mode", "")).lower()
    if mode == "any":
        return f"named:{names[0]}" if len(names) == 1 else "required"
    return mode


def _tool(tool: Json) -> Offered:
    schema = tool.get("parametersJsonSchema", tool.get("parameters"))
    return Offered(name=tool["name"], description=tool.get("description") or "", schema=_plain_schema(schema))


def _camel(value: Json) -> Json:
    """The body with all names in camel case, as the service takes both; what is free to its sender stays as it is."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = ((_camel_name(name), held) for name, held in value.items())
    return {name: held if name in _FREE else _camel(held) for name, held in named}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _plain_schema(schema: Json) -> Json:
    """The reduced dialect in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_plain_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    named = ((_SCHEMA_WORDS.get(name, name), value) for name, value in schema.items())
    plain = {name: _plain_schema(value) for name, value in named if name != "propertyOrdering"}
    if isinstance(plain.get("type"), str):
        plain["type"] = plain["type"].lower()
        if plain.pop("nullable", False) is True:
            plain["type"] = [plain["type"], "null"]
    return plain


def _contents(contents: Json) -> Iterator[Piece]:
    for content in contents:
        yield from _content("assistant" if content.get("role") == "model" else "user", content)


def _content(role: str, content: Json) -> Iterator[Piece]:
    for part in (content or {}).get("parts") or []:
        yield from _part(role, part)


def _part(role: str, part: Json) -> Iterator[Piece]:
    opaque = part.get("thoughtSignature", "")
    if "functionCall" in part:
        call = part["functionCall"]
        said = json_text(call.get("args", {}))
        yield Piece(role=role, kind="call", text=said, name=call["name"], id=call.get("id", ""), opaque=opaque)
    elif "functionResponse" in part:
        yield from _result(part["functionResponse"])
    elif "inlineData" in part or "fileData" in part:
        yield _media(role, part)
    elif "text" in part:
        kind = "reasoning" if part.get("thought") else "text"
        if part["text"] or opaque:
            yield Piece(role=role, kind=kind, text=part["text"], opaque=opaque)
    else:
        yield Piece(role=role, kind=next(iter(part), "empty"))


def _media(role: str, part: Json) -> Piece:
    held = part.get("inlineData") or part["fileData"]
    mime = held.get("mimeType", "")
    kind = "image" if mime.startswith("image/") else "audio" if mime.startswith("audio/") else "document"
    text = held.get("data") or held["fileUri"]
    return Piece(role=role, kind=kind, text=text, mime=mime, name=held.get("displayName", ""))


def _result(answer: Json) -> Iterator[Piece]:
    response = answer["response"]
    failed = "error" in response
    said = response.get("error", response.get("output", response))
    text = said if isinstance(said, str) else json_text(said)
    yield Piece(role="tool", kind="result", text=text, name=answer["name"], id=answer.get("id", ""), failed=failed)
    for part in answer.get("parts") or []:
        yield _media("tool", part)
