"""Canonical forms of payloads, and what a stream amounts to: plain code over plain values, from the reference alone.

Two payloads with the same form mean the same by the documentation: the order of members does not count, null is
absent where the protocol documents it so, a string is one text part. Tool arguments are compared as text.
"""

import json
from collections.abc import Callable

from twoapi.testing.documented import REQUESTS, Each, Either, Members, Shape, Tagged
from twoapi.testing.fold_responses import fold_responses, responses_response
from twoapi.testing.frames import frames_of
from twoapi.testing.normal_gemini import gemini_request
from twoapi.testing.normal_gemini_answers import fold_gemini, gemini_response
from twoapi.testing.normal_responses import responses_request
from twoapi.testing.replies import Json


def normal_request(protocol: str, body: bytes | Json) -> Json:
    """The canonical form of a request."""
    value = json.loads(body) if isinstance(body, bytes) else body
    value = without_nulls(value, REQUESTS[protocol])
    if value.get("stream") is False:
        del value["stream"]
    return _REQUESTS[protocol](value)


def normal_response(protocol: str, body: bytes | Json) -> Json:
    """The canonical form of a whole answer."""
    value = json.loads(body) if isinstance(body, bytes) else body
    return _RESPONSES[protocol](value)


def fold_stream(protocol: str, stream: bytes) -> Json:
    """The whole answer that a stream amounts to, as a payload of its protocol, with `error` when it failed."""
    return _FOLDS[protocol](frames_of(stream))


def without_nulls(value: Json, shape: Shape) -> Json:
    """The value without its documented members that are null; what is not documented is kept as it is."""
    match shape:
        case Either():
            for one in shape.shapes:
                if isinstance(value, list if isinstance(one, Each) else dict):
                    return without_nulls(value, one)
        case Each() if isinstance(value, list):
            return [without_nulls(item, shape.item) for item in value]
        case Tagged() if isinstance(value, dict):
            found = shape.shapes.get(str(value.get(shape.tag)), shape.other)
            return value if found is None else without_nulls(value, found)
        case Members() if isinstance(value, dict):
            kept = {name: item for name, item in value.items() if item is not None or name not in shape.fields}
            return {name: without_nulls(item, shape.fields.get(name, Either())) for name, item in kept.items()}
    return value


def _as_parts(content: Json) -> Json:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


# --- OpenAI Chat Completions -------------------------------------------------------------------


def _chat_request(body: dict[str, Json]) -> dict[str, Json]:
    body = dict(body)
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    if "max_tokens" in body and "max_completion_tokens" not in body:
        body["max_completion_tokens"] = body.pop("max_tokens")  # the older name of the same limit
    if "user" in body and "safety_identifier" not in body:
        body["safety_identifier"] = body.pop("user")  # likewise
    body["messages"] = [
        {**message, "content": _as_parts(message["content"])} if "content" in message else message
        for message in body.get("messages") or []
    ]
    prediction = body.get("prediction")
    if isinstance(prediction, dict) and "content" in prediction:
        body["prediction"] = {**prediction, "content": _as_parts(prediction["content"])}
    options = dict(body.get("stream_options") or {})
    options.pop("include_usage", None)  # a gateway always asks for it
    body.pop("stream_options", None)
    return {**body, "stream_options": options} if options else body


def _chat_response(body: dict[str, Json]) -> dict[str, Json]:
    value = _drop(body, ("usage", "service_tier", "system_fingerprint", "metadata", "moderation"))
    if value.get("usage"):
        value["usage"] = _chat_usage(value["usage"])
    value["choices"] = [_chat_choice(choice) for choice in value.get("choices") or []]
    return value


def _chat_usage(usage: dict[str, Json]) -> dict[str, Json]:
    value = {name: item for name, item in usage.items() if item is not None}
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        details = {key: item for key, item in (value.pop(name, None) or {}).items() if item is not None}
        if details:
            value[name] = details
    return value


