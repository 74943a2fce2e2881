"""iFlytek Spark over a websocket: one question for each connection, answered in frames."""

from collections.abc import Iterator

import msgspec

from twoapi.conformance import Vendor
from twoapi.conformance.asked import Asked, Json, settings
from twoapi.conformance.reply import Called, Fault, Reply, Spoken, pieces
from twoapi.conformance.vendor import Arrival
from twoapi.testing.vendors.socket_upstream import SocketUpstream
from twoapi.testing.vendors.spark import CODES, counted, message_pieces, misspoken, offered, out_of_range
from twoapi.testing.vendors.staged import Staged

_SETTINGS = {"temperature": "temperature", "top_k": "top_k", "max_tokens": "max_tokens"}
_X1_SETTINGS = {"presence_penalty", "frequency_penalty", "thinking"}
_DOMAINS = {
    "/v1.1/chat": ("lite", "general"),
    "/v2.1/chat": ("generalv2",),
    "/v3.1/chat": ("generalv3",),
    "/v3.5/chat": ("generalv3.5",),
    "/v4.0/chat": ("4.0Ultra",),
    "/chat/pro-128k": ("pro-128k",),
    "/chat/max-32k": ("max-32k",),
    "/v1/x1": ("spark-x",),
}
_encode = msgspec.json.encode


def read(body: Json) -> Asked:
    """What a frame asks."""
    payload, chat = body["payload"], body["parameter"]["chat"]
    known = settings(chat, _SETTINGS)
    if uid := body["header"].get("uid"):
        known["user"] = uid
    return Asked(
        pieces=[piece for message in payload["message"]["text"] for piece in message_pieces(message)],
        tools=[offered(function) for function in payload.get("functions", {}).get("text", [])],
        settings=known,
    )


def refuses(arrival: Arrival) -> list[tuple[str, str]]:
    """What the vendor would refuse, by its documentation."""
    body = arrival.body
    header, chat = body["header"], body["parameter"]["chat"]
    path = arrival.path.removeprefix("/spark-socket")
    wrong = []
    if not header.get("app_id"):
        wrong.append(("/header/app_id", "it is missing"))
    if len(header.get("uid", "")) > 32:
        wrong.append(("/header/uid", "at most 32 characters"))
    if chat["domain"] not in _DOMAINS.get(path, ()):
        wrong.append(("/parameter/chat/domain", f"{chat['domain']} is not at {path}"))
    reasons = path == "/v1/x1"
    members = {*_SETTINGS, "domain", "auditing", "chat_id", *(_X1_SETTINGS if reasons else ())}
    wrong += [(f"/parameter/chat/{name}", "no such member") for name in chat.keys() - members]
    wrong += out_of_range(chat, hottest=2 if reasons else 1)
    if not all(part in arrival.query for part in ("authorization=", "date=", "host=")):
        wrong.append(("", "the URL is not signed"))
    return wrong + list(misspoken(body["payload"]["message"]["text"], "/payload/message/text"))


def say(reply: Reply, model: str) -> Spoken:  # noqa: ARG001  its frames do not name the model
    """The answer as one frame would say it, and its frames."""
    texts = list(_texts(reply))
    usage = {"usage": {"text": {"question_tokens": 4, **counted(reply)}}}
    head = [_frame(number, 1 if number else 0, text) for number, text in enumerate(texts)]
    last = _frame(len(texts), 2, {"content": "", "role": "assistant", "index": 0}, usage)
    body = _frame(0, 2, {"content": reply.text, "role": "assistant", "index": 0}, usage)
    if reply.reasoning:
        body["payload"]["choices"]["text"][0]["reasoning_content"] = reply.reasoning
    return Spoken(body=body, head=[_encode(frame) for frame in head], tail=[_encode(last)])


def _frame(seq: int, status: int, text: Json, usage: Json | None = None) -> Json:
    return {
        "header": {"code": 0, "message": "Success", "sid": "cht000@conf", "status": status},
        "payload": {"choices": {"status": status, "seq": seq, "text": [text]}, **(usage or {})},
    }


def _texts(reply: Reply) -> Iterator[Json]:
    about = {"role": "assistant", "index": 0}
    for piece in pieces(reply.reasoning):
        yield {"content": "", "reasoning_content": piece, **about}
    for piece in pieces(reply.text):
        yield {"content": piece, **about}
    for call in reply.calls:
        yield {"content": "", "function_call": _called(call), **about}


def _called(call: Called) -> Json:
    return {"name": call.name, "arguments": call.arguments}


def fail(fault: Fault) -> Json:
    """The frame of an error, which is the only one."""
    code = CODES.get(fault.status, 10012)
    return {"header": {"code": code, "message": fault.message, "sid": "cht000@conf", "status": 2}}


def break_off(fault: Fault) -> bytes:
    """An error behind other frames."""
    return _encode({"header": {"code": 10012, "message": fault.message, "sid": "cht000@conf", "status": 2}})


STAGED = Staged(
    vendor=Vendor(
        protocol="spark-socket",
        base="/spark-socket",
        takes=lambda path: path in _DOMAINS,
        read=read,
        say=say,
        fail=fail,
        break_off=break_off,
        refuses=refuses,
        event=msgspec.json.decode,
        headers=lambda fault: {},  # noqa: ARG005  frames have none
        makes_state=False,
        # Frames do not say why an answer ended.
        lacks=frozenset({"images", "documents", "citations", "stop reasons"}),
    ),
    provider="spark-socket",
    model="4.0Ultra",
    settings="credentials: [{parts: {app_id: 4CC5779A, api_key: KEY, api_secret: SECRET}}]",
    serves=SocketUpstream,
)
