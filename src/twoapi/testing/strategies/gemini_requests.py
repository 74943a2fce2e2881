"""generateContent requests that Google's reference allows."""

import json
import re

from hypothesis import strategies as st

from twoapi.testing.documented_gemini import GEMINI_REQUEST
from twoapi.testing.replies import Json
from twoapi.testing.strategies.values import (
    base64s,
    call_ids,
    json_bytes,
    json_objects,
    maybe,
    names,
    schemas,
    texts,
    urls,
    with_unknown,
    words,
)

_function_names = st.one_of(
    names.map(lambda name: f"f_{name}"), st.sampled_from(("get_weather", "ns.tool:v1", "a-b", "_x"))
)
_portable_names = names.map(lambda name: f"f_{name}")
_signatures = st.sampled_from(("U0lHMQ==", "c2lnbmF0dXJlLTI=", "/+8="))

# --- Parts ---------------------------------------------------------------------------------------

_texts = st.builds(lambda text: {"text": text}, words)
_images = st.builds(
    lambda data, mime: {"inlineData": {"mimeType": mime, "data": data}},
    base64s,
    st.sampled_from(("image/png", "image/jpeg", "image/webp")),
)
_image_urls = st.builds(lambda url: {"fileData": {"fileUri": url, "mimeType": "image/png"}}, urls)
_own_media = st.sampled_from(
    (
        {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0=", "displayName": "a b.pdf"}},
        {"inlineData": {"mimeType": "text/plain", "data": "aGk="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
        {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}, "videoMetadata": {"startOffset": "1s", "fps": 2.5}},
        {
            "fileData": {
                "mimeType": "application/pdf",
                "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
            }
        },
        {"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/a.png"}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=abc"}, "videoMetadata": {"endOffset": "9s"}},
        {
            "inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
        },
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "mediaResolution": {"numTokens": 70}},
        {"text": "a", "partMetadata": {"some_key": {"other_key": 1}}},
        {"text": "b", "mediaProcessing": "STATIC", "speechMetadata": {"speaker": "x"}},
    )
)
_own_user_parts = st.one_of(_texts, _images, _image_urls, _own_media)
_portable_user_parts = st.one_of(_texts, _images)
_SERVER_PARTS: tuple[dict[str, Json], ...] = (
    {"executableCode": {"language": "PYTHON", "code": "print('é')"}},
    {"executableCode": {"id": "c1", "language": "PYTHON", "code": "1"}, "thoughtSignature": "U0lHMQ=="},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "é\n"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}},
    {"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"query_text": "x"}}},
    {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"some_hits": [1]}}},
)


