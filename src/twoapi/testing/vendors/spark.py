"""iFlytek Spark over HTTP: like Chat Completions, with codes of its own in answers of status 200."""

from collections.abc import Iterator

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, event, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.vendors.staged import Staged

_SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_tokens",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "user": "user",
    "stream": "stream",
}
_MEMBERS = {*_SETTINGS, "model", "messages", "tools", "tool_calls_switch", "response_format", "suppress_plugin"}
_X1_MEMBERS = {*_MEMBERS, "tool_choice", "thinking", "keep_alive"} - {"suppress_plugin"}
_ROLES = ("system", "user", "assistant", "tool")
# code -> what the scenes call it
CODES = {400: 10907, 401: 11200, 429: 11202}


def read(body: Json) -> Asked:
    """What the body asks."""
    choice = body.get("tool_choice") or ""
    return Asked(
        pieces=[piece for message in body["messages"] for piece in message_pieces(message)],
        tools=[offered(tool["function"]) for tool in body.get("tools") or [] if tool["type"] == "function"],
        choice=f"named:{choice['name']}" if isinstance(choice, dict) else choice,
        settings=settings(body, _SETTINGS),
    )


def offered(function: Json) -> Offered:
    """A function that is declared."""
    described = function.get("description") or ""
    return Offered(name=function["name"], description=described, schema=function.get("parameters"))


def message_pieces(message: Json) -> Iterator[Piece]:
    """What a message says."""
    role, content = message["role"], message["content"]
    if not isinstance(content, str):
        raise TypeError("content is text")
    if role == "tool":
        failed = content.startswith("[tool error] ")
        yield Piece(role="tool", kind="result", text=content, id=message["tool_call_id"], failed=failed)
        return
    if content:
        yield Piece(role=role, kind="text", text=content)
    for call in message.get("tool_calls") or []:
        function = call["function"]
        yield Piece(role=role, kind="call", text=function["arguments"], name=function["name"], id=call["id"])


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the vendor would refuse, by its documentation."""
    body = arrival.body
    reasons = arrival.path.endswith("/v2/chat/completions")
    members = _X1_MEMBERS if reasons else _MEMBERS
    wrong = [(f"/{name}", "no such member") for name in body.keys() - members]
    wrong += out_of_range(body, hottest=2 if reasons else 1)
    if not 0 < body.get("top_p", 1) <= 1:
        wrong.append(("/top_p", "above 0 and at most 1"))
    types = {tool["type"] for tool in body.get("tools", [])}
    if types > {"function"} or not types <= {"function", "web_search"}:
        wrong.append(("/tools", "functions, or a web search"))
    if "function" in types and body.get("tool_calls_switch") is not True:
        wrong.append(("/tool_calls_switch", "without it one call comes as an object"))
    return wrong + list(misspoken(body["messages"], "/messages"))


def out_of_range(chat: Json, hottest: float) -> Iterator[tuple[str, str]]:
    """The settings that both ways to ask have."""
    if not 0 < chat.get("temperature", 0.5) <= hottest:
        yield "/temperature", f"above 0 and at most {hottest}"
    if not 1 <= chat.get("top_k", 4) <= 6:
        yield "/top_k", "from 1 to 6"
    if not 1 <= chat.get("max_tokens", 1) <= 65535:
        yield "/max_tokens", "from 1"
    if not 0 <= chat.get("presence_penalty", 0) <= 3:
        yield "/presence_penalty", "from 0 to 3"
    if not 0 <= chat.get("frequency_penalty", 0) <= 1:
        yield "/frequency_penalty", "from 0 to 1"


def misspoken(messages: list[Json], at: str) -> Iterator[tuple[str, str]]:
    """What is wrong with messages."""
    for number, message in enumerate(messages):
        if message["role"] not in _ROLES or (message["role"] == "system" and number):
            yield f"{at}/{number}/role", "system comes first, then user, assistant and tool"
        if not message["content"] and not message.get("tool_calls"):
            yield f"{at}/{number}/content", "it is empty"
    if messages[-1]["role"] == "assistant":
        yield at, "the last message is the user's or a tool's"


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  its answers do not name the model
    """The answer and its chunks. Why it ended is told only where nothing else shows it."""
    about = {"code": 0, "message": "Success", "sid": "cha000b@conf"}
    message: Json = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    usage = counted(reply)
    body = {**about, "choices": [{"message": message, "index": 0, **_reason(reply)}], "usage": usage}
    about |= {"id": "cha000b@conf", "created": 1790000000}
    head = [event({**about, "choices": [{"delta": delta, "index": 0}]}) for delta in _deltas(reply)]
    last = {**about, "choices": [{"delta": {"role": "assistant", "content": ""}, "index": 0, **_reason(reply)}]}
    return Spoken(body=body, head=head, tail=[event({**last, "usage": usage}), b"data:[DONE]\n\n"])


def _reason(reply: Reply) -> Json:
    reason = {"max_tokens": "length", "content_filter": "content_filter"}.get(reply.stop)
    return {"finish_reason": reason} if reason else {}


def counted(reply: Reply) -> Json:
    """The usage."""
    used = reply.used
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
    }


def _deltas(reply: Reply) -> Iterator[Json]:
    for piece in pieces(reply.reasoning):
        yield {"role": "assistant", "content": "", "reasoning_content": piece}
    for piece in pieces(reply.text):
        yield {"role": "assistant", "content": piece}
    for index, call in enumerate(reply.calls):
        for number, piece in enumerate(pieces(call.arguments)):
            named = {"id": call.id, "type": "function"} if number == 0 else {}
            function = {"name": call.name, "arguments": piece} if number == 0 else {"arguments": piece}
            yield {"role": "assistant", "content": "", "tool_calls": [{"index": index, **named, "function": function}]}


def fail(fault: Fault) -> Json:
    """The body of an error, whose status is 200."""
    return {"code": CODES.get(fault.status, 10012), "message": fault.message, "sid": "cha000b@conf"}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return event({"code": 10012, "message": fault.message, "sid": "cha000b@conf"})


STAGED = Staged(
    vendor=Vendor(
        protocol="spark",
        base="/spark",
        takes=lambda path: path in ("/v1/chat/completions", "/v2/chat/completions"),
        read=read,
        say=say,
        fail=fail,
        break_off=break_off,
        refuses=refuses,
        status=lambda fault: 200,  # noqa: ARG005  of every error
        headers=lambda fault: {},  # noqa: ARG005  nothing says when to try again
        makes_state=False,
        lacks=frozenset({"images", "documents", "citations"}),
    ),
    provider="spark",
    model="4.0Ultra",
)
