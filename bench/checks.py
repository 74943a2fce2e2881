"""Whether a gateway does its work: its answer to the client and its request to the upstream say what they should."""

from typing import Any

import msgspec

from bench import canned
from bench.bodies import conversation

ENDS = {
    "openai-chat": "stop",
    "openai-responses": "completed",
    "anthropic-messages": "end_turn",
    "gemini": "STOP",
}
TURNS = {
    "openai-chat": "messages",
    "openai-responses": "input",
    "anthropic-messages": "messages",
    "gemini": "contents",
}
SCHEMAS = {
    "openai-chat": "parameters",
    "openai-responses": "parameters",
    "anthropic-messages": "input_schema",
    "gemini": "parametersJsonSchema",
}
Content = tuple[str, str | None, int, int]  # text, finish reason, input tokens, output tokens


def fault_in_answer(protocol: str, *, stream: bool, words: int, answer: bytes) -> str | None:
    """What is wrong with the answer to a client of a protocol, or None."""
    wanted = (
        canned.streamed_text(words) if stream else canned.TEXT,
        ENDS[protocol],
        canned.INPUT_TOKENS,
        words if stream else canned.OUTPUT_TOKENS,
    )
    try:
        found = READERS[protocol, stream](answer)
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        return f"not readable ({error!r}): {answer[:200]!r}"
    return None if found == wanted else f"expected {wanted}, got {found}"


def fault_in_request(protocol: str, *, big: bool, request: bytes) -> str | None:
    """What is wrong with the request that reached the upstream, or None: every turn and every tool must be in it."""
    turns, tools = conversation(big=big)
    body = msgspec.json.decode(request)
    spoken = [turn for turn in map(TURN_READERS[protocol], body[TURNS[protocol]]) if turn[0] in {"user", "assistant"}]
    if spoken != list(turns):
        return f"the upstream got {len(spoken)} turns that differ from the {len(turns)} sent"
    defined = defined_tools(protocol, body.get("tools", []))
    if [(tool["name"], tool["description"], tool[SCHEMAS[protocol]]) for tool in defined] != [
        (tool.name, tool.description, tool.parameters) for tool in tools
    ]:
        return f"the upstream got {len(defined)} tools that differ from the {len(tools)} sent"
    return None


def defined_tools(protocol: str, tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The declarations of functions."""
    if protocol == "gemini":
        return [tool for group in tools for tool in group["functionDeclarations"]]
    return [tool["function"] for tool in tools] if protocol == "openai-chat" else tools


def message_turn(message: dict[str, Any]) -> tuple[str, str]:
    """Who says what."""
    return message["role"], plain_text(message["content"])


def gemini_turn(content: dict[str, Any]) -> tuple[str, str]:
    """Who says what."""
    return {"user": "user", "model": "assistant"}[content["role"]], plain_text(content["parts"])


def plain_text(content: Any) -> str:
    """The text of a message's content."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def read_chat(answer: bytes) -> Content:
    body = msgspec.json.decode(answer)
    choice = body["choices"][0]
    usage = body["usage"]
    return choice["message"]["content"], choice["finish_reason"], usage["prompt_tokens"], usage["completion_tokens"]


def read_messages(answer: bytes) -> Content:
    body = msgspec.json.decode(answer)
    text = "".join(block["text"] for block in body["content"])
    return text, body["stop_reason"], body["usage"]["input_tokens"], body["usage"]["output_tokens"]


def read_response(answer: bytes) -> Content:
    return _told_by_response(msgspec.json.decode(answer))


def read_response_stream(answer: bytes) -> Content:
    events: list[dict[str, Any]] = [msgspec.json.decode(frame) for frame in data_of(answer)]
    if events[-1]["type"] != "response.completed":
        raise ValueError("the stream does not end with response.completed")
    spoken = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    told = _told_by_response(events[-1]["response"])
    if told[0] != spoken:
        raise ValueError("the deltas are not the text of the end")
    return told


def _told_by_response(response: dict[str, Any]) -> Content:
    text = "".join(plain_text(item["content"]) for item in response["output"])
    usage = response["usage"]
    return text, response["status"], usage["input_tokens"], usage["output_tokens"]


def read_gemini(answer: bytes) -> Content:
    return _told_by_gemini([msgspec.json.decode(answer)])


def read_gemini_stream(answer: bytes) -> Content:
    return _told_by_gemini([msgspec.json.decode(frame) for frame in data_of(answer)])


def _told_by_gemini(frames: list[dict[str, Any]]) -> Content:
    candidates = [frame["candidates"][0] for frame in frames]
    text = "".join(plain_text(candidate["content"]["parts"]) for candidate in candidates)
    usage = frames[-1]["usageMetadata"]
    return text, candidates[-1].get("finishReason"), usage["promptTokenCount"], usage["candidatesTokenCount"]


def read_chat_stream(answer: bytes) -> Content:
    *frames, end = data_of(answer)
    if end != b"[DONE]":
        raise ValueError("the stream does not end with [DONE]")
    text = ""
    finish: str | None = None
    usage: dict[str, int] = {}
    for event in map(msgspec.json.decode, frames):
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            text += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
    return text, finish, usage["prompt_tokens"], usage["completion_tokens"]


def read_messages_stream(answer: bytes) -> Content:
    events: list[dict[str, Any]] = [msgspec.json.decode(frame) for frame in data_of(answer)]
    if events[-1]["type"] != "message_stop":
        raise ValueError("the stream does not end with message_stop")
    text = ""
    finish: str | None = None
    usage: dict[str, int] = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            usage |= event["message"]["usage"]
        elif kind == "content_block_delta":
            text += event["delta"]["text"]
        elif kind == "message_delta":
            finish = event["delta"]["stop_reason"]
            usage |= event["usage"]
    return text, finish, usage["input_tokens"], usage["output_tokens"]


def data_of(answer: bytes) -> list[bytes]:
    """The data of each frame."""
    return [line[5:].strip() for line in answer.splitlines() if line.startswith(b"data:")]


READERS = {
    ("openai-chat", False): read_chat,
    ("openai-chat", True): read_chat_stream,
    ("openai-responses", False): read_response,
    ("openai-responses", True): read_response_stream,
    ("gemini", False): read_gemini,
    ("gemini", True): read_gemini_stream,
    ("anthropic-messages", False): read_messages,
    ("anthropic-messages", True): read_messages_stream,
}
TURN_READERS = {
    "openai-chat": message_turn,
    "openai-responses": message_turn,
    "anthropic-messages": message_turn,
    "gemini": gemini_turn,
}
