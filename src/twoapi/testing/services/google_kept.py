"""Google's files, batches and cached contents, of one account: uploads that go on where they were cut off, batches that
go on when they are told to.
"""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from twoapi.testing.fake_connection import Received
from twoapi.testing.replies import Reply, gemini_error, json_reply
from twoapi.testing.services.refusal import Json, Kinds, RefusedError, members

VENDOR = "https://generativelanguage.googleapis.com"  # in all URLs that it tells, wherever it is
_UPLOAD = re.compile(r"/upload/(v1|v1beta)/files")
_METHOD = re.compile(r"/(v1|v1beta)/models/([^/:]+):([A-Za-z]+)")
_THING = re.compile(r"/(v1|v1beta)/(files|batches|cachedContents)(?:/([a-z0-9-]+))?(?::([a-z]+))?")
_MISSING = RefusedError("You do not have permission to access it, or it may not exist", 403)
_BATCH_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"


class Upload:
    """An upload that has begun."""

    def __init__(self, file: Json, size: int, mime: str) -> None:
        self.file = file
        self.size = size
        self.mime = mime
        self.data = b""
        self.is_over = False


class GoogleKept:
    """The service of one account, known by its key. `tag` goes into the names that it makes."""

    def __init__(self, tag: str, key: str = "upstream-key", begun: int = 1_790_000_000) -> None:
        self.tag = tag
        self.key = key
        self.things: dict[str, dict[str, Json]] = {"files": {}, "batches": {}, "cachedContents": {}}
        self.contents: dict[str, bytes] = {}
        self.uploads: dict[str, Upload] = {}
        self._clock = begun
        self._number = 0

    def answer(self, request: Received) -> Reply:
        """The reply to a request, or Google's error."""
        try:
            return self._answer(request)
        except RefusedError as refused:
            return json_reply(gemini_error(refused.status, refused.message), refused.status)

    def _answer(self, request: Received) -> Reply:
        if _UPLOAD.fullmatch(request.path) and "upload_id" in request.arguments:
            return self._go_on(request)  # the URL is all that it asks for
        if request.headers.get("x-goog-api-key") != self.key:
            raise RefusedError("wrong key", 401)
        if _UPLOAD.fullmatch(request.path):
            return self._begin(request)
        method = _METHOD.fullmatch(request.path)
        if method is not None and request.method == "POST":
            return self._of_model(method[2], method[3], _camel(request.json()))
        thing = _THING.fullmatch(request.path)
        if thing is not None and thing[3]:
            return self._of_thing(request, thing[2], f"{thing[2]}/{thing[3]}", thing[4] or "")
        if thing is not None and request.method == "POST" and thing[2] == "cachedContents":
            return self._cache(request.json())
        raise RefusedError(f"no such path: {request.method} {request.path}", 404)

    # --- uploads

    def _begin(self, request: Received) -> Reply:
        said = {name[14:]: value for name, value in request.headers.items() if name.startswith("x-goog-upload-")}
        if (said.get("protocol"), said.get("command")) != ("resumable", "start"):
            raise RefusedError("the protocol is resumable and the command start")
        body = _camel(request.json() if request.body else {})
        file = members(members(body, {}, {"file": dict}).get("file", {}), {}, _GIVEN)
        known = f"u{self.tag}{len(self.uploads)}"
        self.uploads[known] = Upload(file, int(said["header-content-length"]), said["header-content-type"])
        url = f"{VENDOR}{request.path}?upload_id={known}&upload_protocol=resumable"
        return _status("active", **{"x-goog-upload-url": url, "x-goog-upload-chunk-granularity": "262144"})

    def _go_on(self, request: Received) -> Reply:
        upload = self.uploads.get(request.arguments["upload_id"])
        if upload is None:
            raise _MISSING
        if request.headers.get("x-goog-api-key", self.key) != self.key:
            raise RefusedError("wrong key", 401)
        commands = [one.strip() for one in request.headers["x-goog-upload-command"].split(",")]
        if commands == ["query"]:
            received = {"x-goog-upload-size-received": str(len(upload.data))}
            return _status("final" if upload.is_over else "active", **received)
        if commands == ["cancel"]:
            upload.is_over = True
            return _status("cancelled")
        if upload.is_over or commands not in (["upload"], ["upload", "finalize"], ["finalize"]):
            raise RefusedError("the upload is over, or the command unknown")
        if "upload" in commands:
            if int(request.headers["x-goog-upload-offset"]) != len(upload.data):
                reply = json_reply(gemini_error(400, "the offset is not the size that was received"), 400)
                return reply.having(headers=(("x-goog-upload-status", "active"),))
            upload.data += request.body
        if "finalize" not in commands:
            return _status("active")
        if len(upload.data) != upload.size:
            raise RefusedError("the size is not the one that was said")
        upload.is_over = True
        return json_reply({"file": self._keep(upload)}, headers={"x-goog-upload-status": "final"})

    def _keep(self, upload: Upload) -> Json:
        name = upload.file.get("name") or f"files/{self._fresh()}"
        if name in self.things["files"]:
            raise RefusedError("it exists already", 409)
        return self._file(name, upload.data, upload.mime, {"displayName": upload.file.get("displayName", "")})

    def _file(self, name: str, data: bytes, mime: str, more: Json) -> Json:
        digest = base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()
        times = dict.fromkeys(("createTime", "updateTime"), self._now())
        self.contents[name] = data
        self.things["files"][name] = {
            "name": name,
            "mimeType": mime,
            "sizeBytes": str(len(data)),
            **times,
            "sha256Hash": digest,
            "uri": f"{VENDOR}/v1beta/{name}",
            "state": "ACTIVE",
            "source": "UPLOADED",
            **more,
        }
        return self.things["files"][name]

    # --- things

    def _of_thing(self, request: Received, collection: str, name: str, what: str) -> Reply:
        found = self.things[collection].get(name)
        if found is None:
            raise _MISSING
        asked = (request.method, what)
        if asked == ("GET", ""):
            return json_reply(found)
        if asked == ("DELETE", ""):
            del self.things[collection][name]
            return json_reply({})
        if asked == ("GET", "download") and request.arguments.get("alt") == "media":
            if found["source"] != "GENERATED":
                raise RefusedError("only what was made here can be downloaded")
            return Reply(content_type=found["mimeType"], pieces=(self.contents[name],))
        if asked == ("POST", "cancel") and collection == "batches":
            found["metadata"]["state"] = "BATCH_STATE_CANCELLED"
            return json_reply({})
        if asked == ("PATCH", "") and collection == "cachedContents":
            found |= {"expireTime": "2027-01-01T00:00:00Z", "updateTime": self._now()}
            return json_reply(found | {"ttl": members(request.json(), {}, {"ttl": str, "expireTime": str}).get("ttl")})
        raise RefusedError(f"no such path: {request.method} {request.path}", 404)

    def _of_model(self, model: str, method: str, body: Json) -> Reply:
        if method in ("batchGenerateContent", "asyncBatchEmbedContent"):
            return json_reply(self._batch(model, members(body, {"batch": dict}, {})["batch"]))
        if method != "generateContent":
            raise RefusedError(f"no such method: {method}", 404)
        cached = body.get("cachedContent")
        if cached is not None and self.things["cachedContents"].get(cached, {}).get("model") != f"models/{model}":
            raise RefusedError("CachedContent not found (or permission denied)", 403)
        uris = [part["fileData"]["fileUri"] for one in body["contents"] for part in one["parts"] if "fileData" in part]
        if not all(uri.removeprefix(f"{VENDOR}/v1beta/") in self.contents for uri in uris):
            raise RefusedError("You do not have permission to access the File", 403)
        text = f"{self.tag}: {cached or ' '.join(uris)}"
        candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": "STOP", "index": 0}
        return json_reply({"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": model})

    # --- batches and cached contents

    def _batch(self, model: str, batch: Json) -> Json:
        members(batch, {"inputConfig": dict}, {"displayName": str, "model": str})
        config = batch["inputConfig"]
        members(config, {}, {"fileName": str, "requests": dict})
        if "fileName" in config and config["fileName"] not in self.contents:
            raise _MISSING
        named = [batch.get("model"), *(one["request"].get("model") for one in _requests(config))]
        if any(one not in (None, f"models/{model}") for one in named):
            raise RefusedError("the models of a batch must be the same")
        metadata: Json = {
            "@type": _BATCH_TYPE,
            "model": f"models/{model}",
            "displayName": batch.get("displayName", ""),
            "inputConfig": config,
            "createTime": self._now(),
            "state": "BATCH_STATE_PENDING",
        }
        found = {"name": f"batches/{self._fresh()}", "metadata": metadata}
        self.things["batches"][found["name"]] = found
        return found

    def finish(self, name: str) -> None:
        """A batch is done: its requests are answered in a file where they came in one, else in the batch."""
        batch = self.things["batches"][name]
        config = batch["metadata"]["inputConfig"]
        if "fileName" in config:
            keys = [json.loads(line)["key"] for line in self.contents[config["fileName"]].splitlines()]
            lines = "".join(json.dumps({"key": key, "response": {"candidates": []}}) + "\n" for key in keys).encode()
            made = f"files/batch-{name.partition('/')[2]}"
            uri = {"downloadUri": f"{VENDOR}/v1beta/{made}:download?alt=media", "source": "GENERATED"}
            self._file(made, lines, "application/jsonl", uri)
            output: dict[str, Any] = {"responsesFile": made}
        else:
            answers = [
                {"response": {"candidates": []}, "metadata": {"n": str(n)}} for n, _ in enumerate(_requests(config))
            ]
            output = {"inlinedResponses": {"inlinedResponses": answers}}
        batch["metadata"] |= {"state": "BATCH_STATE_SUCCEEDED", "output": output}
        batch |= {"done": True, "response": output}

    def _cache(self, body: Json) -> Reply:
        known = {"contents": list, "systemInstruction": dict, "tools": list, "toolConfig": dict}
        members(body, {"model": str}, {**known, "ttl": str, "expireTime": str, "displayName": str})
        found = {
            "name": f"cachedContents/{self._fresh()}",
            "model": body["model"],
            "displayName": body.get("displayName", ""),
            **dict.fromkeys(("createTime", "updateTime"), self._now()),
            "expireTime": "2026-12-31T00:00:00Z",
            "usageMetadata": {"totalTokenCount": 9},
        }
        self.things["cachedContents"][found["name"]] = found
        return json_reply(found)

    def _fresh(self) -> str:
        self._number += 1
        return f"{self.tag}{self._number}"

    def _now(self) -> str:
        self._clock += 1
        return datetime.fromtimestamp(self._clock, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")


_GIVEN: Kinds = {"name": str, "displayName": str, "mimeType": str, "sizeBytes": (str, int)}
_USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}


def _camel(value: Json) -> Json:
    """The same with every name in camelCase: both spellings are taken, anywhere."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_([a-z])", lambda found: found[1].upper(), name): _camel(one) for name, one in value.items()}


def _requests(config: Json) -> list[Json]:
    found: list[Json] = config.get("requests", {}).get("requests", [])
    return found


def _status(status: str, **headers: str) -> Reply:
    """An answer that says all in its head."""
    lines = (("x-goog-upload-status", status), *headers.items())
    return Reply(content_type="text/plain; charset=utf-8", headers=lines, pieces=(b"",))
