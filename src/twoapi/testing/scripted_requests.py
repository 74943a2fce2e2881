"""What a request says of its tool loop, whatever its protocol: what may be called, and what came of it."""

import json
from typing import Protocol

from twoapi.testing.gemini_spelling import spelled
from twoapi.testing.replies import Json


class ScriptedRequest(Protocol):
    """A request as the scripted model reads it."""

    id_prefix: str

    def tools(self) -> list[Json]:
        """The tools that may be called now: kind, name, schema."""

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""

    def asked(self) -> str:
        """All that users said in text."""


class ChatRequest:
    """What a chat request says of its tool loop."""

    id_prefix = "call_"

    def __init__(self, body: Json) -> None:
        self._body = body

    def tools(self) -> list[Json]:
        """The tools that may be called now."""
        choice = self._body.get("tool_choice")
        offered = [_chat_tool(tool) for tool in self._body.get("tools") or []]
        if choice == "none":
            return []
        if not isinstance(choice, dict):
            return offered
        wanted = choice["allowed_tools"]["tools"] if choice["type"] == "allowed_tools" else [choice]
        names = {(one["type"], one[one["type"]]["name"]) for one in wanted}
        return [tool for tool in offered if (tool["kind"], tool["name"]) in names]

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""
        return self._body.get("parallel_tool_calls") is not False

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""
        rounds = 0
        order: list[str] = []
        found: dict[str, str] = {}
        before = ""
        for message in self._body["messages"]:
            after_results, before = before == "tool", message["role"]
            if message["role"] == "tool":
                found[message["tool_call_id"]] = _plain(message["content"])
            elif message.get("tool_calls"):
                rounds += 1
                order += [call["id"] for call in message["tool_calls"]]
            elif message["role"] in {"user", "assistant"} and not (after_results and _has_media(message)):
                rounds, order, found = 0, [], {}
        return rounds, [found.get(call_id, "") for call_id in order]

    def asked(self) -> str:
        """All that users said in text."""
        return "\n".join(_plain(one["content"]) for one in self._body["messages"] if one["role"] == "user")


class MessagesRequest:
    """What a messages request says of its tool loop."""

    id_prefix = "toolu_"

    def __init__(self, body: Json) -> None:
        self._body = body

    def tools(self) -> list[Json]:
        """The tools that may be called now."""
        choice = self._body.get("tool_choice") or {"type": "auto"}
        offered = [
            {"kind": "function", "name": tool["name"], "schema": tool["input_schema"]}
            for tool in self._body.get("tools") or []
            if "input_schema" in tool
        ]
        if choice["type"] == "none":
            return []
        return [tool for tool in offered if choice["type"] != "tool" or tool["name"] == choice["name"]]

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""
        return not (self._body.get("tool_choice") or {}).get("disable_parallel_tool_use")

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""
        rounds = 0
        order: list[str] = []
        found: dict[str, str] = {}
        for message in self._body["messages"]:
            blocks = message["content"] if isinstance(message["content"], list) else []
            calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
            given = {b["tool_use_id"]: _plain(b.get("content")) for b in blocks if b["type"] == "tool_result"}
            if calls:
                rounds += 1
                order += calls
            elif given:
                found |= given
            elif message["role"] != "system":
                rounds, order, found = 0, [], {}
        return rounds, [found.get(call_id, "") for call_id in order]

    def asked(self) -> str:
        """All that users said in text."""
        return "\n".join(_plain(one["content"]) for one in self._body["messages"] if one["role"] == "user")


