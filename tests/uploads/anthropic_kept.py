"""Anthropic's files and message batches, of one account, in the words of the vendor's SDK; and a gateway before two."""

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anthropic
from anthropic.types import ErrorResponse, InvalidRequestError, Message, TextBlock, Usage
from anthropic.types.beta import BetaDeletedFile, BetaFileMetadata
from anthropic.types.beta.beta_file_scope import BetaFileScope
from anthropic.types.messages import (
    DeletedMessageBatch,
    MessageBatch,
    MessageBatchErroredResult,
    MessageBatchIndividualResponse,
    MessageBatchRequestCounts,
    MessageBatchSucceededResult,
)
from pydantic import BaseModel
from tests.uploads.site import Answer, answered

from twoapi.config import parse
from twoapi.gateway.state import State
from twoapi.store.memory import MemoryStore
from twoapi.store.open import open_store
from twoapi.testing.fake_connection import Received
from twoapi.testing.fake_upstream import FakeUpstream
from twoapi.testing.replies import Reply, anthropic_error, json_reply
from twoapi.testing.running_gateway import RunningGateway
from twoapi.testing.services.forms import form_of
from twoapi.testing.services.refusal import Json, RefusedError, members

UPSTREAM_KEY = "upstream-key"
KEYS = ("one-key", "two-key", "few-key")
MODELS = ("claude-haiku", "claude-opus")
_NONE = MessageBatchRequestCounts(canceled=0, errored=0, expired=0, processing=0, succeeded=0)
CONFIG = """
listen: 127.0.0.1:0
limits: {{body: 1MiB, upload: 64MiB}}
keys:
  - {{key: one-key, name: one}}
  - {{key: two-key, name: two}}
  - {{key: few-key, name: few, models: [cheap]}}
upstreams:
  east: {{provider: anthropic, base_url: "{east}", credentials: [wrong-key, upstream-key]}}
  west: {{provider: anthropic, base_url: "{west}", credentials: [upstream-key]}}
  chats:
    provider: anthropic
    base_url: "{west}"
    credentials: [upstream-key]
    operations: {{batches: [], files: []}}
  other: {{provider: openai, base_url: "{west}/v1", credentials: [upstream-key]}}
models:
  cheap: {{candidates: [chats/claude-haiku, west/claude-haiku, east/claude-haiku]}}
  dear: {{candidates: [east/claude-opus, west/claude-opus]}}
  western: {{candidates: [west/claude-opus]}}
  chatty: {{candidates: [chats/claude-opus]}}
"""