def _chat_choice(choice: dict[str, Json]) -> dict[str, Json]:
    value = _drop(choice, ("logprobs",))
    if "logprobs" in value:
        value["logprobs"] = _drop(value["logprobs"], ("content", "refusal"))
        if not value["logprobs"]:
            del value["logprobs"]
    message = _drop(value.get("message") or {}, ("refusal", "audio", "tool_calls", "annotations", "function_call"))
    for name in ("annotations", "tool_calls"):
        if message.get(name) == []:
            del message[name]
    for name in ("content", "refusal", "reasoning_content", "reasoning"):
        if not message.get(name):  # nothing was said, whichever way that is written
            message.pop(name, None)
    value["message"] = message
    return value


def _drop(value: dict[str, Json], nullable: tuple[str, ...]) -> dict[str, Json]:
    return {name: item for name, item in value.items() if item is not None or name not in nullable}


class _ChatFold:
    """What chunks add up to."""

    def __init__(self) -> None:
        self.answer: dict[str, Json] = {"object": "chat.completion", "choices": []}
        self._choices: dict[int, dict[str, Json]] = {}
        self._calls: dict[tuple[int, int], dict[str, Json]] = {}

    def take(self, chunk: dict[str, Json]) -> None:
        if chunk.get("error"):
            self.answer["error"] = chunk["error"]
            return
        for name in ("id", "created", "model", "service_tier", "system_fingerprint", "usage"):
            if chunk.get(name) is not None:
                self.answer[name] = chunk[name]
        for choice in chunk.get("choices") or []:
            self._take(choice)

    def close(self) -> dict[str, Json]:
        self.answer["choices"] = [self._choices[index] for index in sorted(self._choices)]
        return self.answer

    def _take(self, choice: dict[str, Json]) -> None:
        index = choice.get("index", 0)
        fresh = {"index": index, "finish_reason": None, "message": {"role": "assistant", "content": None}}
        folded = self._choices.setdefault(index, fresh)
        message = folded["message"]
        delta = choice.get("delta") or {}
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            if isinstance(delta.get(name), str):
                message[name] = (message.get(name) or "") + delta[name]
        for name in ("annotations", "reasoning_details"):
            if delta.get(name):
                message[name] = message.get(name, []) + delta[name]
        if delta.get("audio"):
            message["audio"] = _merge(message.get("audio") or {}, delta["audio"], ("data", "transcript"))
        for call in delta.get("tool_calls") or []:
            self._call(index, message, call)
        for name, tokens in (choice.get("logprobs") or {}).items():
            if tokens:
                place = folded.setdefault("logprobs", {})
                place[name] = place.get(name, []) + tokens
        if choice.get("finish_reason"):
            folded["finish_reason"] = choice["finish_reason"]

    def _call(self, choice: int, message: dict[str, Json], delta: dict[str, Json]) -> None:
        key = (choice, delta["index"])
        if key not in self._calls:
            self._calls[key] = {}
            message.setdefault("tool_calls", []).append(self._calls[key])
        call = self._calls[key]
        for name in ("id", "type"):
            if delta.get(name):
                call[name] = delta[name]
        for name, body in (("function", "arguments"), ("custom", "input")):
            if delta.get(name) is not None:
                call[name] = _merge(call.get(name) or {}, delta[name], (body,))


def _merge(old: dict[str, Json], new: dict[str, Json], joined: tuple[str, ...]) -> dict[str, Json]:
    merged = dict(old)
    for name, item in new.items():
        if name in joined:
            merged[name] = merged.get(name, "") + (item or "")
        elif item is not None:
            merged[name] = item
    return merged


def _fold_chat(frames: list[tuple[str, str]]) -> dict[str, Json]:
    fold = _ChatFold()
    for _, data in frames:
        if data != "[DONE]":
            fold.take(json.loads(data))
    return fold.close()


# --- Anthropic Messages ------------------------------------------------------------------------


