"""The canonical form of OpenAI Responses payloads."""

from twoapi.testing.replies import Json

_EMPTY = ("annotations", "logprobs")  # of a text: said or not, there are none


def responses_request(body: dict[str, Json]) -> dict[str, Json]:
    """The canonical form of a request: items with their type, texts as parts, ids of conversations bare."""
    body = dict(body)
    if "user" in body and "safety_identifier" not in body:
        body["safety_identifier"] = body.pop("user")  # the older name
    if isinstance(body.get("input"), str):
        body["input"] = [{"role": "user", "content": body["input"]}]
    if "input" in body:
        body["input"] = [normal_item(item) for item in body["input"]]
    conversation = body.get("conversation")
    if isinstance(conversation, dict) and conversation.keys() == {"id"}:
        body["conversation"] = conversation["id"]
    if "include" in body:
        body["include"] = sorted(body["include"])
    for name in ("text", "reasoning", "tools", "input", "include"):
        if name in body and not body[name]:
            del body[name]
    return body


def normal_item(item: Json) -> Json:
    """The canonical form of an item."""
    if not isinstance(item, dict):
        return item
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    value = {**item, "type": kind}
    if kind == "message":
        text = "output_text" if value.get("role") == "assistant" else "input_text"
        value["content"] = [_part(part, text) for part in _as_parts(value.get("content"), text)]
    elif kind in {"function_call_output", "custom_tool_call_output"}:
        output = _as_parts(value.get("output"), "input_text")
        value["output"] = [_part(part, "input_text") for part in output] if isinstance(output, list) else output
    elif kind == "reasoning":
        value = {"summary": [], **value}
        if value.get("content") == []:
            del value["content"]
    return value


def _as_parts(content: Json, kind: str) -> Json:
    return [{"type": kind, "text": content}] if isinstance(content, str) else content


def _part(part: dict[str, Json], text: str) -> dict[str, Json]:
    """Texts have one type for each side of the conversation."""
    value = {name: item for name, item in part.items() if name not in _EMPTY or item}
    data = value.get("file_data")
    if isinstance(data, str) and not data.startswith("data:"):
        value["file_data"] = f"data:application/pdf;base64,{data}"
    return {**value, "type": text} if part.get("type") in {"input_text", "output_text"} else value
