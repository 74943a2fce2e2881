"""A Responses request, as OpenAI's reference says it is to be understood."""

from collections.abc import Iterator

from twoapi.conformance.asked import Asked, Json, Offered, Piece, data_url, settings

_SETTINGS = {
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "parallel_tool_calls": "parallel",
    "metadata": "metadata",
    "service_tier": "tier",
    "user": "user",
    "safety_identifier": "user",
    "stream": "stream",
}


def read(body: Json) -> Asked:
    """What the body asks."""
    known = settings(body, _SETTINGS)
    if effort := (body.get("reasoning") or {}).get("effort"):
        known["effort"] = effort
    text = body.get("text") or {}
    if text.get("verbosity"):
        known["verbosity"] = text["verbosity"]
    answer = text.get("format") or {}
    if answer.get("type") == "json_schema":
        known |= {"schema": answer["schema"], "schema_name": answer["name"]}
        known["schema_strict"] = answer.get("strict") is True
    return Asked(
        pieces=[*_instructions(body.get("instructions")), *_input(body["input"])],
        tools=[_tool(tool) for tool in body.get("tools") or [] if tool["type"] == "function"],
        choice=_choice(body.get("tool_choice")),
        settings=known,
    )


def _choice(choice: Json) -> str:
    return f"named:{choice['name']}" if isinstance(choice, dict) else choice or ""


def _tool(tool: Json) -> Offered:
    return Offered(
        name=tool["name"],
        description=tool.get("description") or "",
        schema=tool.get("parameters"),
        strict=tool.get("strict") is True,
    )


def _instructions(text: str | None) -> Iterator[Piece]:
    if text:
        yield Piece(role="system", kind="text", text=text)


def _input(items: Json) -> Iterator[Piece]:
    if isinstance(items, str):
        yield Piece(role="user", kind="text", text=items)
        return
    for item in items:
        yield from _item(item)


def _item(item: Json) -> Iterator[Piece]:
    match item.get("type", "message"):
        case "message":
            role = "system" if item["role"] == "developer" else item["role"]
            content = item["content"]
            parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
            for part in parts:
                yield _part(role, part)
        case "reasoning":
            said = "".join(part["text"] for part in [*item.get("summary", []), *(item.get("content") or [])])
            yield Piece(role="assistant", kind="reasoning", text=said, opaque=item.get("encrypted_content") or "")
        case "function_call":
            yield Piece(role="assistant", kind="call", text=item["arguments"], name=item["name"], id=item["call_id"])
        case "function_call_output":
            yield from _output(item)
        case other:
            yield Piece(role="assistant", kind=other)


def _output(item: Json) -> Iterator[Piece]:
    output = item["output"]
    if isinstance(output, str):
        yield Piece(role="tool", kind="result", text=output, id=item["call_id"])
        return
    parts = [_part("tool", part) for part in output]
    said = "".join(part.text for part in parts if part.kind == "text")
    yield Piece(role="tool", kind="result", text=said, id=item["call_id"])
    yield from (part for part in parts if part.kind != "text")


def _part(role: str, part: Json) -> Piece:
    match part["type"]:
        case "input_text" | "output_text":
            return Piece(role=role, kind="text", text=part["text"])
        case "refusal":
            return Piece(role=role, kind="refusal", text=part["refusal"])
        case "input_image":
            mime, data = data_url(part.get("image_url") or part.get("file_id") or "")
            return Piece(role=role, kind="image", text=data, mime=mime)
        case "input_file":
            mime, data = data_url(part.get("file_data") or part.get("file_url") or part.get("file_id") or "")
            return Piece(role=role, kind="document", text=data, mime=mime, name=part.get("filename") or "")
        case other:
            return Piece(role=role, kind=other)
