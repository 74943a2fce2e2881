"""OpenAI's files and batches, of one account: what was uploaded is there, batches go on when they are told to."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, json_reply, openai_error
from twoapi.testing.services.forms import form_of
from twoapi.testing.services.refusal import Json, RefusedError, members

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_MISSING = RefusedError("No such object", 404)


class Kept:
    """The service of one account, known by its key. `tag` goes into the ids that it makes."""

    def __init__(self, tag: str, key: str = "upstream-key", begun: int = 1_790_000_000) -> None:
        self.tag = tag
        self.key = key
        self.files: dict[str, Json] = {}
        self.contents: dict[str, bytes] = {}
        self.batches: dict[str, Json] = {}
        self._clock = begun

    def answer(self, request: Received) -> Reply:
        """The reply to a request, or OpenAI's error."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return json_reply(openai_error(401, "wrong key"), 401)
        _, version, collection, *rest = unquote(request.path).split("/")
        handlers: dict[tuple[str, str, int, str], Callable[[], Reply]] = {
            ("POST", "files", 0, ""): lambda: self._upload(request),
            ("GET", "files", 1, ""): lambda: json_reply(self._found(self.files, rest[0])),
            ("DELETE", "files", 1, ""): lambda: self._delete(rest[0]),
            ("GET", "files", 2, "content"): lambda: self._content(rest[0]),
            ("POST", "batches", 0, ""): lambda: self._batch(request.json()),
            ("GET", "batches", 1, ""): lambda: json_reply(self._found(self.batches, rest[0])),
            ("POST", "batches", 2, "cancel"): lambda: self._cancel(rest[0]),
        }
        handler = handlers.get((request.method, collection, len(rest), "".join(rest[1:])))
        if version != "v1" or handler is None:
            return json_reply(openai_error(404, f"no such path: {request.method} {request.path}"), 404)
        try:
            return handler()
        except RefusedError as refused:
            return json_reply(openai_error(refused.status, refused.message), refused.status)

    def finish(self, name: str) -> None:
        """A batch is done: each of its lines is answered in a file."""
        batch = self.batches[name]
        lines = self.contents[batch["input_file_id"]].splitlines()
        answers = [
            {"id": "b", "custom_id": json.loads(line)["custom_id"], "response": {"status_code": 200}} for line in lines
        ]
        data = "".join(json.dumps(one) + "\n" for one in answers).encode()
        made = self._keep(data, "output.jsonl", "batch_output")
        counts = {"total": len(lines), "completed": len(lines), "failed": 0}
        batch |= {"status": "completed", "output_file_id": made["id"], "request_counts": counts}

    def _upload(self, request: Received) -> Reply:
        form = form_of(request)
        form.take({"file", "purpose"}, {"expires_after[anchor]", "expires_after[seconds]"})
        if form.fields["purpose"] not in _PURPOSES:
            raise RefusedError("unknown purpose")
        file = form.file("file")
        return json_reply(self._keep(file.data, file.name, form.fields["purpose"]))

    def _keep(self, data: bytes, name: str, purpose: str) -> Json:
        self._clock += 1
        found: Json = {
            "id": f"file-{self.tag}{len(self.contents)}",
            "object": "file",
            "bytes": len(data),
            "created_at": self._clock,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }
        self.files[found["id"]] = found
        self.contents[found["id"]] = data
        return found

    def _found(self, where: dict[str, Json], name: str) -> Json:
        if name not in where:
            raise _MISSING
        return where[name]

    def _delete(self, name: str) -> Reply:
        self._found(self.files, name)
        del self.files[name]
        return json_reply({"id": name, "object": "file", "deleted": True})

    def _content(self, name: str) -> Reply:
        self._found(self.files, name)
        kind = "application/json" if self.files[name]["filename"].endswith(".json") else "application/octet-stream"
        return Reply(content_type=kind, pieces=(self.contents[name],))

    def _batch(self, body: Json) -> Reply:
        known: dict[str, Any] = {"metadata": dict, "output_expires_after": dict}
        members(body, {"input_file_id": str, "endpoint": str, "completion_window": str}, known)
        self._found(self.files, body["input_file_id"])
        self._clock += 1
        found: Json = {
            "id": f"batch_{self.tag}{len(self.batches)}",
            "object": "batch",
            **body,
            "created_at": self._clock,
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self.batches[found["id"]] = found
        return json_reply(found)

    def _cancel(self, name: str) -> Reply:
        batch = self._found(self.batches, name)
        batch["status"] = "cancelling"
        return json_reply(batch)
