"""Alibaba's DashScope, as its reference describes it: what it understands, what it refuses, how it answers."""

from collections.abc import Callable, Iterator, Mapping

import msgspec

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, data_url, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.vendors.staged import Staged

TEXT = "/services/aigc/text-generation/generation"
MEDIA = "/services/aigc/multimodal-generation/generation"
_ROLES = ("system", "user", "assistant", "tool")
_MEDIA = ("image", "audio", "video")
_SETTINGS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "presence_penalty": "presence_penalty",
    "parallel_tool_calls": "parallel",
    "thinking_budget": "effort",
}
_PARAMETERS = {
    *("result_format", "incremental_output", "temperature", "top_p", "top_k", "max_tokens", "seed", "stop", "n"),
    *("repetition_penalty", "presence_penalty", "tools", "tool_choice", "parallel_tool_calls", "enable_thinking"),
    *("thinking_budget", "enable_search", "search_options", "response_format", "logprobs", "top_logprobs"),
    *("vl_high_resolution_images", "enable_code_interpreter"),
}
_STOPS = {"tool_use": "tool_calls", "max_tokens": "length", "content_filter": "content_filter"}
_CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    429: "Throttling.RateQuota",
    500: "InternalError",
    503: "ModelServingError",
}
_RANGES: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "temperature": (lambda value: 0 <= value < 2, "it must lie in [0, 2)"),
    "top_p": (lambda value: 0 < value <= 1, "it must lie in (0, 1]"),
    "n": (lambda value: 1 <= value <= 4, "it must lie in [1, 4]"),
    "top_logprobs": (lambda value: 0 <= value <= 5, "it must lie in [0, 5]"),
    "thinking_budget": (lambda value: value > 0, "it must be positive"),
    "tool_choice": (lambda value: isinstance(value, dict) or value in ("auto", "none"), "auto, none, or a function"),
    "response_format": (lambda value: value["type"] in ("text", "json_object"), "text or json_object"),
}
_REQUEST_ID = "7f1c5b9e-0000-9000-8000-conformance"

# --- What it is asked ---


def read(body: Json) -> Asked:
    """What the body asks."""
    parameters = body["parameters"]
    known = settings(parameters, _SETTINGS)
    if (stop := parameters.get("stop")) is not None:
        known["stop"] = [stop] if isinstance(stop, str) else stop
    return Asked(
        pieces=[piece for message in body["input"]["messages"] for piece in _message(message)],
        tools=[_tool(tool["function"]) for tool in parameters.get("tools") or []],
        choice=_choice(parameters.get("tool_choice")),
        settings=known,
    )


def _choice(choice: Json) -> str:
    return f"named:{choice['function']['name']}" if isinstance(choice, dict) else choice or ""


def _tool(function: Json) -> Offered:
    return Offered(
        name=function["name"], description=function.get("description") or "", schema=function.get("parameters")
    )


def _message(message: Json) -> Iterator[Piece]:
    role, content = message["role"], message["content"]
    parts = [{"text": content}] if isinstance(content, str) else content
    if role == "tool":
        said = "".join(part["text"] for part in parts)
        yield Piece(role="tool", kind="result", text=said, id=message["tool_call_id"])
        return
    if reasoning := message.get("reasoning_content"):
        yield Piece(role=role, kind="reasoning", text=reasoning)
    for part in parts:
        yield from _part(role, part)
    for call in message.get("tool_calls") or []:
        made = call["function"]
        yield Piece(role=role, kind="call", text=made["arguments"], name=made["name"], id=call["id"])


def _part(role: str, part: Json) -> Iterator[Piece]:
    ((kind, value),) = part.items()  # what a part is stands in the name of its one member
    if kind == "text":
        if value:
            yield Piece(role=role, kind="text", text=value)
        return
    mime, data = data_url(value)
    yield Piece(role=role, kind=kind, text=data, mime=mime)


# --- What it refuses ---


def _refuses(arrival: Arrival) -> list[tuple[str, str]]:
    return list(_problems(arrival))


def _problems(arrival: Arrival) -> Iterator[tuple[str, str]]:
    body, parameters = arrival.body, arrival.body.get("parameters", {})
    for name in set(body) - {"model", "input", "parameters"}:
        yield f"/{name}", "there is no such member, and none for a stream: that is a header"
    for name in set(parameters) - _PARAMETERS:
        yield f"/parameters/{name}", "there is no such parameter"
    if parameters.get("result_format") != "message":
        yield "/parameters/result_format", "older models answer in another shape"
    if ("incremental_output" in parameters) != _streams(arrival) or parameters.get("incremental_output") is False:
        yield "/parameters/incremental_output", "goes with a stream, whose frames else repeat the whole text"
    for name, (fits, why) in _RANGES.items():
        if name in parameters and not fits(parameters[name]):
            yield f"/parameters/{name}", why
    if "tool_choice" in parameters and not parameters.get("tools"):
        yield "/parameters/tool_choice", "there are no tools"
    yield from _message_problems(body["input"]["messages"], media=arrival.path.endswith(MEDIA))


