"""Baidu's wenxinworkshop (ERNIE, the first version of Qianfan), as its reference describes it."""

from collections.abc import Callable, Iterator, Mapping

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, event, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.vendors.staged import Staged

PLACE = "/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/"
SLUGS = ("completions_pro", "completions", "eb-instant", "ernie_speed", "ernie-speed-128k", "ernie-lite-8k")
_SETTINGS = {
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "user_id": "user",
    "stream": "stream",
}
_MEMBERS = {
    *_SETTINGS,
    *("messages", "system", "penalty_score", "disable_search", "enable_citation", "functions", "response_format"),
}
_RANGES: Mapping[str, tuple[Callable[[Json], bool], str]] = {
    "temperature": (lambda value: 0 < value <= 1, "it must lie in (0, 1]"),
    "top_p": (lambda value: 0 <= value <= 1, "it must lie in [0, 1]"),
    "penalty_score": (lambda value: 1 <= value <= 2, "it must lie in [1, 2]"),
    "max_output_tokens": (lambda value: value >= 2, "at least 2"),
    "stop": (lambda value: len(value) <= 4 and all(len(one) <= 20 for one in value), "at most 4, of 20 characters"),
    "response_format": (lambda value: value in ("json_object", "text"), "json_object or text"),
    "system": (lambda value: bool(value.strip()), "it must not be empty"),
}
_REASONS = {"tool_use": "function_call", "max_tokens": "length", "content_filter": "content_filter"}
_CODES = {400: 336003, 401: 110, 429: 336501, 500: 336000, 503: 336100}

# --- What it is asked ---


def read(body: Json) -> Asked:
    """What the body asks."""
    pieces_ = [Piece(role="system", kind="text", text=body["system"])] if "system" in body else []
    return Asked(
        pieces=[*pieces_, *(piece for message in body["messages"] for piece in _message(message))],
        tools=[_offered(function) for function in body.get("functions") or []],
        settings=settings(body, _SETTINGS),
    )


def _offered(function: Json) -> Offered:
    return Offered(name=function["name"], description=function["description"], schema=function["parameters"])


def _message(message: Json) -> Iterator[Piece]:
    role, content = message["role"], message["content"]
    if role == "function":
        yield Piece(role="tool", kind="result", text=content, name=message["name"])
        return
    if content:
        yield Piece(role=role, kind="text", text=content)
    if call := message.get("function_call"):
        if call.get("thoughts"):
            yield Piece(role=role, kind="reasoning", text=call["thoughts"])
        yield Piece(role=role, kind="call", text=call["arguments"], name=call["name"])


# --- What it refuses ---


def _refuses(arrival: Arrival) -> list[tuple[str, str]]:
    return list(_problems(arrival))


def _problems(arrival: Arrival) -> Iterator[tuple[str, str]]:
    body = arrival.body
    for name in set(body) - _MEMBERS:
        yield f"/{name}", "there is no such member"
    for name, (fits, why) in _RANGES.items():
        if name in body and not fits(body[name]):
            yield f"/{name}", why
    for number, function in enumerate(body.get("functions", ())):
        if (
            not {"name", "description", "parameters"}
            <= set(function)
            <= {
                *("name", "description", "parameters", "responses", "examples"),
            }
        ):
            yield f"/functions/{number}", "name, description and parameters, perhaps responses and examples"
        if "properties" not in function["parameters"]:
            yield f"/functions/{number}/parameters", "an object has properties, if only none"
    yield from _message_problems(body["messages"])


def _message_problems(messages: Json) -> Iterator[tuple[str, str]]:
    if len(messages) % 2 == 0:
        yield "/messages", "their number must be odd"
    for number, message in enumerate(messages):
        at, role, content = f"/messages/{number}", message["role"], message["content"]
        if role not in (("assistant",) if number % 2 else ("user", "function")):
            yield f"{at}/role", "a user or a function, then the assistant, and so on"
        if not isinstance(content, str) or not (content or "function_call" in message):
            yield f"{at}/content", "it must be a text that is not empty"
        elif number == len(messages) - 1 and not content.strip():
            yield f"{at}/content", "the last one must not be blank"
        if role == "function":
            called = messages[number - 1].get("function_call") if number else None
            if called is None or called["name"] != message["name"]:
                yield f"{at}/name", "it must be the function that was called before it"
        for name in set(message) - {"role", "content", "name", "function_call"}:
            yield f"{at}/{name}", "there is no such member"


# --- What it answers ---


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  an answer does not name its model
    """The answer, and its frames: the usage so far in each, and a call in one piece."""
    texts = pieces(reply.text or reply.refusal)
    body = {
        **_about(reply),
        "result": reply.text or reply.refusal,
        **_ending(reply),
        **_searched(reply),
        **_called(reply),
        "usage": _usage(reply),
    }
    head = [event(_sentence(reply, number, text, len(texts))) for number, text in enumerate(texts)]
    last = {
        **_sentence(reply, len(texts), "", len(texts) + 1),
        **_called(reply),
        **_ending(reply),
        "is_end": True,
        "usage": _usage(reply),
    }
    return Spoken(body=body, head=head or [event(_sentence(reply, 0, "", 1))], tail=[event(last)])


def fail(fault: Fault) -> Json:
    """The body of an error, whose status is 200."""
    return {"error_code": _CODES.get(fault.status, 336000), "error_msg": fault.message, "id": "as-conf"}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return event(fail(fault))


def _about(reply: Reply) -> Json:  # noqa: ARG001  of every answer
    return {"id": "as-conf", "object": "chat.completion", "created": 1790000000}


def _ending(reply: Reply) -> Json:
    return {
        "is_truncated": reply.stop == "max_tokens",
        "need_clear_history": False,
        "finish_reason": _REASONS.get(reply.stop, "normal"),
    }


def _sentence(reply: Reply, number: int, text: str, all_: int) -> Json:
    searched = {} if number else _searched(reply)
    part = {**_usage(reply), "completion_tokens": reply.used.output * (number + 1) // (all_ + 1)}
    state = {"sentence_id": number, "is_end": False, "is_truncated": False, "need_clear_history": False}
    return {**_about(reply), **state, "result": text, **searched, "usage": part}


def _called(reply: Reply) -> Json:
    if not reply.calls:
        return {}
    call = reply.calls[0]  # there is never more than one
    function = {"name": call.name, "arguments": call.arguments}
    return {"function_call": {"thoughts": reply.reasoning, **function} if reply.reasoning else function}


def _searched(reply: Reply) -> Json:
    if reply.cited is None:
        return {}
    return {"search_info": {"search_results": [{"index": 1, "url": reply.cited.url, "title": reply.cited.title}]}}


def _usage(reply: Reply) -> Json:
    used = reply.used
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
    }


VENDOR = Vendor(
    protocol="qianfan-v1",
    base="/baidu",
    takes=lambda path: path.startswith(PLACE) and path.removeprefix(PLACE) in SLUGS,
    read=read,
    say=say,
    fail=fail,
    break_off=break_off,
    refuses=_refuses,
    status=lambda fault: 200,  # noqa: ARG005  whatever went wrong
    headers=lambda fault: {},  # noqa: ARG005  no header says when to try again
    makes_state=False,
    lacks=frozenset({"images", "documents", "citations", "parallel tools", "reasoning replay"}),
)
STAGED = Staged(
    vendor=VENDOR,
    provider="qianfan-v1",
    model="ERNIE-Speed-8K",
    settings="credentials: [{parts: {access_key_id: AK, secret_access_key: SK}}]",
)
