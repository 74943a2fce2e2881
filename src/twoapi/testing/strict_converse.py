"""What Bedrock's Converse refuses, from its service model and its documentation."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections import Counter
from collections.abc import Iterator

from twoapi.testing.replies import Json
from twoapi.testing.shapes import ANY, Each, Members, members, undocumented

Reason = tuple[str, str]

_CACHE = members("type ttl")
_SOURCE = members("bytes", s3Location=members("uri bucketOwner"))
_CITING = members("enabled")
_DOCUMENT = members(
    "format name context",
    source=members("bytes text", s3Location=members("uri bucketOwner"), content=Each(members("text"))),
    citations=_CITING,
)
_SEARCHED = members("source title", content=Each(members("text")), citations=_CITING)
_SPAN = members("documentIndex start end")
_CITATION = members(
    "title source",
    sourceContent=Each(members("text")),
    location=members(
        web=members("url domain"),
        documentChar=_SPAN,
        documentPage=_SPAN,
        documentChunk=_SPAN,
        searchResultLocation=members("searchResultIndex start end"),
    ),
)
_MEDIA = members("format", source=_SOURCE)
_RESULT = members("json text", image=_MEDIA, document=_DOCUMENT, video=_MEDIA, searchResult=_SEARCHED)
_BLOCK = members(
    "text guardContent",
    image=_MEDIA,
    document=_DOCUMENT,
    video=_MEDIA,
    audio=_MEDIA,
    toolUse=Members({"toolUseId": ANY, "name": ANY, "input": ANY, "type": ANY}),
    toolResult=members("toolUseId status type", content=Each(_RESULT)),
    cachePoint=_CACHE,
    reasoningContent=members("redactedContent", reasoningText=members("text signature")),
    citationsContent=members(content=Each(members("text")), citations=Each(_CITATION)),
    searchResult=_SEARCHED,
)
REQUEST = members(
    "additionalModelRequestFields promptVariables additionalModelResponseFieldPaths requestMetadata",
    messages=Each(members("role", content=Each(_BLOCK))),
    system=Each(members("text guardContent", cachePoint=_CACHE)),
    inferenceConfig=members("maxTokens temperature topP stopSequences"),
    toolConfig=members(
        tools=Each(
            members(
                toolSpec=members("name description strict", inputSchema=members("json")),
                systemTool=members("name"),
                cachePoint=_CACHE,
            )
        ),
        toolChoice=members("auto any", tool=members("name")),
    ),
    guardrailConfig=members("guardrailIdentifier guardrailVersion trace"),
    performanceConfig=members("latency"),
    serviceTier=members("type"),
    outputConfig=members(
        "effort", textFormat=members("type", structure=members(jsonSchema=members("schema name description")))
    ),
)

_call_id = re.compile(r"[a-zA-Z0-9_.:-]{1,64}").fullmatch
_tool_name = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_document_name = re.compile(r"(?!.*  )[a-zA-Z0-9 ()\[\]-]{1,200}").fullmatch
_label = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}").fullmatch
_FORMATS = {
    "image": {"png", "jpeg", "gif", "webp"},
    "document": {"pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"},
    "video": {"mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"},
    "audio": {
        *("mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm"),
        "webm",
    },
}
_ONLY_USERS = ("image", "document", "video", "audio", "toolResult", "searchResult")
_ONLY_MODELS = ("toolUse", "reasoningContent", "citationsContent")


def refusal_reasons(body: Json) -> list[Reason]:
    """Pointer and reason of all that the service would refuse in a request; [] for a good one."""
    return [*_reasons(body)]


def _reasons(body: Json) -> Iterator[Reason]:
    for pointer in undocumented(body, REQUEST):
        yield pointer, "no such member"
    messages = body["messages"]
    yield from _roles(messages)
    for number, message in enumerate(messages):
        yield from _content(message, f"/messages/{number}/content")
    yield from _pairs(messages)
    for number, block in enumerate(body.get("system", ())):
        if "text" in block and not block["text"].strip():
            yield f"/system/{number}/text", "the text is blank"
    yield from _tools(body)
    yield from _marks(body)
    yield from _names(messages)
    yield from _options(body)


def _roles(messages: Json) -> Iterator[Reason]:
    if not messages or messages[0]["role"] != "user":
        yield "/messages", "the conversation must start with a user message"
    for number, message in enumerate(messages):
        at = f"/messages/{number}"
        if message["role"] not in ("user", "assistant"):
            yield f"{at}/role", "user or assistant"
        if number and message["role"] == messages[number - 1]["role"]:
            yield at, "roles must alternate between user and assistant"
        if not message["content"]:
            yield f"{at}/content", "the content is empty"


def _content(message: Json, at: str) -> Iterator[Reason]:
    kinds = [next(iter(block), "") for block in message["content"]]
    if "document" in kinds and "text" not in kinds:
        yield at, "beside a document there must be text"
    others = _ONLY_MODELS if message["role"] == "user" else _ONLY_USERS
    for number, (kind, block) in enumerate(zip(kinds, message["content"], strict=True)):
        place = f"{at}/{number}"
        if len(block) != 1:
            yield place, "a block has one member"
        elif kind in others:
            yield place, f"{kind} in a turn of the {message['role']}"
        else:
            yield from _block(kind, block[kind], f"{place}/{kind}")


def _block(kind: str, value: Json, at: str) -> Iterator[Reason]:
    check = _medium if kind in _FORMATS else _CHECKS.get(kind)
    if check is not None:
        yield from check(kind, value, at)


def _text(_: str, value: Json, at: str) -> Iterator[Reason]:
    if not value.strip():
        yield at, "the text is blank"


def _call(_: str, value: Json, at: str) -> Iterator[Reason]:
    if not isinstance(value["input"], dict):
        yield f"{at}/input", "an object"
    if not _tool_name(value["name"]):
        yield f"{at}/name", "[a-zA-Z0-9_-]{1,64}"


def _result(_: str, value: Json, at: str) -> Iterator[Reason]:
    for number, block in enumerate(value["content"]):
        for inner, content in block.items():
            yield from _block(inner, content, f"{at}/content/{number}/{inner}")
    if value.get("status", "success") not in ("success", "error"):
        yield f"{at}/status", "success or error"


def _cache_point(_: str, value: Json, at: str) -> Iterator[Reason]:
    if value["type"] != "default" or value.get("ttl", "5m") not in ("5m", "1h"):
        yield at, "a default cache point of 5m or 1h"


def _reasoning(_: str, value: Json, at: str) -> Iterator[Reason]:
    if "reasoningText" in value and not value["reasoningText"].get("signature"):
        yield at, "reasoning needs its signature"


_CHECKS = {
    "text": _text,
    "toolUse": _call,
    "toolResult": _result,
    "cachePoint": _cache_point,
    "reasoningContent": _reasoning,
}


def _medium(kind: str, value: Json, at: str) -> Iterator[Reason]:
    if value.get("format") not in _FORMATS[kind]:
        yield f"{at}/format", f"one of {sorted(_FORMATS[kind])}"
    source = value["source"]
    if len(source) != 1:
        yield f"{at}/source", "one of bytes, s3Location, text, content"
    if "bytes" in source:
        try:
            if not b64decode(source["bytes"], validate=True):
                yield f"{at}/source/bytes", "at least one byte"
        except (Base64Error, ValueError):
            yield f"{at}/source/bytes", "base64"


def _pairs(messages: Json) -> Iterator[Reason]:
    """The calls of a turn are answered in the next one, and nothing else is; no id comes twice."""
    open_calls: list[str] = []
    seen: set[str] = set()
    for number, message in enumerate(messages):
        at = f"/messages/{number}/content"
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if sorted(results) != sorted(open_calls):
            yield at, f"toolResult blocks for {open_calls} expected, found {results}"
        open_calls = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]
        for call_id in open_calls:
            if call_id in seen:
                yield at, f"the toolUse id {call_id} is there twice"
            if not _call_id(call_id):
                yield at, f"{call_id!r} is no toolUse id"
            seen.add(call_id)
    if open_calls:
        yield f"/messages/{len(messages) - 1}", f"toolResult blocks for {open_calls} expected"


def _tools(body: Json) -> Iterator[Reason]:
    used = any("toolUse" in block or "toolResult" in block for one in body["messages"] for block in one["content"])
    config = body.get("toolConfig")
    if config is None:
        if used:
            yield "/toolConfig", "must be there when messages hold toolUse or toolResult blocks"
        return
    if not config["tools"]:
        yield "/toolConfig/tools", "at least one"
    specs = [tool["toolSpec"] for tool in config["tools"] if "toolSpec" in tool]
    yield from _specs(specs)
    choice = config.get("toolChoice")
    if choice is not None and len(choice) != 1:
        yield "/toolConfig/toolChoice", "auto, any or tool"
    elif choice is not None and "tool" in choice and choice["tool"]["name"] not in [spec["name"] for spec in specs]:
        yield "/toolConfig/toolChoice/tool", "there is no such tool"


def _specs(specs: list[Json]) -> Iterator[Reason]:
    for name, count in Counter(spec["name"] for spec in specs).items():
        if count > 1 or not _tool_name(name):
            yield "/toolConfig/tools", f"the name {name!r} is wrong, or there twice"
    for spec in specs:
        if spec["inputSchema"]["json"].get("type") != "object":
            yield "/toolConfig/tools", f"the schema of {spec['name']} must be an object's"
        if spec.get("description") == "":
            yield "/toolConfig/tools", "an empty description"


def _marks(body: Json) -> Iterator[Reason]:
    places = [body.get("toolConfig", {}).get("tools", []), body.get("system", [])]
    places += [message["content"] for message in body["messages"]]
    if sum("cachePoint" in block for blocks in places for block in blocks) > 4:
        yield "", "at most four cache points"
    for blocks in places:
        if blocks and "cachePoint" in blocks[0]:
            yield "", "a cache point stands behind something"


def _names(messages: Json) -> Iterator[Reason]:
    """Names of documents, which do not come twice."""
    seen: set[str] = set()
    for message in messages:
        for block in message["content"]:
            inner = block["toolResult"]["content"] if "toolResult" in block else [block]
            for document in (one["document"] for one in inner if "document" in one):
                if not _document_name(document["name"]) or document["name"] in seen:
                    yield "/messages", f"the document name {document['name']!r} is wrong, or there twice"
                seen.add(document["name"])


def _options(body: Json) -> Iterator[Reason]:
    config = body.get("inferenceConfig", {})
    if config.get("maxTokens", 1) < 1:
        yield "/inferenceConfig/maxTokens", "at least 1"
    for name in ("temperature", "topP"):
        if not 0 <= config.get(name, 0) <= 1:
            yield f"/inferenceConfig/{name}", "from 0 to 1"
    if not all(stop for stop in config.get("stopSequences", ())):
        yield "/inferenceConfig/stopSequences", "an empty one"
    metadata = body.get("requestMetadata")
    if metadata is not None and not 1 <= len(metadata) <= 16:
        yield "/requestMetadata", "from 1 to 16 entries"
    for key, value in (metadata or {}).items():
        if not _label(key) or (value and not _label(value)):
            yield "/requestMetadata", f"{key!r} or its value"
    if body.get("serviceTier", {"type": "default"})["type"] not in ("priority", "default", "flex", "reserved"):
        yield "/serviceTier/type", "no such tier"
    yield from _thinking(body, config)


def _thinking(body: Json, config: Json) -> Iterator[Reason]:
    """The rules of Claude, for the fields that are its own."""
    thinking = body.get("additionalModelRequestFields", {}).get("thinking")
    if thinking is None or thinking["type"] == "disabled":
        return
    if config.get("temperature", 1) != 1:
        yield "/inferenceConfig/temperature", "must be 1 with thinking"
    budget = thinking.get("budget_tokens")
    if (thinking["type"] == "enabled") != (budget is not None):
        yield "/additionalModelRequestFields/thinking", "budget_tokens goes with enabled"
    if budget is not None and not 1024 <= budget < config.get("maxTokens", 1 << 30):
        yield "/additionalModelRequestFields/thinking/budget_tokens", "from 1024 to maxTokens"
    if thinking["type"] == "enabled" and body.get("toolConfig", {}).get("toolChoice", {"auto": {}}) != {"auto": {}}:
        yield "/toolConfig/toolChoice", "thinking may not force a call"