def _messages_request(body: dict[str, Json]) -> dict[str, Json]:
    body = dict(body)
    if "system" in body:
        body["system"] = _as_parts(body["system"])
    turns: list[dict[str, Json]] = []
    for message in body.get("messages") or []:
        blocks = [_block(block) for block in _as_parts(message.get("content")) or []]
        turn = {**message, "content": blocks}
        if turns and turns[-1].keys() == turn.keys() == {"role", "content"} and turns[-1]["role"] == turn["role"]:
            turns[-1] = {**turn, "content": turns[-1]["content"] + blocks}  # as the service merges them
        else:
            turns.append(turn)
    body["messages"] = turns
    if "tools" in body:
        body["tools"] = [
            {name: item for name, item in tool.items() if (name, item) != ("type", "custom")} for tool in body["tools"]
        ]
    return body


def _block(block: dict[str, Json]) -> dict[str, Json]:
    if block.get("type") == "tool_result" and isinstance(block.get("content"), str):
        return {**block, "content": _as_parts(block["content"])}
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "content":
        return {**block, "source": {**source, "content": _as_parts(source["content"])}}
    return block


def _messages_response(body: dict[str, Json]) -> dict[str, Json]:
    value = _drop(body, ("stop_details", "container", "diagnostics"))
    value["stop_sequence"] = value.get("stop_sequence")
    value["usage"] = {name: item for name, item in (value.get("usage") or {}).items() if item is not None}
    value["content"] = [
        {name: item for name, item in block.items() if name != "citations" or item} for block in value["content"]
    ]
    return value


class _MessagesFold:
    """What events add up to."""

    def __init__(self) -> None:
        self.answer: dict[str, Json] = {}
        self._json: dict[int, str] = {}

    def take(self, event: dict[str, Json]) -> None:
        step = getattr(self, f"_{event['type']}", None)
        if step is not None:
            step(event)

    def _message_start(self, event: dict[str, Json]) -> None:
        self.answer = {**event["message"], "content": []}

    def _content_block_start(self, event: dict[str, Json]) -> None:
        self.answer["content"].append(dict(event["content_block"]))

    def _content_block_delta(self, event: dict[str, Json]) -> None:
        index, delta = event["index"], event["delta"]
        block = self.answer["content"][index]
        kind = delta["type"]
        if kind == "text_delta":
            block["text"] += delta["text"]
        elif kind == "thinking_delta":
            block["thinking"] += delta["thinking"]
        elif kind == "signature_delta":
            block["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        elif kind == "input_json_delta":
            self._json[index] = self._json.get(index, "") + delta["partial_json"]

    def _content_block_stop(self, event: dict[str, Json]) -> None:
        text = self._json.pop(event["index"], "")
        if text:
            try:
                self.answer["content"][event["index"]]["input"] = json.loads(text)
            except ValueError:
                self.answer["content"][event["index"]]["input"] = {"broken": text}

    def _message_delta(self, event: dict[str, Json]) -> None:
        self.answer |= event["delta"]
        told = {name: item for name, item in (event.get("usage") or {}).items() if item is not None}
        self.answer["usage"] = {**(self.answer.get("usage") or {}), **told}

    def _error(self, event: dict[str, Json]) -> None:
        self.answer["error"] = event["error"]


def _fold_messages(frames: list[tuple[str, str]]) -> dict[str, Json]:
    fold = _MessagesFold()
    for _, data in frames:
        fold.take(json.loads(data))
    return fold.answer


_REQUESTS: dict[str, Callable[[dict[str, Json]], dict[str, Json]]] = {
    "openai-chat": _chat_request,
    "openai-responses": responses_request,
    "anthropic-messages": _messages_request,
    "gemini": gemini_request,
}
_RESPONSES: dict[str, Callable[[dict[str, Json]], dict[str, Json]]] = {
    "openai-chat": _chat_response,
    "openai-responses": responses_response,
    "anthropic-messages": _messages_response,
    "gemini": gemini_response,
}
_FOLDS: dict[str, Callable[[list[tuple[str, str]]], dict[str, Json]]] = {
    "openai-chat": _fold_chat,
    "openai-responses": fold_responses,
    "anthropic-messages": _fold_messages,
    "gemini": fold_gemini,
}
