"""An answer as a client of Messages takes it."""

from collections.abc import Callable, Mapping

import msgspec

from twoapi.conformance.answer import Answer, Call, Citation, Events, Json, events, number

_STOP = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "compaction",
}


def refusal(body: Json, status: int) -> str:  # noqa: ARG001  the status is not told again in the body
    """The message of an HTTP error; raises ValueError for another format."""
    error = body.get("error") if isinstance(body, dict) and body.get("type") == "error" else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or "type" not in error:
        raise ValueError("no {type: error, error: {type, message}}")
    return str(error["message"])


def whole(body: Json) -> Answer:
    """The message."""
    answer = Answer(ended=True, own=body["content"])
    if body.get("type") != "message" or body.get("role") != "assistant":
        answer.problems.append("type is not message, or role not assistant")
    if not body.get("id") or not body.get("model"):
        answer.problems.append("no id or no model")
    _content(answer, body["content"])
    _end(answer, body)
    _used(answer, body["usage"])
    return answer


def stream(body: bytes) -> Answer:
    """The events, put together."""
    answer = Answer()
    found = events(body)
    taking = _Taking(answer)
    for name, event in _named(answer, found):
        if answer.error is not None or answer.ended:
            answer.problems.append(f"{name} follows the end")
        taking.take(event)
    answer.own = taking.blocks
    _content(answer, taking.blocks)
    _used(answer, taking.usage)
    return answer


def _named(answer: Answer, found: Events) -> list[tuple[str, Json]]:
    if found.open_end:
        answer.problems.append("the last event is not ended by a blank line")
    named = []
    for frame in found.frames:
        if frame.data == "[DONE]":
            answer.problems.append("[DONE] is not of this protocol")
            continue
        event = msgspec.json.decode(frame.data)
        if frame.name != event.get("type"):
            answer.problems.append(f"event line {frame.name!r} of a {event.get('type')}")
        named.append((frame.name, event))
    return named


class _Taking:
    """The state of a stream: the message's blocks, and which of them is open."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.blocks: list[Json] = []
        self.usage: Json = {}
        self._began = False
        self._open: int | None = None
        self._partial = ""

    def take(self, event: Json) -> None:
        kind = str(event.get("type"))
        if kind not in ("message_start", "error", "ping") and not self._began:
            self.answer.problems.append(f"{kind} comes before message_start")
        if taker := self._TAKERS.get(kind):
            taker(self, event)
        elif kind != "ping":
            self.answer.problems.append(f"an event {kind}")

    def _start(self, event: Json) -> None:
        if self._began:
            self.answer.problems.append("a second message_start")
        self._began = True
        message = event["message"]
        if message.get("content") != [] or message.get("role") != "assistant" or not message.get("id"):
            self.answer.problems.append("message_start has content, or no role or id")
        self.usage |= message["usage"]

    def _block_start(self, event: Json) -> None:
        if self._open is not None:
            self.answer.problems.append("a block begins in another")
        if event["index"] != len(self.blocks):
            self.answer.problems.append(f"index {event['index']} of block {len(self.blocks)}")
        self._open = event["index"]
        self._partial = ""
        block = event["content_block"]
        if block["type"] == "thinking" and "signature" not in block:
            self.answer.problems.append("a thinking block begins without signature")
        self.blocks.append(dict(block))

    def _delta(self, event: Json) -> None:
        if event["index"] != self._open:
            self.answer.problems.append("a delta of a block that is not open")
            return
        block, delta = self.blocks[-1], event["delta"]
        match delta["type"], block["type"]:
            case ("text_delta", "text") | ("thinking_delta", "thinking"):
                block[block["type"]] += delta[block["type"]]
            case "signature_delta", "thinking":
                block["signature"] = delta["signature"]
            case "citations_delta", "text":
                block["citations"] = [*(block.get("citations") or []), delta["citation"]]
            case "input_json_delta", _:
                self._partial += delta["partial_json"]
            case other:
                self.answer.problems.append(f"{other[0]} in a block {other[1]}")

    def _block_stop(self, event: Json) -> None:
        if event["index"] != self._open:
            self.answer.problems.append("the end of a block that is not open")
            return
        self._open = None
        if self._partial:
            self.blocks[-1]["input"] = msgspec.json.decode(self._partial)

    def _message_delta(self, event: Json) -> None:
        if self._open is not None:
            self.answer.problems.append("message_delta comes while a block is open")
        _end(self.answer, event["delta"])
        self.usage |= {name: value for name, value in event["usage"].items() if value is not None}

    def _stop(self, event: Json) -> None:  # noqa: ARG002  as the others
        self.answer.ended = True
        if not self.answer.stop:
            self.answer.problems.append("message_stop without message_delta")

    def _error(self, event: Json) -> None:
        self.answer.error = refusal(event, 200)

    _TAKERS: Mapping[str, Callable[["_Taking", Json], None]] = {
        "message_start": _start,
        "content_block_start": _block_start,
        "content_block_delta": _delta,
        "content_block_stop": _block_stop,
        "message_delta": _message_delta,
        "message_stop": _stop,
        "error": _error,
    }


def _content(answer: Answer, blocks: Json) -> None:
    for block in blocks:
        match block["type"]:
            case "text":
                answer.text += block["text"]
                answer.cited += [_citation(block["text"], one) for one in block.get("citations") or []]
            case "thinking":
                answer.reasoning += block["thinking"]
                answer.opaque.append(block["signature"])
            case "redacted_thinking":
                answer.opaque.append(block["data"])
            case "tool_use":
                if not isinstance(block["input"], dict):
                    answer.problems.append("the input of a call is no object")
                said = msgspec.json.encode(block["input"]).decode()
                answer.calls.append(Call(id=block["id"], name=block["name"], arguments=said))
            case _:
                pass  # further kinds of blocks are the client's to ignore


def _citation(text: str, one: Json) -> Citation:
    title = one.get("title") or one.get("document_title") or ""
    return Citation(url=one.get("url") or one.get("source") or "", title=title, passage=text)


def _end(answer: Answer, ending: Json) -> None:
    answer.stop, answer.stop_text = str(ending.get("stop_reason")), ending.get("stop_sequence") or ""
    if answer.stop not in _STOP:
        answer.problems.append(f"stop_reason {answer.stop!r}")


def _used(answer: Answer, usage: Json) -> None:
    plain, cached = number(usage, "input_tokens"), number(usage, "cache_read_input_tokens")
    written = number(usage, "cache_creation_input_tokens")
    answer.used = {
        "input": None if plain is None else plain + (cached or 0) + (written or 0),
        "cached": cached,
        "written": written,
        "output": number(usage, "output_tokens"),
        "reasoning": number(usage, "output_tokens_details", "thinking_tokens"),
    }
