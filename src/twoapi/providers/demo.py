"""The upstream `demo`: answers in this process, without a model. The same request gets the same answer.

It says what it is and repeats the last words of the user. It calls the tools that it is offered with arguments that
fit their schemas, quotes their results, answers in JSON where a schema asks for it, and keeps to `max_tokens`, stop
sequences and `n`; a word counts as a token. In the user's last text `parallel` asks for two calls at once,
`demo:refuse` for a refusal, and `demo:error 429` for that error.
"""

import hashlib
import re
from collections.abc import Iterator

import msgspec

from twoapi.ir import (
    Delta,
    End,
    Event,
    Failed,
    Fault,
    FaultError,
    Finish,
    Message,
    Part,
    PartEnd,
    PartStart,
    Reasoning,
    Refusal,
    Request,
    Start,
    StopReason,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    UsageUpdate,
    plain,
)
from twoapi.ir.fault import STATUS, FaultKind
from twoapi.ir.response import StopKind
from twoapi.providers.example import Json, example
from twoapi.wire import json
from twoapi.wire.errors import WireError

MODEL = "demo"
_MOST_CANDIDATES = 128
_LONGEST_ECHO = 2000  # characters
_MOST_TOKENS = 10_000

_PIECES = re.compile(r"\s*\S+\s*|\s+").findall
_ERROR = re.compile(r"demo:error\s+([0-9]{3})").search
_KINDS: dict[int, FaultKind] = {
    400: "invalid_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    422: "unprocessable",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}


def answer(request: Request, now: int) -> list[Event]:
    """The events of the demo's answer; a request that cannot be answered gives one Failed."""
    try:
        return list(_Answer(request, now).events())
    except FaultError as error:
        return [Failed(error.fault)]
    except (msgspec.DecodeError, WireError) as error:
        return [Failed(Fault("invalid_request", f"demo: a text of the request is not valid JSON: {error}"))]


class _Answer:
    """One answer: what it consists of, then how it is told."""

    def __init__(self, request: Request, now: int) -> None:
        self.request = request
        self.now = now
        self.asked = _last_user_text(request.messages)
        self.digest = hashlib.sha256(json.encode(request)).hexdigest()

    def events(self) -> Iterator[Event]:
        self._refuse_impossible()
        yield Start(id=f"demo-{self.digest[:24]}", model=MODEL, created=self.now)
        count = self.request.sampling.n or 1
        parts, stop = self._cut(self._parts())
        for candidate in range(count):
            for number, part in enumerate(parts):
                yield from _told(candidate, number, part)
            yield Finish(candidate, stop)
        yield UsageUpdate(self._usage(parts, count))
        yield End()

    def _refuse_impossible(self) -> None:
        error = _ERROR(self.asked)
        if error is not None:
            status = int(error[1])
            kind = _KINDS.get(status, "upstream_error" if status >= 500 else "invalid_request")
            shown = status if 400 <= status <= 599 else STATUS[kind]
            message = f"demo: you asked for the error {status}"
            raise FaultError(Fault(kind, message, whose="upstream", status=shown, code="demo_error"))
        count = self.request.sampling.n
        if count is not None and not 1 <= count <= _MOST_CANDIDATES:
            message = f"demo: n must be from 1 to {_MOST_CANDIDATES}"
            raise FaultError(Fault("invalid_request", message, param=self.request.where("n")))

    def _parts(self) -> list[Part]:
        """The whole answer, before any limit."""
        if "demo:refuse" in self.asked:
            return [Refusal(text="This is the twoapi demo. It refuses, as you asked it to.")]
        parts: list[Part] = []
        if _wants_reasoning(self.request):
            parts.append(Reasoning(text="The demo thinks: it has no model, so it repeats what it was told."))
        calls = self._calls()
        if calls:
            return [*parts, *calls]
        parts.append(Text(text=self._text()))
        return parts

    def _calls(self) -> list[ToolCall]:
        request = self.request
        choice = request.tool_choice
        mode = choice.mode if choice is not None else "auto"
        tools = [tool for tool in request.tools if tool.kind in {"function", "custom"}]
        if choice is not None and choice.names:
            tools = [tool for tool in tools if tool.name in choice.names]
        if not tools or mode == "none" or _last_results(request.messages):
            return []
        both = request.parallel is not False and "parallel" in self.asked.lower()
        chosen = [tools[0], tools[1 % len(tools)]] if both else tools[:1]
        return [self._call(tool, number) for number, tool in enumerate(chosen)]

    def _call(self, tool: Tool, number: int) -> ToolCall:
        if tool.kind == "custom":
            arguments = self.asked[:_LONGEST_ECHO] or "demo"
        else:
            arguments = _json_text(_fitting(tool.schema.raw if tool.schema is not None else None))
        return ToolCall(
            id=f"call_{self.digest[:20]}_{number}",
            name=tool.name,
            arguments=arguments,
            kind="custom" if tool.kind == "custom" else "function",
            namespace=tool.namespace,
        )

    def _text(self) -> str:
        output = self.request.output
        if output.format == "json_schema" and output.schema is not None:
            return _json_text(_fitting(output.schema.raw))
        asked = _shortened(self.asked)
        if output.format == "json_object":
            return _json_text({"demo": True, "you_said": asked})
        results = _last_results(self.request.messages)
        if results:
            quoted = "; ".join(f"{_shortened(text)!r}" for text in map(_result_text, results))
            return f"This is the twoapi demo, not a model. The tool said: {quoted}."
        if not asked:
            return "This is the twoapi demo, not a model. You said nothing."
        return f"This is the twoapi demo, not a model. You said: {asked}"

    def _cut(self, parts: list[Part]) -> tuple[list[Part], StopReason]:
        """The parts as far as stop sequences and the limit of tokens let them go, and why they end there."""
        stop = StopReason(kind=_natural_stop(parts))
        cut = _at_stop_sequence(parts, self.request.sampling.stop or [])
        if cut is not None:
            parts, stop = cut
        left = self.request.sampling.max_tokens
        left = _MOST_TOKENS if left is None else max(0, left)
        kept: list[Part] = []
        for part in parts:
            words = _PIECES(_body(part))
            if len(words) <= left:
                kept.append(part)
                left -= len(words)
                continue
            if left:
                kept.append(_with_body(part, "".join(words[:left]), complete=False))
            return kept, StopReason(kind="max_tokens")
        return kept, stop

    def _usage(self, parts: list[Part], count: int) -> Usage:
        read, fresh = _input_words(self.request)
        reasoning = sum(len(_PIECES(_body(part))) for part in parts if isinstance(part, Reasoning))
        output = sum(len(_PIECES(_body(part))) for part in parts if not isinstance(part, Reasoning))
        return Usage(
            input=fresh,
            cache_read=read if read is not None else None,
            output=output * count,
            reasoning=reasoning * count if reasoning else None,
        )


def _told(candidate: int, number: int, part: Part) -> Iterator[Event]:
    yield PartStart(candidate, number, _with_body(part, "", complete=True))
    for piece in _PIECES(_body(part)):
        yield Delta(candidate, number, piece)
    final = part if isinstance(part, ToolCall) and not part.complete else None
    yield PartEnd(candidate, number, final)


def _body(part: Part) -> str:
    if isinstance(part, ToolCall):
        return part.arguments
    return plain(part.text) if isinstance(part, Text | Reasoning | Refusal) else ""


def _with_body(part: Part, body: str, *, complete: bool) -> Part:
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=body, complete=complete)
    return msgspec.structs.replace(part, text=body)


