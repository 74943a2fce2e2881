"""Tencent Hunyuan's ChatCompletions: members in PascalCase, errors with status 200, streams without an end mark."""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, Offered, Piece, data_url, settings
from twoapi.conformance.reply import Fault, Reply, Spoken, event, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.vendors.staged import Staged

_SETTINGS = {
    "Temperature": "temperature",
    "TopP": "top_p",
    "Seed": "seed",
    "Stop": "stop",
    "EnableThinking": "thinking",
    "Stream": "stream",
}
_MEMBERS = {
    *_SETTINGS,
    *("Model", "Messages", "StreamModeration", "EnableEnhancement", "Tools", "ToolChoice", "CustomTool", "SearchInfo"),
    *("Citation", "EnableSpeedSearch", "EnableMultimedia", "EnableDeepSearch", "ForceSearchEnhancement"),
    *("EnableRecommendedQuestions", "EnableDeepRead", "WebSearchOptions", "TopicChoice"),
}
_OF_MESSAGES = {"Role", "Content", "Contents", "ToolCallId", "ToolCalls", "FileIDs", "ReasoningContent"}
# "length" is not in the vendor's list, which knows stop, sensitive and tool_calls; its compatible endpoint says it.
_REASONS = {"tool_use": "tool_calls", "content_filter": "sensitive", "max_tokens": "length"}
_CODES = {
    400: "InvalidParameterValue.ParameterValueError",
    401: "AuthFailure.SecretIdNotFound",
    429: "RequestLimitExceeded",
}
_NOTE = "AI generated"


def read(body: Json) -> Asked:
    """What the body asks."""
    choice = body.get("ToolChoice") or ""
    if choice == "custom":
        choice = f"named:{body['CustomTool']['Function']['Name']}"
    return Asked(
        pieces=[piece for message in body["Messages"] for piece in _message(message)],
        tools=[_tool(tool) for tool in body.get("Tools") or []],
        choice=choice,
        settings=settings(body, _SETTINGS),
    )


def _tool(tool: Json) -> Offered:
    function = tool["Function"]
    schema = msgspec.json.decode(function["Parameters"])  # a text
    return Offered(name=function["Name"], description=function.get("Description") or "", schema=schema)


