"""An answer as a client of Chat Completions takes it."""

import msgspec

from twoapi.conformance.answer import Answer, Call, Citation, Json, events, number

_FINISH = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def refusal(body: Json, status: int) -> str:  # noqa: ARG001  the status is not told again in the body
    """The message of an HTTP error; raises ValueError for another format."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str) or "type" not in error:
        raise ValueError("no {error: {message, type}}")
    return str(error["message"])


def whole(body: Json) -> Answer:
    """The completion."""
    answer = Answer(ended=True)
    _rules(answer, body, "chat.completion")
    for name in ("id", "created", "model"):
        if not body.get(name):
            answer.problems.append(f"no {name}")
    choice = body["choices"][0]
    message = choice["message"]
    answer.own = message
    if message.get("role") != "assistant":
        answer.problems.append("the message has no role")
    _said(answer, message)
    for call in message.get("tool_calls") or []:
        function = call["function"]
        answer.calls.append(Call(id=call["id"], name=function["name"], arguments=function["arguments"]))
    answer.stop = _finish(answer, choice.get("finish_reason"))
    _used(answer, body.get("usage"))
    return answer


def stream(body: bytes) -> Answer:
    """The chunks, put together."""
    answer = Answer(own={"role": "assistant", "content": None})
    found = events(body)
    if found.open_end:
        answer.problems.append("the last event is not ended by a blank line")
    done = False
    ids = set()
    for frame in found.frames:
        if done:
            answer.problems.append("something follows [DONE]")
        if frame.data == "[DONE]":
            done = True
            continue
        chunk = msgspec.json.decode(frame.data)
        if "error" in chunk:
            answer.error = str(chunk["error"].get("message", chunk["error"]))
            continue
        _rules(answer, chunk, "chat.completion.chunk")
        ids.add(chunk.get("id"))
        _chunk(answer, chunk)
    if len(ids) > 1:
        answer.problems.append("the id changes within the stream")
    answer.ended = bool(answer.stop) and answer.error is None
    if answer.ended and not done:
        answer.problems.append("no [DONE]")
    _own(answer)
    return answer


def _rules(answer: Answer, body: Json, kind: str) -> None:
    if body.get("object") != kind:
        answer.problems.append(f"object is not {kind}")


def _finish(answer: Answer, finish: Json) -> str:
    if finish not in _FINISH:
        answer.problems.append(f"finish_reason {finish!r}")
    return str(finish)


def _chunk(answer: Answer, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if choice["index"] != 0:
            answer.problems.append("a second choice")
        delta = choice["delta"]
        if answer.stop and any(delta.get(name) for name in ("content", "tool_calls")):
            answer.problems.append("a delta follows the finish_reason")
        _said(answer, delta)
        for call in delta.get("tool_calls") or []:
            _call(answer, call)
        if choice.get("finish_reason"):
            answer.stop = _finish(answer, choice["finish_reason"])
    if chunk.get("usage"):
        _used(answer, chunk["usage"])


def _call(answer: Answer, call: Json) -> None:
    index, function = call["index"], call.get("function") or {}
    if index == len(answer.calls):
        if not call.get("id") or not function.get("name"):
            answer.problems.append(f"call {index} begins without id or name")
        answer.calls.append(Call(id=call.get("id") or "", name=function.get("name") or "", arguments=""))
        own = {"type": "function", "function": {}, **{name: call[name] for name in call if name != "index"}}
        answer.own.setdefault("tool_calls", []).append(own)
    elif index > len(answer.calls):
        answer.problems.append(f"call {index} comes before call {len(answer.calls)}")
        return
    answer.calls[index].arguments += function.get("arguments") or ""


def _said(answer: Answer, message: Json) -> None:
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        answer.problems.append("content is no text")
        content = ""
    answer.text += content or ""
    answer.refusal += message.get("refusal") or ""
    answer.reasoning += message.get("reasoning_content") or message.get("reasoning") or ""
    for one in message.get("annotations") or []:
        cited = one["url_citation"]
        passage = answer.text[cited["start_index"] : cited["end_index"]]
        answer.cited.append(Citation(url=cited["url"], title=cited.get("title") or "", passage=passage))
    for name in ("reasoning_details", "thinking_blocks", "provider_specific_fields"):
        if answer.own is not message and message.get(name):
            answer.own[name] = message[name]


def _used(answer: Answer, usage: Json) -> None:
    answer.used = {
        "input": number(usage, "prompt_tokens"),
        "cached": number(usage, "prompt_tokens_details", "cached_tokens"),
        "written": number(usage, "prompt_tokens_details", "cache_write_tokens"),
        "output": number(usage, "completion_tokens"),
        "reasoning": number(usage, "completion_tokens_details", "reasoning_tokens"),
    }
    total = number(usage, "total_tokens")
    if total != (answer.used["input"] or 0) + (answer.used["output"] or 0):
        answer.problems.append("total_tokens is not the sum")


def _own(answer: Answer) -> None:
    """What a client that keeps all it was given sends back."""
    answer.own["content"] = answer.text or None
    if answer.reasoning:
        answer.own["reasoning_content"] = answer.reasoning
    for call, own in zip(answer.calls, answer.own.get("tool_calls", []), strict=True):
        own["function"] = {**own["function"], "arguments": call.arguments}
