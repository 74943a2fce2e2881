"""What requests are made of, as each protocol's clients write it."""

from typing import Any

Json = Any  # a parsed JSON document

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PNG_URL = f"data:image/png;base64,{PNG}"
OBJECT: Json = {"type": "object", "properties": {}}
LONG = "x" * 100


def chat_tool(name: str = "look", schema: Json = OBJECT, **members: Json) -> Json:
    """A function of a chat client."""
    return {"type": "function", "function": {"name": name, "parameters": schema, **members}}


def messages_tool(name: str = "look", schema: Json = OBJECT, **members: Json) -> Json:
    """A tool of a messages client."""
    return {"name": name, "input_schema": schema, **members}


def responses_tool(name: str = "look", schema: Json = OBJECT, **members: Json) -> Json:
    """A function of a responses client."""
    return {"type": "function", "name": name, "parameters": schema, "strict": False, **members}


def gemini_tool(name: str = "look", **members: Json) -> Json:
    """A tool of a Gemini client that declares one function."""
    return {"functionDeclarations": [{"name": name, "parametersJsonSchema": OBJECT, **members}]}


def user(text: Json = "hi", **members: Json) -> Json:
    """What the user says, in chat and messages."""
    return {"role": "user", "content": text, **members}


def assistant(text: Json = "ok", **members: Json) -> Json:
    """What the model said, in chat and messages."""
    return {"role": "assistant", "content": text, **members}


def chat_call(call_id: str = "c1", name: str = "look", arguments: str = "{}") -> Json:
    """A call in an assistant message of chat."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def chat_calls(*calls: Json) -> Json:
    """An assistant message of chat that calls tools."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def chat_result(call_id: str = "c1", text: Json = "r") -> Json:
    """A tool message of chat."""
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def tool_use(call_id: str = "c1", name: str = "look", given: Json = None) -> Json:
    """A call in an assistant turn of messages."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": given or {}}


def tool_result(call_id: str = "c1", content: Json = "r", **members: Json) -> Json:
    """A result in a user turn of messages."""
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **members}


def said(text: str = "hi", **members: Json) -> Json:
    """A block of text."""
    return {"type": "text", "text": text, **members}


def marked(text: str = "hi", **members: Json) -> Json:
    """A block of text with a cache mark."""
    return said(text, cache_control={"type": "ephemeral", **members})


def picture(data: str = PNG, media_type: str = "image/png") -> Json:
    """An image of a messages client."""
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def image_url(url: str = "https://pictures.example/a.png") -> Json:
    """An image of a chat client."""
    return {"type": "image_url", "image_url": {"url": url}}


def function_call(call_id: str = "c1", name: str = "look", arguments: str = "{}", **members: Json) -> Json:
    """A call of a responses client."""
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **members}


def function_output(call_id: str = "c1", output: Json = "r") -> Json:
    """The output of a call of a responses client."""
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def turn(role: str, *parts: Json) -> Json:
    """A content of a Gemini client."""
    return {"role": role, "parts": list(parts)}


def calling(name: str = "look", **members: Json) -> Json:
    """A part of a Gemini turn that calls a function."""
    return {"functionCall": {"name": name, "args": {}, **members}}


def answering(name: str = "look", **members: Json) -> Json:
    """A part of a Gemini turn that answers a call."""
    return {"functionResponse": {"name": name, "response": {"output": "r"}, **members}}