class ResponsesRequest:
    """What a Responses request says of its tool loop; all of the conversation must be in the input."""

    id_prefix = "call_"

    def __init__(self, body: Json) -> None:
        self._body = body
        given = body.get("input") or []
        self._items = [{"role": "user", "content": given}] if isinstance(given, str) else given

    def tools(self) -> list[Json]:
        """The functions and custom tools that may be called now; those of namespaces are left alone."""
        choice = self._body.get("tool_choice")
        offered = [
            {"kind": tool["type"], "name": tool["name"], "schema": tool.get("parameters") or {"type": "object"}}
            for tool in self._body.get("tools") or []
            if tool["type"] in {"function", "custom"}
        ]
        if choice == "none":
            return []
        if not isinstance(choice, dict):
            return offered
        wanted = choice["tools"] if choice["type"] == "allowed_tools" else [choice]
        names = {(one["type"], one["name"]) for one in wanted}
        return [tool for tool in offered if (tool["kind"], tool["name"]) in names]

    def parallel(self) -> bool:
        """Whether several calls in one turn are welcome."""
        return self._body.get("parallel_tool_calls") is not False

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls."""
        rounds = 0
        order: list[str] = []
        found: dict[str, str] = {}
        calling = False
        for item in self._items:
            kind = item.get("type", "message")
            if kind in {"function_call", "custom_tool_call"}:
                rounds += not calling
                order.append(item["call_id"])
            elif kind in {"function_call_output", "custom_tool_call_output"}:
                found[item["call_id"]] = _plain(item["output"])
            elif kind == "message" and item["role"] == "user":
                rounds, order, found = 0, [], {}
            calling = kind in {"function_call", "custom_tool_call"}
        return rounds, [found.get(call_id, "") for call_id in order]

    def asked(self) -> str:
        """All that users said in text."""
        return "\n".join(_plain(item["content"]) for item in self._items if item.get("role") == "user")


class GeminiRequest:
    """What a generateContent request says of its tool loop."""

    id_prefix = "fc_"

    def __init__(self, body: Json) -> None:
        self._body = spelled(body)

    def tools(self) -> list[Json]:
        """The functions that may be called now."""
        config = (self._body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        if config.get("mode") == "NONE":
            return []
        wanted = config.get("allowedFunctionNames")
        return [
            {"kind": "function", "name": one["name"], "schema": _gemini_schema(one)}
            for tool in self._body.get("tools") or []
            for one in tool.get("functionDeclarations") or []
            if not wanted or one["name"] in wanted
        ]

    def parallel(self) -> bool:
        """Several calls in one turn are always welcome."""
        return True

    def results(self) -> tuple[int, list[str]]:
        """How many rounds of calls came since the user last spoke, and all their results in the order of the calls.

        Calls of this protocol need no ids: the responses of a turn stand in the order of its calls.
        """
        rounds = 0
        results: list[str] = []
        for content in self._body["contents"]:
            given = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
            if any("functionCall" in part for part in content["parts"]):
                rounds += 1
            elif given:
                results += [_gemini_result(one.get("response")) for one in given]
            elif content.get("role", "user") == "user":
                rounds, results = 0, []
        return rounds, results

    def asked(self) -> str:
        """All that users said in text."""
        return "\n".join(
            part["text"]
            for content in self._body["contents"]
            for part in content["parts"]
            if content.get("role", "user") == "user" and "text" in part
        )


def _chat_tool(tool: Json) -> Json:
    declared = tool[tool["type"]]
    return {"kind": tool["type"], "name": declared["name"], "schema": declared.get("parameters") or {"type": "object"}}


def _has_media(message: Json) -> bool:
    """True of a user message that carries what tool messages cannot: pictures and files of their results."""
    content = message.get("content")
    return isinstance(content, list) and any(part["type"] != "text" for part in content)


def _plain(content: Json) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", f"[{part['type']}]") for part in content or [])


def _gemini_schema(declared: Json) -> Json:
    """The JSON Schema of the parameters; types of the older dialect are in capitals."""
    if "parametersJsonSchema" in declared:
        return declared["parametersJsonSchema"]
    return _lowered(declared.get("parameters") or {"type": "OBJECT"})


def _lowered(schema: Json) -> Json:
    if isinstance(schema, list):
        return [_lowered(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else _lowered(value)
        for name, value in schema.items()
    }


def _gemini_result(response: Json) -> str:
    """What a result says: the text under its usual name, else the whole object."""
    said = next((response[name] for name in ("output", "result", "error") if name in (response or {})), response)
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
