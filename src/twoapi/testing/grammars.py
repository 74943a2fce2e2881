"""Which bytes a client of each protocol may be sent: independent checkers of whole streams."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from twoapi.testing.grammar_gemini import GeminiGrammar, gemini_blocks
from twoapi.testing.grammar_responses import ResponsesWalker
from twoapi.testing.replies import Json

_NAMED = {"anthropic-messages", "openai-responses"}  # every event has its event line
CHAT_FINISH = {"stop", "length", "tool_calls", "content_filter", "function_call"}
CHAT_DELTA = {
    "role",
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "annotations",  # what peers send, see the reference
    "reasoning_content",
    "reasoning_details",
}
MESSAGES_STOP = {
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "compaction",
}
# Block type -> its deltas; a block that is not listed has none.
MESSAGES_DELTAS = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "server_tool_use": {"input_json_delta"},
    "mcp_tool_use": {"input_json_delta"},
    "compaction": {"compaction_delta"},
}
# Block type -> the members it starts with.
_STARTS: dict[str, dict[str, Json]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


def stream_problems(protocol: str, stream: bytes, *, include_usage: bool = True) -> list[str]:
    """Everything in which a complete stream departs from its protocol's grammar; [] for a legal one."""
    found: list[str] = []
    if protocol == "gemini":
        return _gemini_problems(stream, found)
    events = _events(stream, found, named=protocol in _NAMED)
    walker: _Chat | _Messages | ResponsesWalker
    if protocol == "openai-responses":
        walker = ResponsesWalker(found)
    else:
        walker = _Messages(found) if protocol == "anthropic-messages" else _Chat(found, include_usage)
    for number, (name, data) in enumerate(events):
        before = len(found)
        walker.take(name, data)
        found[before:] = [f"frame {number}: {problem} in {data[:200]}" for problem in found[before:]]
    if not walker.ended:
        found.append("the stream has no end")
    return found


def _gemini_problems(stream: bytes, found: list[str]) -> list[str]:
    walker = GeminiGrammar(found)
    for number, data in enumerate(gemini_blocks(stream.decode("utf-8", "replace"), found)):
        before = len(found)
        walker.take("", data)
        found[before:] = [f"frame {number}: {problem} in {data[:200]}" for problem in found[before:]]
    if not walker.ended:
        found.append("the stream has no end")
    return found


def _events(stream: bytes, found: list[str], *, named: bool) -> list[tuple[str, str]]:
    """The frames, in the one spelling that every client understands."""
    try:
        text = stream.decode("utf-8")
    except UnicodeDecodeError as error:
        found.append(f"not UTF-8: {error}")
        return []
    if text and not text.endswith("\n\n"):
        found.append("the last frame has no blank line")
    events = []
    for block in text.split("\n\n")[:-1]:
        if block.startswith(":") and "\n" not in block:
            continue
        name, data = "", block
        if named:
            first, _, data = block.partition("\n")
            if not first.startswith("event: "):
                found.append(f"a frame without its event line: {block[:200]}")
            name = first.removeprefix("event: ")
        if not data.startswith("data: ") or "\n" in data or "\r" in data:
            found.append(f"not one data line: {block[:200]}")
        events.append((name, data.removeprefix("data: ")))
    return events


def _parsed(data: str, found: list[str]) -> dict[str, Json]:
    try:
        value = json.loads(data)
    except ValueError as error:
        found.append(f"not JSON: {error}")
        return {}
    if not isinstance(value, dict):
        found.append("not an object")
        return {}
    return value


@dataclass
class _Choice:
    role: bool = False
    finished: bool = False
    calls: set[int] = field(default_factory=set)


class _Chat:
    """role chunk, deltas, finish chunk per choice; then the usage chunk if asked for, then [DONE]; or an error."""

    def __init__(self, found: list[str], include_usage: bool) -> None:  # noqa: FBT001
        self.ended = False
        self._found = found
        self._include_usage = include_usage
        self._constant: dict[str, Json] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage = False

    def take(self, _: str, data: str) -> None:
        if self.ended:
            self._found.append("something follows the end")
        if data == "[DONE]":
            self._done()
            return
        chunk = _parsed(data, self._found)
        if chunk.get("error"):
            self._error(chunk["error"])
        else:
            self._chunk(chunk)

    def _done(self) -> None:
        self.ended = True
        if not self._choices or not all(choice.finished for choice in self._choices.values()):
            self._found.append("[DONE] before every choice has finished")

    def _error(self, error: Json) -> None:
        self.ended = True
        if not isinstance(error, dict) or not {"message", "type", "param", "code"} <= error.keys():
            self._found.append("the error has not its four members")

    def _chunk(self, chunk: dict[str, Json]) -> None:
        for name in ("id", "created", "model"):
            if chunk.get(name) is None or self._constant.setdefault(name, chunk[name]) != chunk[name]:
                self._found.append(f"{name} is missing or changes")
        if chunk.get("object") != "chat.completion.chunk":
            self._found.append("object is not chat.completion.chunk")
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            self._found.append("choices is no list")
        elif not choices:
            self._usage_chunk(chunk)
        elif self._usage:
            self._found.append("a choice after the usage chunk")
        else:
            if chunk.get("usage") is not None:
                self._found.append("usage on a chunk with choices")
            for choice in choices:
                self._choice(choice)

    def _usage_chunk(self, chunk: dict[str, Json]) -> None:
        if self._usage or not self._include_usage:
            self._found.append("a usage chunk that was not asked for")
        self._usage = True
        if not all(choice.finished for choice in self._choices.values()):
            self._found.append("usage before every choice has finished")
        usage = chunk.get("usage")
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        if not isinstance(usage, dict) or not all(isinstance(usage.get(name), int) for name in names):
            self._found.append("usage has not its three counts")

    def _choice(self, choice: dict[str, Json]) -> None:
        state = self._choices.setdefault(choice.get("index", -1), _Choice())
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            self._found.append("delta is no object")
            return
        if state.finished:
            self._found.append("a delta after the finish of its choice")
        if ("role" in delta) == state.role:
            self._found.append("the role comes first and once")
        state.role = True
        if unknown := delta.keys() - CHAT_DELTA:
            self._found.append(f"undocumented members {sorted(unknown)}")
        for name in ("content", "refusal", "reasoning_content"):
            if not isinstance(delta.get(name), str | None):
                self._found.append(f"{name} is no text")
        for call in delta.get("tool_calls") or []:
            self._call(state, call)
        finish = choice.get("finish_reason")
        if finish is not None:
            state.finished = True
            if finish not in CHAT_FINISH:
                self._found.append(f"unknown finish_reason {finish!r}")

    def _call(self, state: _Choice, call: dict[str, Json]) -> None:
        index = call.get("index", -1)
        kind = "custom" if "custom" in call else "function"
        body = {"function": "arguments", "custom": "input"}[kind]
        made = call.get(kind) or {}
        if index not in state.calls:
            if index != len(state.calls):
                self._found.append(f"call {index} comes as number {len(state.calls)}")
            state.calls.add(index)
            if not (call.get("id") and call.get("type") == kind and isinstance(made.get("name"), str)):
                self._found.append("the first fragment of a call has its id, type and name")
        elif call.get("id") or made.get("name"):
            self._found.append("a later fragment of a call repeats its id or name")
        if not isinstance(made.get(body, ""), str):
            self._found.append(f"{body} is no text")


