"""A Messages request, as Anthropic's reference says it is to be understood."""

from collections.abc import Iterator

from twoapi.conformance.asked import Asked, Json, Offered, Piece, json_text, settings

_SETTINGS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_sequences": "stop",
    "service_tier": "tier",
    "stream": "stream",
}


def read(body: Json) -> Asked:
    """What the body asks."""
    known = settings(body, _SETTINGS)
    output = body.get("output_config") or {}
    if output.get("effort"):
        known["effort"] = output["effort"]
    elif (body.get("thinking") or {}).get("type") == "enabled":
        known["effort"] = body["thinking"]["budget_tokens"]
    if answer := output.get("format") or body.get("output_format"):  # the second is the older spelling
        known["schema"] = answer["schema"]
    if user := (body.get("metadata") or {}).get("user_id"):
        known["user"] = user
    choice = body.get("tool_choice") or {}
    if choice.get("disable_parallel_tool_use") is not None:
        known["parallel"] = not choice["disable_parallel_tool_use"]
    return Asked(
        pieces=[*_content("system", body.get("system")), *_messages(body["messages"])],
        tools=[_tool(tool) for tool in body.get("tools") or [] if "input_schema" in tool],
        choice=_choice(choice),
        settings=known,
    )


def _choice(choice: Json) -> str:
    match choice.get("type"):
        case "any":
            return "required"
        case "tool":
            return f"named:{choice['name']}"
        case other:
            return other or ""


def _tool(tool: Json) -> Offered:
    return Offered(
        name=tool["name"],
        description=tool.get("description") or "",
        schema=tool["input_schema"],
        strict=tool.get("strict") is True,
    )


def _messages(messages: Json) -> Iterator[Piece]:
    for message in messages:
        yield from _content(message["role"], message["content"])


def _content(role: str, content: Json) -> Iterator[Piece]:
    if isinstance(content, str):
        yield Piece(role=role, kind="text", text=content)
        return
    for block in content or []:
        yield from _block(role, block)


def _block(role: str, block: Json) -> Iterator[Piece]:
    match block["type"]:
        case "text":
            yield Piece(role=role, kind="text", text=block["text"])
        case "image":
            source = block["source"]
            yield Piece(role=role, kind="image", text=_source(source), mime=source.get("media_type", ""))
        case "document":
            source = block["source"]
            mime = source.get("media_type", "")
            name = " ".join(filter(None, (block.get("title"), block.get("context"))))
            yield Piece(role=role, kind="document", text=_source(source), mime=mime, name=name)
        case "thinking":
            yield Piece(role=role, kind="reasoning", text=block["thinking"], opaque=block["signature"])
        case "redacted_thinking":
            yield Piece(role=role, kind="reasoning", opaque=block["data"])
        case "tool_use":
            said = json_text(block["input"])
            yield Piece(role=role, kind="call", text=said, name=block["name"], id=block["id"])
        case "tool_result":
            yield from _result(block)
        case other:
            yield Piece(role=role, kind=other)


def _result(block: Json) -> Iterator[Piece]:
    parts = list(_content("tool", block.get("content")))
    said = "".join(part.text for part in parts if part.kind == "text")
    failed = block.get("is_error") is True
    yield Piece(role="tool", kind="result", text=said, id=block["tool_use_id"], failed=failed)
    yield from (part for part in parts if part.kind != "text")


def _source(source: Json) -> str:
    match source["type"]:
        case "url":
            return str(source["url"])
        case "content":
            content = source["content"]
            return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
        case "file":
            return str(source["file_id"])
        case _:
            return str(source["data"])
