"""A Chat Completions request, as OpenAI's reference says it is to be understood."""

from collections.abc import Iterator

from twoapi.conformance.asked import Asked, Json, Offered, Piece, data_url, settings

_SETTINGS = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "parallel_tool_calls": "parallel",
    "reasoning_effort": "effort",
    "verbosity": "verbosity",
    "metadata": "metadata",
    "service_tier": "tier",
    "user": "user",
    "safety_identifier": "user",
    "stream": "stream",
}


def read(body: Json) -> Asked:
    """What the body asks."""
    known = settings(body, _SETTINGS)
    if (stop := body.get("stop")) is not None:
        known["stop"] = [stop] if isinstance(stop, str) else stop
    answer = body.get("response_format") or {}
    if answer.get("type") == "json_schema":
        known["schema"] = answer["json_schema"].get("schema")
        known["schema_name"] = answer["json_schema"]["name"]
        known["schema_strict"] = answer["json_schema"].get("strict") is True
    return Asked(
        pieces=[piece for message in body["messages"] for piece in _message(message)],
        tools=[_tool(tool["function"]) for tool in body.get("tools") or [] if tool["type"] == "function"],
        choice=_choice(body.get("tool_choice")),
        settings=known,
    )


def _choice(choice: Json) -> str:
    return f"named:{choice['function']['name']}" if isinstance(choice, dict) else choice or ""


def _tool(function: Json) -> Offered:
    return Offered(
        name=function["name"],
        description=function.get("description") or "",
        schema=function.get("parameters"),
        strict=function.get("strict") is True,
    )


def _message(message: Json) -> Iterator[Piece]:
    role = "system" if message["role"] == "developer" else message["role"]
    content = message.get("content")
    if role == "tool":
        said = content if isinstance(content, str) else "".join(part["text"] for part in content)
        yield Piece(role="tool", kind="result", text=said, id=message["tool_call_id"])
        return
    if reasoning := message.get("reasoning_content"):
        yield Piece(role=role, kind="reasoning", text=reasoning)
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    for part in parts:
        yield _part(role, part)
    if refusal := message.get("refusal"):
        yield Piece(role=role, kind="refusal", text=refusal)
    for call in message.get("tool_calls") or []:
        made = call[call["type"]]
        said = made["arguments"] if call["type"] == "function" else made["input"]
        yield Piece(role=role, kind="call", text=said, name=made["name"], id=call["id"])


def _part(role: str, part: Json) -> Piece:
    match part["type"]:
        case "text":
            return Piece(role=role, kind="text", text=part["text"])
        case "refusal":
            return Piece(role=role, kind="refusal", text=part["refusal"])
        case "image_url":
            mime, data = data_url(part["image_url"]["url"])
            return Piece(role=role, kind="image", text=data, mime=mime)
        case "file":
            mime, data = data_url(part["file"].get("file_data") or part["file"].get("file_id") or "")
            return Piece(role=role, kind="document", text=data, mime=mime, name=part["file"].get("filename") or "")
        case other:
            return Piece(role=role, kind=other)