class _Messages:
    """message_start, blocks one after another, message_delta, message_stop; or an error anywhere."""

    def __init__(self, found: list[str]) -> None:
        self.ended = False
        self._found = found
        self._state = "idle"
        self._open: str | None = None
        self._signed = False
        self._count = 0
        self._steps: dict[str, Callable[[dict[str, Json]], None]] = {
            "message_start": self._start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._delta,
            "message_stop": self._stop,
            "error": self._error,
            "ping": self._ping,
        }

    def take(self, name: str, data: str) -> None:
        if self.ended:
            self._found.append("something follows the end")
        event = _parsed(data, self._found)
        if event.get("type") != name:
            self._found.append(f"the event line says {name!r}")
        step = self._steps.get(name)
        if step is None:
            self._found.append(f"unknown event {name!r}")
        else:
            step(event)

    def _expect(self, state: str, what: str) -> None:
        if self._state != state:
            self._found.append(f"{what} in state {self._state!r}")

    def _start(self, event: dict[str, Json]) -> None:
        self._expect("idle", "message_start")
        self._state = "open"
        message = event.get("message") or {}
        fixed: dict[str, Json] = {
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        for name, value in fixed.items():
            if name not in message or message[name] != value:
                self._found.append(f"message.{name} is not {value!r}")
        if not (isinstance(message.get("id"), str) and isinstance(message.get("model"), str)):
            self._found.append("message without id or model")
        usage = message.get("usage") or {}
        if not all(isinstance(usage.get(name), int) for name in ("input_tokens", "output_tokens")):
            self._found.append("message.usage without its counts")

    def _ping(self, _: dict[str, Json]) -> None:
        if self._state == "idle":
            self._found.append("a ping before message_start")

    def _block_start(self, event: dict[str, Json]) -> None:
        self._expect("open", "content_block_start")
        if self._open is not None:
            self._found.append("a block starts while another is open")
        if event.get("index") != self._count:
            self._found.append(f"block {event.get('index')} comes as number {self._count}")
        block = event.get("content_block") or {}
        self._open = str(block.get("type"))
        self._signed = False
        for name, value in _STARTS.get(self._open, {}).items():
            if block.get(name) != value:
                self._found.append(f"a {self._open} block starts with {name} {value!r}")
        if self._open == "tool_use" and not (block.get("id") and isinstance(block.get("name"), str)):
            self._found.append("tool_use without id or name")

    def _block_delta(self, event: dict[str, Json]) -> None:
        if self._open is None or event.get("index") != self._count:
            self._found.append("a delta for a block that is not open")
            return
        delta = event.get("delta") or {}
        kind = delta.get("type")
        if kind not in MESSAGES_DELTAS.get(self._open, set()):
            self._found.append(f"{kind} in a {self._open} block")
        if self._signed:
            self._found.append("a delta after the signature")
        self._signed = kind == "signature_delta"

    def _block_stop(self, event: dict[str, Json]) -> None:
        if self._open is None or event.get("index") != self._count:
            self._found.append("the stop of a block that is not open")
        self._open = None
        self._count += 1

    def _delta(self, event: dict[str, Json]) -> None:
        self._expect("open", "message_delta")
        self._state = "told"
        if self._open is not None:
            self._found.append("message_delta while a block is open")
        delta = event.get("delta") or {}
        if delta.get("stop_reason") not in MESSAGES_STOP or "stop_sequence" not in delta:
            self._found.append("delta without a known stop_reason, or without stop_sequence")
        if not isinstance((event.get("usage") or {}).get("output_tokens"), int):
            self._found.append("usage without output_tokens")

    def _stop(self, _: dict[str, Json]) -> None:
        self._expect("told", "message_stop")
        self.ended = True

    def _error(self, event: dict[str, Json]) -> None:
        self.ended = True
        error = event.get("error")
        if not isinstance(error, dict) or not {"type", "message"} <= error.keys():
            self._found.append("the error has not its members")
