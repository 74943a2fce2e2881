"""Kept answers over HTTP: one is fetched, its input listed, or it is forgotten."""

import asyncio
import logging
from urllib.parse import parse_qs, unquote

from msgspec import Raw

from twoapi.gateway.forward import Answered, ask_keepers
from twoapi.gateway.headers import JSON, refusal_headers
from twoapi.gateway.port import ClientPort
from twoapi.gateway.stored import forget_answer, kept_answer, kept_input
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.access import KeyEntry
from twoapi.protocols.base import Codec
from twoapi.protocols.operations.kept.base import asked_limit
from twoapi.wire import json
from twoapi.wire.http import Incoming

_log = logging.getLogger("twoapi.retrieve")
_INTERNAL = Fault("upstream_error", "internal error of the gateway; its log has more", whose="gateway", status=500)
_STOPPING = Fault("overloaded", "the gateway is stopping; send the request again", whose="gateway")
_PAGE, _LONGEST_PAGE = 20, 100
_BASE = "/responses/"
_NONE = Raw(b"null")
_WRITTEN: dict[str, object] = {"type": "output_text", "annotations": [], "logprobs": []}


class Retrieval:
    """One client's question about what is kept, and its answer."""

    def __init__(
        self, worker: Worker, codec: Codec, method: bytes, incoming: Incoming, key: KeyEntry, port: ClientPort
    ) -> None:
        self._worker = worker
        self._codec = codec
        self._method = method
        self._incoming = incoming
        self._key = key
        self._port = port
        self._task: asyncio.Task[None] | None = None
        self.is_over = False
        name, _, self._what = unquote(incoming.path.partition(_BASE)[2]).partition("/")
        self._name = name

    def begin(self) -> None:
        """Starts."""
        self._task = self._worker.loop.create_task(self._run())

    def cancel(self) -> None:
        """The client has left."""
        self.is_over = True
        if self._task is not None:
            self._task.cancel()

    def interrupt(self) -> None:
        """The gateway stops."""
        if not self.is_over:
            self.cancel()
            self._refuse(_STOPPING)

    async def _run(self) -> None:
        request_id = next(self._worker.ids).encode()
        lines = b"twoapi-request-id: %b\r\n%b: %b\r\n" % (request_id, self._codec.request_id_header, request_id)
        try:
            try:
                body = await self._found()
            except FaultError as error:
                answered = await self._asked(error)
                body, lines = answered.body, lines + b"twoapi-upstream: %b\r\n" % answered.candidate.label[:-1]
        except FaultError as error:
            self._refuse(error.fault)
        except Exception:  # noqa: BLE001  the outermost frame of a request: it must be answered
            _log.exception("the retrieval of a kept answer failed")
            self._refuse(_INTERNAL)
        else:
            self._answer(200, JSON + lines, body)

    async def _asked(self, missing: FaultError) -> Answered:
        """The answer of an upstream that keeps what is not kept here; raises `missing` when there is none. A client
        that may use some models only is not told what others had answered.
        """
        if missing.fault.kind != "not_found" or not self._key.may_use_all:
            raise missing
        method, query = self._method.decode(), self._incoming.query
        answered = await ask_keepers(self._worker, self._codec.name, method, self._name, self._what, query)
        if answered is None:
            raise missing
        return answered

    async def _found(self) -> bytes:
        state, protocol, tenant, name = self._worker.state, self._codec.name, self._key.tenant, self._name
        if "stream=true" in self._incoming.query.split("&"):
            raise FaultError(Fault("invalid_request", "a kept answer is not streamed again", param="stream"))
        if self._method == b"DELETE":
            await forget_answer(state, protocol, tenant, name)
            return json.encode({"id": name, "object": "response", "deleted": True})
        if self._what == "input_items":
            said = await kept_input(state, protocol, tenant, name)
            return page([told(item, f"{name}_{index}") for index, item in enumerate(said)], self._incoming.query)
        body = await kept_answer(state, protocol, tenant, name)
        if self._what == "cancel":
            message = f"{name!r} is complete: only an answer that is made in the background can be cancelled"
            raise FaultError(Fault("invalid_request", message))
        return body

    def _refuse(self, fault: Fault) -> None:
        request_id = next(self._worker.ids)
        status, headers, body = self._codec.encode_fault(fault, request_id)
        self._answer(status, refusal_headers((request_id.encode(), self._codec.request_id_header), 0, headers), body)

    def _answer(self, status: int, headers: bytes, body: bytes) -> None:
        self.is_over = True
        self._task = None
        self._port.answer(status, headers, body)


def told(item: Raw, number: str) -> Raw:
    """An item as a list shows it: with an id, and a message's content as a list, however its client wrote it."""
    if not json.is_object(item):
        return item
    given: dict[str, object] = dict(json.fields(item))
    content, role = given.get("content"), json.string(json.fields(item).get("role", _NONE))
    if role:
        given.setdefault("type", "message")
        given.setdefault("status", "completed")
    if isinstance(content, Raw) and json.first_byte(content) == 34:
        text: dict[str, object] = {"type": "input_text", "text": content}
        given["content"] = [{**text, **_WRITTEN} if role == "assistant" else text]
    if not _id(item):
        given["id"] = f"{'msg' if role else 'item'}_{number}"
    return Raw(json.encode(given))


def page(items: list[Raw], query: str) -> bytes:
    """A page of a list: `limit` items in `order` ("desc", the newest first, or "asc") behind the one named `after`.
    Raises FaultError.
    """
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    items = items if asked.get("order", "desc") == "asc" else items[::-1]
    names = [_id(item) for item in items]
    after = asked.get("after")
    if after is not None:
        if after not in names:
            raise FaultError(Fault("invalid_request", "there is no such item", param="after"))
        begin = names.index(after) + 1
        items, names = items[begin:], names[begin:]
    limit = asked_limit(asked.get("limit"), _PAGE, _LONGEST_PAGE)
    shown = names[:limit]
    first, last = (shown[0], shown[-1]) if shown else (None, None)
    return json.encode(
        {
            "object": "list",
            "data": items[:limit],
            "first_id": first,
            "last_id": last,
            "has_more": len(items) > limit,
        }
    )


def _id(item: Raw) -> str:
    """The item's name; "" when its sender gave it none."""
    name = json.fields(item).get("id") if json.is_object(item) else None
    return "" if name is None or json.first_byte(name) != 34 else json.string(name)