def _message_problems(messages: Json, *, media: bool) -> Iterator[tuple[str, str]]:
    waiting: list[str] = []
    for number, message in enumerate(messages):
        at, role, content = f"/input/messages/{number}", message["role"], message["content"]
        if role not in _ROLES:
            yield f"{at}/role", f"it must be one of {_ROLES}"
        if role == "system" and number:
            yield f"{at}/role", "a system message stands first"
        if media != isinstance(content, list):
            yield f"{at}/content", "url error: text is a string at one endpoint, a list at the other"
        if media and any(len(part) != 1 or next(iter(part)) not in ("text", *_MEDIA) for part in content):
            yield f"{at}/content", "a part is one of text, image, audio, video"
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                yield f"{at}/tool_call_id", "there is no such call before it"
                continue
            waiting.remove(message["tool_call_id"])
        elif waiting:
            yield at, f"the calls {waiting} have no result"
        waiting += [call["id"] for call in message.get("tool_calls") or []]
    if waiting:
        yield "/input/messages", f"the calls {waiting} have no result"


def _streams(arrival: Arrival) -> bool:
    return arrival.headers.get("x-dashscope-sse") == "enable"


# --- What it answers ---


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  an answer does not name its model
    """The answer, and its frames: every one tells the usage so far, and what the search found comes with the first."""
    finish = _STOPS.get(reply.stop, "stop")
    deltas = list(_deltas(reply))
    head = [
        frame(
            number, _answer(delta, "null", _usage(reply, share=(number, len(deltas))), reply if number == 1 else None)
        )
        for number, delta in enumerate(deltas, 1)
    ]
    last = {"role": "assistant", "content": ""}
    tail = [frame(len(deltas) + 1, _answer(last, finish, _usage(reply)))]
    return Spoken(body=_answer(_whole(reply), finish, _usage(reply), reply), head=head, tail=tail)


def frame(number: int, data: Json, event: str = "result", status: int = 200) -> bytes:
    """One event, as the vendor spells it: no space after the colons, and the status in a comment."""
    return b"id:%d\nevent:%b\n:HTTP_STATUS/%d\ndata:%b\n\n" % (
        number,
        event.encode(),
        status,
        msgspec.json.encode(data),
    )


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    return {"code": _CODES.get(fault.status, "SystemError"), "message": fault.message, "request_id": _REQUEST_ID}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return frame(99, fail(fault), "error", fault.status)


def _answer(message: Json, finish: str, usage: Json, searched: Reply | None = None) -> Json:
    output: Json = {"choices": [{"message": message, "finish_reason": finish}]}
    if searched is not None and searched.cited is not None:
        page = {"index": 1, "title": searched.cited.title, "url": searched.cited.url}
        output["search_info"] = {"search_results": [page]}
    return {"output": output, "usage": usage, "request_id": _REQUEST_ID}


def _whole(reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or reply.refusal}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            _call(index, call.id, call.name, call.arguments) for index, call in enumerate(reply.calls)
        ]
    return message


def _call(index: int, call_id: str, name: str, arguments: str) -> Json:
    return {
        "index": index,
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def _deltas(reply: Reply) -> Iterator[Json]:
    for piece in pieces(reply.reasoning):
        yield {"role": "assistant", "content": "", "reasoning_content": piece}
    for piece in pieces(reply.text or reply.refusal):
        yield {"role": "assistant", "content": piece}
    for index, call in enumerate(reply.calls):
        # The id and the name come with the first piece; what is not told again is empty.
        first, *rest = pieces(call.arguments) or [""]
        yield {"role": "assistant", "content": "", "tool_calls": [_call(index, call.id, call.name, first)]}
        for piece in rest:
            yield {"role": "assistant", "content": "", "tool_calls": [_call(index, "", "", piece)]}


def _usage(reply: Reply, share: tuple[int, int] = (1, 1)) -> Json:
    used = reply.used
    output = used.output * share[0] // share[1]
    return {
        "input_tokens": used.input,
        "output_tokens": output,
        "total_tokens": used.input + output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "cache_creation_input_tokens": used.written},
        "output_tokens_details": {"reasoning_tokens": min(used.reasoning, output)},
    }


VENDOR = Vendor(
    protocol="dashscope",
    base="/api/v1",
    takes=lambda path: path in (TEXT, MEDIA),
    read=read,
    say=say,
    fail=fail,
    break_off=break_off,
    refuses=_refuses,
    streams=_streams,
    headers=lambda fault: {},  # noqa: ARG005  no header says when to try again
    makes_state=False,
    lacks=frozenset({"documents", "citations"}),  # its search tells pages, not the passages that rest on them
)
STAGED = Staged(vendor=VENDOR, provider="dashscope", model="qwen-plus")