@st.composite
def _model_part(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    part: dict[str, Json] = {**draw(_texts)}
    if portable:
        return part
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return {**draw(st.sampled_from(_SERVER_PARTS))}
    if kind == 1:
        return {"text": "", "thoughtSignature": draw(_signatures)}
    if kind == 2:
        return {**draw(_images)}
    if kind == 3:
        part["thought"] = True
    maybe(draw, part, "thoughtSignature", _signatures)
    return part


# --- Calls and results ---------------------------------------------------------------------------


@st.composite
def _call(draw: st.DrawFn, call_id: str | None, *, portable: bool, first: bool) -> dict[str, Json]:
    call: dict[str, Json] = {"name": draw(_portable_names if portable else _function_names)}
    if call_id is not None:
        call["id"] = call_id
    if portable or draw(st.integers(0, 5)):
        call["args"] = draw(json_objects)
    part: dict[str, Json] = {"functionCall": call}
    if not portable and first:
        maybe(draw, part, "thoughtSignature", _signatures)
    return part


_responses = st.one_of(
    texts.map(lambda text: {"output": text}),
    texts.map(lambda text: {"error": text}),
    json_objects,
    st.sampled_from(({"result": "x"}, {"output": [1]}, {"output": "a", "more": 1}, {"error": {"code": 3}}, {})),
)
_media_of_results = st.lists(
    st.one_of(
        _images,
        st.just({"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}),
        st.just({"fileData": {"mimeType": "image/png", "fileUri": "gs://bucket/a.png"}}),
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def _result(draw: st.DrawFn, call: dict[str, Json], *, portable: bool) -> dict[str, Json]:
    answer: dict[str, Json] = {
        "name": call["name"],
        "response": draw(texts.map(lambda text: {"output": text}) if portable else _responses),
    }
    if "id" in call:
        answer["id"] = call["id"]
    if not portable:
        maybe(draw, answer, "parts", _media_of_results)
        maybe(draw, answer, "scheduling", st.just("SILENT"))
        maybe(draw, answer, "willContinue", st.sampled_from((False,)))
    return {"functionResponse": answer}


@st.composite
def _rounds(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    """A turn with up to four parallel calls, and their results in any order; without ids in that of the calls."""
    count = draw(st.integers(1, 4))
    with_ids = portable or draw(st.booleans())
    ids = draw(st.lists(call_ids, min_size=count, max_size=count, unique=True)) if with_ids else [None] * count
    calls = [draw(_call(call_id, portable=portable, first=not number)) for number, call_id in enumerate(ids)]
    before = draw(st.lists(_model_part(portable=portable), max_size=2))
    made = [part["functionCall"] for part in calls]
    order = draw(st.permutations(made)) if with_ids else made
    results = [draw(_result(call, portable=portable)) for call in order]
    role = "user" if portable else draw(st.sampled_from(("user", "user", "function")))
    return [{"role": "model", "parts": before + calls}, {"role": role, "parts": results}]


# --- Tools ---------------------------------------------------------------------------------------

# The vendor's own Schema: types in upper case, nullable, counts as strings.
own_schemas = st.sampled_from(
    (
        {"type": "OBJECT", "properties": {"city": {"type": "STRING", "description": "é"}}, "required": ["city"]},
        {
            "type": "OBJECT",
            "properties": {
                "unit": {"type": "STRING", "enum": ["c", "f"], "nullable": True},
                "days": {"type": "ARRAY", "items": {"type": "INTEGER", "format": "int32"}, "minItems": "1"},
                "where": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER", "minimum": 0}], "nullable": True},
                "deep": {"type": "OBJECT", "properties": {"x": {"type": "BOOLEAN"}}},
            },
            "propertyOrdering": ["where", "unit", "days", "deep"],
        },
        {"type": "object", "properties": {"a": {"type": "string", "example": "x", "title": "A"}}},
    )
)
_SERVER_TOOLS: tuple[dict[str, Json], ...] = (
    {"googleSearch": {}},
    {"googleSearch": {"timeRangeFilter": {"startTime": "2026-01-01T00:00:00Z"}}},
    {"codeExecution": {}, "urlContext": {}},
    {"googleMaps": {"enableWidget": True}},
    {"fileSearch": {"fileSearchStoreNames": ["fileSearchStores/a"], "topK": 3}},
    {"computerUse": {"environment": "ENVIRONMENT_BROWSER", "excludedPredefinedFunctions": ["drag_and_drop"]}},
    {"mcpServers": [{"name": "s", "streamableHttpTransport": {"url": "https://e.example", "headers": {"a_b": "c"}}}]},
    {"googleSearchRetrieval": {"dynamicRetrievalConfig": {"mode": "MODE_DYNAMIC", "dynamicThreshold": 0.5}}},
)


@st.composite
def _functions(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    functions = []
    found = _portable_names if portable else _function_names
    for name in draw(st.lists(found, min_size=1, max_size=3, unique=True)):
        function: dict[str, Json] = {"name": name, "description": draw(texts)}
        if not portable and draw(st.booleans()):
            function["parameters"] = draw(own_schemas)
        elif portable or draw(st.integers(0, 4)):
            function["parametersJsonSchema"] = draw(schemas())
        if not portable:
            if draw(st.integers(0, 3)) == 0:
                del function["description"]
            output: tuple[dict[str, Json], ...] = (
                {"response": {"type": "STRING"}},
                {"responseJsonSchema": {"type": "string"}},
            )
            function |= draw(st.sampled_from(output)) if draw(st.integers(0, 3)) == 0 else {}
            maybe(draw, function, "behavior", st.just("BLOCKING"))
        functions.append(function)
    return functions


@st.composite
def _tools(draw: st.DrawFn, *, portable: bool) -> list[dict[str, Json]]:
    functions = draw(_functions(portable=portable))
    if portable:
        return [{"functionDeclarations": functions}]
    tools: list[dict[str, Json]] = [{"functionDeclarations": functions[:1]}]
    if functions[1:]:
        tools.append({"functionDeclarations": functions[1:]})
    for server in draw(st.lists(st.sampled_from(_SERVER_TOOLS), max_size=2, unique_by=min)):
        if draw(st.booleans()):
            tools[0] |= {name: item for name, item in server.items() if name not in tools[0]}
        else:
            tools.append(dict(server))
    return tools


@st.composite
def _tool_config(draw: st.DrawFn, tools: list[dict[str, Json]], *, portable: bool) -> dict[str, Json]:
    declared = [function["name"] for tool in tools for function in tool.get("functionDeclarations") or []]
    calling: dict[str, Json] = {"mode": draw(st.sampled_from(("AUTO", "ANY", "NONE")))}
    if portable:
        if calling["mode"] == "ANY":
            maybe(draw, calling, "allowedFunctionNames", st.just(declared[:1]))
        return {"functionCallingConfig": calling}
    calling["mode"] = draw(st.sampled_from(("AUTO", "ANY", "NONE", "VALIDATED")))
    if calling["mode"] in {"ANY", "VALIDATED"}:
        maybe(draw, calling, "allowedFunctionNames", st.lists(st.sampled_from(declared), min_size=1, unique=True))
    maybe(draw, calling, "streamFunctionCallArguments", st.sampled_from((True,)))
    config: dict[str, Json] = {"functionCallingConfig": calling}
    maybe(draw, config, "retrievalConfig", st.just({"latLng": {"latitude": 1.5, "longitude": 2}, "languageCode": "de"}))
    maybe(draw, config, "includeServerSideToolInvocations", st.booleans())
    return config


# --- How the answer is made ----------------------------------------------------------------------

_SHARED_CONFIG: dict[str, st.SearchStrategy[Json]] = {
    "maxOutputTokens": st.integers(1, 100_000),
    "stopSequences": st.lists(words, min_size=1, max_size=4),
}
_OWN_CONFIG: dict[str, st.SearchStrategy[Json]] = {
    "temperature": st.sampled_from((0, 0.5, 1, 1.7, 2)),
    "topP": st.sampled_from((0.1, 1)),
    "topK": st.sampled_from((1, 40, 40.0, 2.5)),
    "candidateCount": st.integers(1, 3),
    "seed": st.integers(-(2**31), 2**31 - 1),
    "presencePenalty": st.sampled_from((-2, 0, 1.5)),
    "frequencyPenalty": st.sampled_from((-1, 0.25)),
    "responseModalities": st.sampled_from((["TEXT"], ["TEXT", "IMAGE"], ["AUDIO"])),
    "speechConfig": st.just({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}),
    "imageConfig": st.just({"aspectRatio": "16:9", "imageSize": "2K"}),
    "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
    "audioTimestamp": st.booleans(),
    "enableEnhancedCivicAnswers": st.booleans(),
    "routingConfig": st.just({"autoMode": {"modelRoutingPreference": "BALANCED"}}),
}
_thinking = st.sampled_from(
    (
        *({"thinkingLevel": level} for level in ("MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH")),
        *({"thinkingBudget": budget} for budget in (0, -1, 1, 512, 1024, 24576)),
        {"thinkingLevel": "HIGH", "includeThoughts": True},
        {"thinkingBudget": 2048, "includeThoughts": False},
        {"includeThoughts": True},
    )
)


@st.composite
def _forms(draw: st.DrawFn) -> dict[str, Json]:
    kind = draw(st.integers(0, 5))
    mime = {"responseMimeType": "application/json"}
    if kind == 0:
        return {"responseMimeType": "text/plain"}
    if kind == 1:
        return mime
    if kind == 2:
        return {**mime, "responseSchema": draw(own_schemas)}
    if kind == 3:
        return {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a", "b"]}}
    if kind == 4:
        return {"responseFormat": [{"text": {"mimeType": "application/json", "jsonSchema": draw(schemas())}}]}
    return {**mime, "responseJsonSchema": draw(schemas())}


@st.composite
def _config(draw: st.DrawFn, *, portable: bool) -> dict[str, Json]:
    config: dict[str, Json] = {}
    for name, strategy in _SHARED_CONFIG.items():
        maybe(draw, config, name, strategy)
    if portable:
        return config
    for name, strategy in _OWN_CONFIG.items():
        maybe(draw, config, name, strategy)
    if draw(st.integers(0, 3)) == 0:
        config["responseLogprobs"] = True
        maybe(draw, config, "logprobs", st.integers(0, 20))
    maybe(draw, config, "thinkingConfig", _thinking)
    if draw(st.integers(0, 2)) == 0:
        config |= draw(_forms())
    return config


_OWN_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "safetySettings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]),
    "serviceTier": st.sampled_from(("flex", "standard", "priority", "unspecified")),
    "store": st.booleans(),
    "labels": st.dictionaries(st.sampled_from(("team", "env_name")), st.sampled_from(("a", "")), max_size=2),
    "cachedContent": st.just("cachedContents/abc"),
    "modelArmorConfig": st.just({"promptTemplateName": "p"}),
    "continuationToken": st.just("AAAA"),
}


@st.composite
def gemini_bodies(draw: st.DrawFn, *, portable: bool = False) -> dict[str, Json]:
    """The body of a request, as a value. `portable`: only what other protocols have too."""
    parts = _portable_user_parts if portable else _own_user_parts
    user = st.builds(lambda parts: {"role": "user", "parts": parts}, st.lists(parts, min_size=1, max_size=3))
    model = st.builds(
        lambda parts: [{"role": "model", "parts": parts}],
        st.lists(_model_part(portable=portable), min_size=1, max_size=3),
    )
    contents = [draw(user)]
    for _ in range(draw(st.integers(0, 2))):
        turn = draw(st.one_of(_rounds(portable=portable), model))
        contents += turn
        if turn[-1]["role"] == "model" or draw(st.booleans()):
            contents.append(draw(user))
    body: dict[str, Json] = {"contents": contents}
    if draw(st.booleans()):
        body["systemInstruction"] = {"parts": draw(st.lists(_texts, min_size=1, max_size=2))}
        if not portable:
            maybe(draw, body["systemInstruction"], "role", st.just("user"))
    if draw(st.booleans()):
        body["tools"] = draw(_tools(portable=portable))
        maybe(draw, body, "toolConfig", _tool_config(body["tools"], portable=portable))
    config = draw(_config(portable=portable))
    if config:
        body["generationConfig"] = config
    if not portable:
        for name, strategy in _OWN_FIELDS.items():
            if name != "cachedContent" or draw(st.integers(0, 4)) == 0:
                maybe(draw, body, name, strategy)
    return body


@st.composite
def gemini_requests(draw: st.DrawFn, *, portable: bool = False, unknown: bool = False) -> bytes:
    """A request as bytes; `unknown` puts in members that no release knows."""
    body = draw(gemini_bodies(portable=portable))
    if unknown:
        body = draw(with_unknown(body, GEMINI_REQUEST))
    return draw(json_bytes(body))


_FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "jsonSchema", "partMetadata", "labels"}
_FREE |= {"parameters", "responseSchema", "schema", "headers"}
_UPPER = re.compile(r"[A-Z]")


@st.composite
def snake_requests(draw: st.DrawFn) -> bytes:
    """A request some of whose members are in snake_case, and some single objects out of their lists."""
    body = draw(gemini_bodies())
    spelled = _respelled(draw, json.loads(json.dumps(body)))
    return draw(json_bytes(spelled))


def _respelled(draw: st.DrawFn, value: Json) -> Json:
    if isinstance(value, list):
        return [_respelled(draw, item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, item in value.items():
        snake = _UPPER.sub(lambda found: "_" + found[0].lower(), name)
        made[snake if draw(st.booleans()) else name] = item if name in _FREE else _respelled(draw, item)
    return made
