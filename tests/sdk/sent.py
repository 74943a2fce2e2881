"""What a request that reached an upstream says, whichever protocol it is written in.

`kind` is the alias of the upstream: chat, responses, messages or gemini.
"""

import base64
from typing import Any

_STANDARD = str.maketrans("-_", "+/")
_SKIP = base64.b64encode(b"skip_thought_signature_validator").decode()  # what stands for a signature that nobody has


def limit(kind: str, body: Any) -> int:
    """The most tokens that the answer may have."""
    match kind:
        case "chat":
            most = body["max_completion_tokens"]
        case "responses":
            most = body["max_output_tokens"]
        case "messages":
            most = body["max_tokens"]
        case _:
            most = body["generationConfig"]["maxOutputTokens"]
    return int(most)


def stops(kind: str, body: Any) -> list[str] | None:
    """The texts at which the answer ends; None when none are told."""
    match kind:
        case "chat":
            texts = body.get("stop")
        case "responses":  # knows none
            texts = None
        case "messages":
            texts = body.get("stop_sequences")
        case _:
            texts = body.get("generationConfig", {}).get("stopSequences")
    return None if texts is None else list(texts)


def schema(kind: str, body: Any) -> Any:
    """The JSON Schema that the answer must fit."""
    match kind:
        case "chat":
            return body["response_format"]["json_schema"]["schema"]
        case "responses":
            return body["text"]["format"]["schema"]
        case "messages":
            return body["output_config"]["format"]["schema"]
        case _:
            config = body["generationConfig"]
            assert config["responseMimeType"] == "application/json"
            return config["responseJsonSchema"]


State = list[tuple[str, ...]]


def state(kind: str, body: Any) -> State:
    """The reasoning that came back: in the order of its turns, with all that its maker must find unchanged."""
    found: State
    match kind:
        case "chat":
            found = [(one["reasoning_content"],) for one in body["messages"] if "reasoning_content" in one]
        case "responses":
            items = [item for item in body["input"] if item.get("type") == "reasoning"]
            found = [(item["encrypted_content"],) for item in items]
        case "messages":
            turns = [one["content"] for one in body["messages"] if one["role"] == "assistant"]
            blocks = [block for content in turns if isinstance(content, list) for block in content]
            found = [
                (block["data"],) if block["type"] == "redacted_thinking" else (block["thinking"], block["signature"])
                for block in blocks
                if block["type"] in {"thinking", "redacted_thinking"}
            ]
        case _:
            parts = [part for content in body["contents"] for part in content["parts"]]
            signed = [part["thoughtSignature"] for part in parts if "thoughtSignature" in part]
            found = [
                (text.translate(_STANDARD),) for text in signed if text != _SKIP
            ]  # the SDK writes bytes in the other alphabet
    return found


def calls(kind: str, body: Any) -> list[tuple[str, str]]:
    """The id and the name of every call in the history; Google's calls may have no ids."""
    match kind:
        case "chat":
            given = [call for one in body["messages"] for call in one.get("tool_calls", ())]
            return [(call["id"], call["function"]["name"]) for call in given]
        case "responses":
            items = [item for item in body["input"] if item.get("type") == "function_call"]
            return [(item["call_id"], item["name"]) for item in items]
        case "messages":
            blocks = [block for one in body["messages"] if isinstance(one["content"], list) for block in one["content"]]
            return [(block["id"], block["name"]) for block in blocks if block["type"] == "tool_use"]
        case _:
            parts = [part for content in body["contents"] for part in content["parts"]]
            asked = [part["functionCall"] for part in parts if "functionCall" in part]
            return [(call.get("id", ""), call["name"]) for call in asked]