class Kept:
    """The service of one account, known by its key. `tag` goes into the ids that it makes."""

    def __init__(self, tag: str, begun: datetime | None = None) -> None:
        self.tag = tag
        self.files: dict[str, BetaFileMetadata] = {}
        self.contents: dict[str, bytes] = {}
        self.batches: dict[str, MessageBatch] = {}
        self.asked: dict[str, list[Json]] = {}  # the requests of a batch
        self._clock = begun or datetime(2026, 11, 1, tzinfo=UTC)

    def answer(self, request: Received) -> Reply:
        """The reply to a request, or Anthropic's error."""
        keys = (request.headers.get("x-api-key"), request.headers.get("authorization"))
        if keys not in ((UPSTREAM_KEY, None), (None, f"Bearer {UPSTREAM_KEY}")):
            return json_reply(anthropic_error(401, "wrong key"), 401)
        if "anthropic-version" not in request.headers:
            return json_reply(anthropic_error(400, "anthropic-version is required"), 400)
        path = unquote(request.path).removeprefix("/v1/")
        collection = "messages/batches" if path.startswith("messages/batches") else "files"
        name, _, what = path.removeprefix(collection).removeprefix("/").partition("/")
        handlers: dict[tuple[str, str, bool, str], Callable[[], Reply]] = {
            ("POST", "files", False, ""): lambda: self._upload(request),
            ("GET", "files", True, ""): lambda: _shown(self._found(self.files, name)),
            ("DELETE", "files", True, ""): lambda: self._delete_file(name),
            ("GET", "files", True, "content"): lambda: self._content(name),
            ("POST", "messages/batches", False, ""): lambda: self._begin(request.json()),
            ("GET", "messages/batches", True, ""): lambda: _shown(self._found(self.batches, name)),
            ("DELETE", "messages/batches", True, ""): lambda: self._delete_batch(name),
            ("POST", "messages/batches", True, "cancel"): lambda: self._cancel(name),
            ("GET", "messages/batches", True, "results"): lambda: self._results(name),
        }
        handler = handlers.get((request.method, collection, bool(name), what))
        if handler is None:
            return json_reply(anthropic_error(404, f"no such path: {request.method} {request.path}"), 404)
        try:
            return handler()
        except RefusedError as refused:
            return json_reply(anthropic_error(refused.status, refused.message), refused.status)

    def change(self, name: str, **said: object) -> None:
        """Something about a file or a batch is different from now on."""
        for kept in (self.files, self.batches):
            if name in kept:
                kept[name] = kept[name].model_copy(update=said)

    def finish(self, name: str) -> None:
        """A batch is done: the requests whose id begins with `bad` have failed."""
        ids = [one["custom_id"] for one in self.asked[name]]
        errored = sum(one.startswith("bad") for one in ids)
        self.change(
            name,
            processing_status="ended",
            ended_at=self._clock,
            request_counts=_NONE.model_copy(update={"succeeded": len(ids) - errored, "errored": errored}),
            results_url=f"https://api.anthropic.com/v1/messages/batches/{name}/results",
        )

    def _upload(self, request: Received) -> Reply:
        form = form_of(request)
        form.take({"file"}, {"expires_in_seconds"})
        file, name = form.file("file"), f"file_{self.tag}{len(self.contents)}"
        said, now = form.fields.get("expires_in_seconds"), self._tick()
        made = BetaFileMetadata(
            id=name,
            created_at=now,
            filename=file.name,
            mime_type=file.content_type,
            size_bytes=len(file.data),
            type="file",
            downloadable=False,
            expires_at=None if said is None else now + timedelta(seconds=int(said)),
        )
        self.files[name] = made
        self.contents[name] = file.data
        return _shown(made)

    def scoped(self, name: str, scope: str) -> None:
        """A file belongs to this session."""
        self.change(name, scope=BetaFileScope(id=scope, type="session"))

    def _found(self, kept: dict[str, Any], name: str) -> Any:
        if name not in kept:
            raise RefusedError("Not found", 404)
        return kept[name]

    def _delete_file(self, name: str) -> Reply:
        self._found(self.files, name)
        del self.files[name]
        return _shown(BetaDeletedFile(id=name, type="file_deleted"))

    def _content(self, name: str) -> Reply:
        if not self._found(self.files, name).downloadable:
            body = anthropic_error(400, "This file cannot be downloaded.")
            body["error"]["details"] = {"error_code": "file_not_downloadable"}
            return json_reply(body, 400)
        return Reply(content_type=self.files[name].mime_type, pieces=(self.contents[name],))

    def _begin(self, body: Json) -> Reply:
        members(body, {"requests": list}, {})
        for request in body["requests"]:
            members(request, {"custom_id": str, "params": dict}, {})
            params = members(
                request["params"],
                {"model": str, "max_tokens": int, "messages": list},
                {"system": str, "metadata": dict},
            )
            if params["model"] not in MODELS:
                raise RefusedError(f"model: {params['model']}", 404)
        ids = [request["custom_id"] for request in body["requests"]]
        if len(set(ids)) < len(ids):
            raise RefusedError("custom_id must be unique")
        name, now = f"msgbatch_{self.tag}{len(self.asked)}", self._tick()
        self.asked[name] = body["requests"]
        self.batches[name] = MessageBatch(
            id=name,
            created_at=now,
            expires_at=now + timedelta(days=1),
            processing_status="in_progress",
            request_counts=_NONE.model_copy(update={"processing": len(ids)}),
            type="message_batch",
        )
        return _shown(self.batches[name])

    def _cancel(self, name: str) -> Reply:
        if self._found(self.batches, name).processing_status == "ended":
            raise RefusedError("the batch has ended")
        self.change(name, processing_status="canceling", cancel_initiated_at=self._clock)
        return _shown(self.batches[name])

    def _delete_batch(self, name: str) -> Reply:
        if self._found(self.batches, name).processing_status != "ended":
            raise RefusedError("the batch has not ended")
        del self.batches[name]
        return _shown(DeletedMessageBatch(id=name, type="message_batch_deleted"))

    def _results(self, name: str) -> Reply:
        if self._found(self.batches, name).results_url is None:
            raise RefusedError("no results yet", 404)
        lines = [_result(one).model_dump_json(exclude_unset=True).encode() + b"\n" for one in self.asked[name]]
        return Reply(content_type="application/x-jsonl", pieces=tuple(lines), framing="chunked")

    def _tick(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock


def _result(request: Json) -> MessageBatchIndividualResponse:
    name, params = request["custom_id"], request["params"]
    if name.startswith("bad"):
        fault = ErrorResponse(type="error", error=InvalidRequestError(type="invalid_request_error", message="made up"))
        return MessageBatchIndividualResponse(
            custom_id=name, result=MessageBatchErroredResult(type="errored", error=fault)
        )
    message = Message(
        id=f"msg_{name}",
        type="message",
        role="assistant",
        model=params["model"],
        content=[TextBlock(type="text", text=params["messages"][0]["content"].upper())],
        stop_reason="end_turn",
        usage=Usage(input_tokens=1, output_tokens=1),
    )
    return MessageBatchIndividualResponse(
        custom_id=name, result=MessageBatchSucceededResult(type="succeeded", message=message)
    )


def _shown(thing: BaseModel) -> Reply:
    return json_reply(thing.model_dump(mode="json"))


class Cabinets:
    """The gateway, two such vendors behind it, and clients."""

    def __init__(self, gateway: RunningGateway, vendors: list[Kept], upstreams: list[FakeUpstream]) -> None:
        self.gateway = gateway
        self.east, self.west = vendors
        self.upstreams = upstreams
        self.settings: dict[str, Any] = {
            "base_url": gateway.url,
            "max_retries": 0,
            "timeout": 20,
            "_strict_response_validation": True,
        }
        self.one, self.two, self.few = (anthropic.Anthropic(api_key=key, **self.settings) for key in KEYS)

    def close(self) -> None:
        for client in (self.one, self.two, self.few):
            client.close()

    def paths(self, upstream: int) -> list[str]:
        """The requests that reached an upstream, by method and path."""
        return [f"{one.method} {one.path}" for one in self.upstreams[upstream].requests]

    def call(self, method: str, path: str, body: object = None, key: str = "one-key", **headers: str) -> Answer:
        """A bare request; the version is said as clients of this protocol do."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=20)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"x-api-key": key, "anthropic-version": "2023-06-01", "content-type": "application/json", **named}
        connection.request(method, path, data, sent)
        return answered(connection)


@contextmanager
def running_cabinets(
    store: Path | None = None, east: Kept | None = None, west: Kept | None = None, config: str = CONFIG
) -> Iterator[Cabinets]:
    """All that for as long as the block lasts; what was kept may outlive it."""
    vendors = [east or Kept("e"), west or Kept("w", datetime(2026, 11, 2, tzinfo=UTC))]
    state = State(MemoryStore() if store is None else open_store(f"sqlite:///{store}"))
    with FakeUpstream(vendors[0].answer) as first, FakeUpstream(vendors[1].answer) as second:
        urls = {"east": f"http://127.0.0.1:{first.port}", "west": f"http://127.0.0.1:{second.port}"}
        with RunningGateway(parse(config.format(**urls), "cabinets.yaml", {}), state=state) as gateway:
            cabinets = Cabinets(gateway, vendors, [first, second])
            try:
                yield cabinets
            finally:
                cabinets.close()
