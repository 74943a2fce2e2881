"""An answer as an upstream of Chat Completions writes it; reasoning in the field that most vendors use."""

from collections.abc import Iterator

from twoapi.conformance.reply import Fault, Json, Reply, Spoken, event, pieces

_STOP = {"tool_use": "tool_calls", "max_tokens": "length", "content_filter": "content_filter"}
_ERRORS = {
    400: ("invalid_request_error", "context_length_exceeded"),
    401: ("authentication_error", "invalid_api_key"),
    429: ("requests", "rate_limit_exceeded"),
}


def say(reply: Reply, model: str) -> Spoken:
    """The completion and its chunks."""
    about = {"id": "chatcmpl-conf", "created": 1790000000, "model": model}
    body = {
        **about,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": _message(reply), "logprobs": None, "finish_reason": _finish(reply)}],
        "usage": _usage(reply),
    }
    shared = {**about, "object": "chat.completion.chunk"}
    head = [event({**shared, "choices": [_choice(delta)], "usage": None}) for delta in _deltas(reply)]
    tail = [
        event({**shared, "choices": [_choice({}, _finish(reply))], "usage": None}),
        event({**shared, "choices": [], "usage": _usage(reply)}),
        b"data: [DONE]\n\n",
    ]
    return Spoken(body=body, head=head, tail=tail)


def fail(fault: Fault) -> Json:
    """The body of an HTTP error."""
    kind, code = _ERRORS.get(fault.status, ("server_error", None))
    return {"error": {"message": fault.message, "type": kind, "param": None, "code": code}}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return event(fail(fault))


def _finish(reply: Reply) -> str:
    return _STOP.get(reply.stop, "stop")


def _message(reply: Reply) -> Json:
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": reply.refusal or None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.cited:
        message["annotations"] = [_annotation(reply)]
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    return message


def _annotation(reply: Reply) -> Json:
    cited = reply.cited
    assert cited is not None  # noqa: S101  asked before
    start = reply.text.index(cited.passage)
    place = {"start_index": start, "end_index": start + len(cited.passage)}
    return {"type": "url_citation", "url_citation": {**place, "url": cited.url, "title": cited.title}}


def _usage(reply: Reply) -> Json:
    used = reply.used
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "cache_write_tokens": used.written},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning},
    }


def _choice(delta: Json, finish: str | None = None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _deltas(reply: Reply) -> Iterator[Json]:
    yield {"role": "assistant", "content": ""}
    for piece in pieces(reply.reasoning):
        yield {"reasoning_content": piece}
    for piece in pieces(reply.text):
        yield {"content": piece}
    for piece in pieces(reply.refusal):
        yield {"refusal": piece}
    if reply.cited:
        yield {"annotations": [_annotation(reply)]}
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
    # The arguments of parallel calls come in turns, as the protocol allows.
    fragments = [pieces(call.arguments) for call in reply.calls]
    for turn in range(max(map(len, fragments), default=0)):
        for index, one in enumerate(fragments):
            if turn < len(one):
                yield {"tool_calls": [{"index": index, "function": {"arguments": one[turn]}}]}
