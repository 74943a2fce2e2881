"""What a request says, whatever protocol says it: who says what in which order, which tools there are, how it is to be
answered. Plain code over plain values, independent of the codecs.
"""

import json
from collections.abc import Iterator
from typing import Any

Said = tuple[Any, ...]


def essence(protocol: str, body: Any) -> dict[str, Any]:
    """Everything that must survive a conversion."""
    return _chat(body) if protocol == "openai-chat" else _messages(body)


def _chat(body: Any) -> dict[str, Any]:
    functions = [tool["function"] for tool in body.get("tools") or []]
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    choice = body.get("tool_choice")
    return {
        "said": [said for message in body["messages"] for said in _chat_message(message)],
        "tools": [(one["name"], one.get("description"), one["parameters"], one.get("strict")) for one in functions],
        "choice": {"auto": "auto", "required": "must", None: None}[choice],
        "limit": body.get("max_tokens") or body.get("max_completion_tokens"),
        "schema": wanted.get("schema"),
        "stream": bool(body.get("stream")),
        "user": body.get("safety_identifier") or body.get("user"),
    }


def _chat_message(message: Any) -> Iterator[Said]:
    role = {"developer": "system"}.get(message["role"], message["role"])
    content = message.get("content")
    if role == "tool":
        yield "result", message["tool_call_id"], _joined(content)
        return
    for text in _texts(content):
        yield role, text
    for call in message.get("tool_calls") or []:
        yield "call", call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])


def _messages(body: Any) -> dict[str, Any]:
    tools = body.get("tools") or []
    choice = (body.get("tool_choice") or {}).get("type")
    return {
        "said": [
            *(("system", text) for text in _texts(body.get("system"))),
            *(said for message in body["messages"] for said in _turn(message)),
        ],
        "tools": [(one["name"], one.get("description"), one["input_schema"], one.get("strict")) for one in tools],
        "choice": {"auto": "auto", "any": "must", None: None}[choice],
        "limit": body["max_tokens"],
        "schema": ((body.get("output_config") or {}).get("format") or {}).get("schema"),
        "stream": bool(body.get("stream")),
        "user": (body.get("metadata") or {}).get("user_id"),
    }


def _turn(message: Any) -> Iterator[Said]:
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for block in blocks:
        match block["type"]:
            case "text":
                yield message["role"], block["text"]
            case "tool_use":
                yield "call", block["id"], block["name"], block["input"]
            case "tool_result":
                yield "result", block["tool_use_id"], _joined(block.get("content"))
            case _:
                assert block["type"] == "thinking"  # state of its own vendor: not said to others


def _texts(content: Any) -> list[str]:
    if content is None:
        return []
    return [content] if isinstance(content, str) else [part["text"] for part in content]


def _joined(content: Any) -> str:
    return "".join(_texts(content))