def _natural_stop(parts: list[Part]) -> StopKind:
    last = parts[-1]
    return "tool_use" if isinstance(last, ToolCall) else "refusal" if isinstance(last, Refusal) else "stop"


def _at_stop_sequence(parts: list[Part], sequences: list[str]) -> tuple[list[Part], StopReason] | None:
    """The answer up to the first stop sequence in its visible text, when there is one."""
    for number, part in enumerate(parts):
        if not isinstance(part, Text):
            continue
        text = plain(part.text)
        found = [(at, sequence) for sequence in sequences if sequence and (at := text.find(sequence)) >= 0]
        if found:
            at, sequence = min(found)
            kept = [*parts[:number], Text(text=text[:at])]
            return kept, StopReason(kind="stop_sequence", sequence=sequence)
    return None


def _wants_reasoning(request: Request) -> bool:
    reasoning = request.reasoning
    if reasoning.mode == "off" or reasoning.effort == "none":
        return False
    return reasoning.mode is not None or reasoning.effort is not None or reasoning.budget is not None


def _last_user_text(messages: list[Message]) -> str:
    for message in reversed(messages):
        if message.role == "user":
            texts = [plain(part.text) for part in message.parts if isinstance(part, Text)]
            if texts:
                return "\n".join(texts)
    return ""


def _last_results(messages: list[Message]) -> list[ToolResult]:
    """The tool results that the last turn brought."""
    results: list[ToolResult] = []
    for message in reversed(messages):
        if message.role in {"assistant", "system", "developer"}:
            break
        results[:0] = [part for part in message.parts if isinstance(part, ToolResult)]
    return results


def _result_text(result: ToolResult) -> str:
    return " ".join(plain(part.text) for part in result.content if isinstance(part, Text))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + " ..."


def _fitting(schema: msgspec.Raw | None) -> Json:
    value: Json = {} if schema is None else example(json.decode(schema))
    return value


def _json_text(value: Json) -> str:
    return json.encode(value).decode()


def _input_words(request: Request) -> tuple[int | None, int]:
    """The words up to the last cache mark (None when there is none), and the words after it."""
    total = 0
    marked: int | None = None
    for tool in request.tools:
        total += len(str(tool.name).split()) + _words(tool.description) + (0 if tool.schema is None else 1)
        marked = total if tool.cache is not None else marked
    for message in request.messages:
        for part in message.parts:
            total += _part_words(part)
            marked = total if part.cache is not None else marked
    if request.cache_auto is not None:
        marked = total
    return marked, total - (marked or 0)


def _part_words(part: Part) -> int:
    if isinstance(part, ToolResult):
        return sum(map(_part_words, part.content))
    return len(_body(part).split())


def _words(text: "str | msgspec.Raw | None") -> int:
    return 0 if text is None else len(plain(text).split())