def _message(message: Json) -> Iterator[Piece]:
    role, content = message["Role"], message.get("Content")
    if role == "tool":
        failed = content.startswith("[tool error] ")
        yield Piece(role="tool", kind="result", text=content, id=message["ToolCallId"], failed=failed)
        return
    if thought := message.get("ReasoningContent"):
        yield Piece(role=role, kind="reasoning", text=thought)
    for part in message.get("Contents") or []:
        if part["Type"] == "image_url":
            mime, data = data_url(part["ImageUrl"]["Url"])
            yield Piece(role=role, kind="image", text=data, mime=mime)
        else:
            yield Piece(role=role, kind="text", text=part["Text"])
    if content:
        yield Piece(role=role, kind="text", text=content)
    for call in message.get("ToolCalls") or []:
        function = call["Function"]
        yield Piece(role=role, kind="call", text=function["Arguments"], name=function["Name"], id=call["Id"])


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the vendor would refuse, by its documentation."""
    body = arrival.body
    wrong = [(f"/{name}", "no such member") for name in body.keys() - _MEMBERS]
    for header, value in (("x-tc-action", "ChatCompletions"), ("x-tc-version", "2023-09-01")):
        if arrival.headers.get(header) != value:
            wrong.append(("", f"{header} must be {value}"))
    if not 0 <= body.get("TopP", 0) <= 1:
        wrong.append(("/TopP", "from 0 to 1"))
    if not 0 <= body.get("Temperature", 0) <= 2:
        wrong.append(("/Temperature", "from 0 to 2"))
    if not 1 <= body.get("Seed", 1) <= 10000:
        wrong.append(("/Seed", "from 1 to 10000"))
    if body.get("ToolChoice", "auto") not in ("none", "auto", "custom"):
        wrong.append(("/ToolChoice", "none, auto or custom"))
    if (body.get("ToolChoice") == "custom") != ("CustomTool" in body):
        wrong.append(("/CustomTool", "goes with ToolChoice custom, and only with it"))
    return wrong + list(_out_of_order(body["Messages"]))


def _out_of_order(messages: list[Json]) -> Iterator[tuple[str, str]]:
    said = messages[1:] if messages[0]["Role"] == "system" else messages
    roles = ["assistant", *(message["Role"] for message in said)]
    for number, (before, role) in enumerate(pairwise(roles)):
        at = f"/Messages/{number + len(messages) - len(said)}"
        if role == "system":
            yield at, "system comes first, and once"
        if role == before != "tool" or (role == "tool" and before == "user"):
            yield at, f"{role} behind {before}"
    if roles[-1] == "assistant":
        yield "/Messages", "the last message is the user's or a tool's"
    for number, message in enumerate(messages):
        at = f"/Messages/{number}"
        if message.keys() - _OF_MESSAGES:
            yield at, f"no such members: {message.keys() - _OF_MESSAGES}"
        if not (message.get("Content") or message.get("Contents") or message.get("ToolCalls")):
            yield at, "the content is empty"
        if message.get("Contents") and message["Role"] != "user":
            yield at, "only users show pictures"


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  its answers do not name the model
    """The answer and its frames; what a stream counts is all that there has been, in every frame."""
    about = {"Note": _NOTE, "Created": 1790000000, "Id": "hy-conf"}
    message: Json = {"Role": "assistant", "Content": reply.text}
    if reply.reasoning:
        message["ReasoningContent"] = reply.reasoning
    if reply.calls:
        message["ToolCalls"] = [
            {
                "Id": call.id,
                "Type": "function",
                "Index": n,
                "Function": {"Name": call.name, "Arguments": call.arguments},
            }
            for n, call in enumerate(reply.calls)
        ]
    choice = {"Index": 0, "Message": message, "FinishReason": _REASONS.get(reply.stop, "stop")}
    body = {
        "Response": {**about, "RequestId": "hy-conf", "Choices": [choice], "Usage": _usage(reply, reply.used.output)}
    }
    deltas = list(_deltas(reply))
    head = [
        event({**about, "Choices": [_choice(delta)], "Usage": _usage(reply, reply.used.output * n // len(deltas))})
        for n, delta in enumerate(deltas)
    ]
    last = _choice({"Role": "assistant", "Content": ""}, choice["FinishReason"])
    return Spoken(
        body=body, head=head, tail=[event({**about, "Choices": [last], "Usage": _usage(reply, reply.used.output)})]
    )


def _usage(reply: Reply, output: int) -> Json:
    used = reply.used
    usage: Json = {"PromptTokens": used.input, "CompletionTokens": output, "TotalTokens": used.input + output}
    if used.cached:
        usage["PromptTokensDetails"] = {"CachedTokens": used.cached}
    return usage


def _choice(delta: Json, finish: str = "") -> Json:
    return {"Delta": delta, "FinishReason": finish, "Index": 0}


def _deltas(reply: Reply) -> Iterator[Json]:
    yield {"Role": "assistant", "Content": ""}
    for piece in pieces(reply.reasoning):
        yield {"Role": "assistant", "Content": "", "ReasoningContent": piece}
    for piece in pieces(reply.text):
        yield {"Role": "assistant", "Content": piece}
    for n, call in enumerate(reply.calls):
        for number, piece in enumerate(pieces(call.arguments)):
            named = {"Id": call.id, "Type": "function"} if number == 0 else {}
            function = {"Name": call.name if number == 0 else "", "Arguments": piece}
            yield {"Role": "assistant", "Content": "", "ToolCalls": [{**named, "Index": n, "Function": function}]}


def fail(fault: Fault) -> Json:
    """The body of an error, whose status is 200."""
    code = _CODES.get(fault.status, "InternalError")
    return {"Response": {"Error": {"Code": code, "Message": fault.message}, "RequestId": "hy-conf"}}


def break_off(fault: Fault) -> bytes:
    """An error in a stream."""
    return event({"Note": _NOTE, "Id": "hy-conf", "ErrorMsg": {"Msg": fault.message, "Code": 4000}})


STAGED = Staged(
    vendor=Vendor(
        protocol="hunyuan",
        base="/hunyuan",
        takes=lambda path: path == "/",
        read=read,
        say=say,
        fail=fail,
        break_off=break_off,
        refuses=refuses,
        streams=lambda arrival: bool(arrival.body.get("Stream")),
        status=lambda fault: 200,  # noqa: ARG005  of every error
        headers=lambda fault: {},  # noqa: ARG005  nothing says when to try again
        makes_state=False,
        lacks=frozenset({"documents", "citations"}),
    ),
    provider="hunyuan",
    model="hunyuan-turbos-latest",
    settings="credentials: [{parts: {secret_id: AKIDTEST, secret_key: secTEST}}]",
)
