"""What answers a request that is none for an answer of a model."""

from twoapi.gateway.compact import Compact
from twoapi.gateway.count import Count
from twoapi.gateway.exchange import Exchange
from twoapi.gateway.kept.from_cache import CachedExchange, cache_named
from twoapi.gateway.kept.held import FileUpload, HeldExchange
from twoapi.gateway.kept.held_batch import RequestsBatch
from twoapi.gateway.kept.held_list import HeldList
from twoapi.gateway.kept.held_model import OfModel
from twoapi.gateway.kept.resumable import UploadPiece, UploadStart
from twoapi.gateway.operations.operation import OperationExchange
from twoapi.gateway.operations.upload import UploadExchange
from twoapi.gateway.port import ClientPort
from twoapi.gateway.retrieve import Retrieval
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault
from twoapi.policy.access import KeyEntry
from twoapi.protocols.operations.kept.openai import FACE as OPENAIS
from twoapi.protocols.operations.kept.table import FACES
from twoapi.protocols.operations.table import OPERATIONS
from twoapi.server.head import Head
from twoapi.server.inbound import Inbound, InboundStream
from twoapi.server.routes import Route, deployment
from twoapi.wire.http import Incoming

Asked = Compact | Count | OperationExchange | Retrieval


def answer_for(worker: Worker, head: Head, inbound: Inbound, key: KeyEntry, port: ClientPort) -> Exchange:
    """What will answer a request for an answer of a model, not begun yet, when it may name what an upstream keeps."""
    incoming = Incoming(head.path, head.headers, inbound.body, head.query)
    name = cache_named(head.codec, incoming)
    if name:
        return CachedExchange(worker, head.codec, incoming, key, port, name=name)
    return Exchange(worker, head.codec, incoming, key, port)


def asked_for(worker: Worker, head: Head, inbound: Inbound, key: KeyEntry, port: ClientPort) -> Asked | None:
    """What will answer, not begun yet; None for what the gateway itself is asked."""
    route = head.route
    if isinstance(inbound, InboundStream) and route is not None:
        return _upload(worker, head, route, inbound, key, port)
    return None if route is None else _collected(worker, head, route, inbound, key, port)


def _collected(
    worker: Worker, head: Head, route: Route, inbound: Inbound, key: KeyEntry, port: ClientPort
) -> Asked | None:
    incoming = Incoming(head.path, head.headers, inbound.body, head.query)
    if route.kind in ("operate", "upload"):
        operation = OPERATIONS[route.operation]
        return OperationExchange(worker, head.codec, incoming, key, port, operation=operation, shape=route.shape)
    if route.kind in ("begun", "resumable"):
        operation, face = OPERATIONS[route.operation], FACES[head.codec.name]
        is_list = head.method in (b"GET", b"HEAD") and head.path.endswith("/cachedContents")
        of_google = HeldList if is_list else OfModel if route.kind == "begun" else UploadStart
        return of_google(worker, head.codec, head.method, incoming, key, port, operation=operation, face=face)
    if route.kind == "held":
        operation, face = OPERATIONS[route.operation], FACES.get(head.codec.name, OPENAIS)
        is_list = head.method != b"POST" and head.path.endswith(f"/{route.operation}")
        held = HeldList if is_list else HeldExchange
        return held(worker, head.codec, head.method, incoming, key, port, operation=operation, face=face)
    if route.kind == "stored":
        return Retrieval(worker, head.codec, head.method, incoming, key, port)
    if route.kind in ("count", "compact"):
        return (Count if route.kind == "count" else Compact)(worker, head.codec, incoming, key, port)
    return None


def _upload(
    worker: Worker, head: Head, route: Route, inbound: InboundStream, key: KeyEntry, port: ClientPort
) -> UploadExchange | UploadPiece | RequestsBatch:
    incoming, operation = Incoming(head.path, head.headers, b"", head.query), OPERATIONS[route.operation]
    if route.kind == "resumable":
        face, arriving, codec = FACES[head.codec.name], inbound.arriving, head.codec
        return UploadPiece(
            worker, codec, head.method, incoming, key, port, operation=operation, face=face, arriving=arriving
        )
    if route.kind == "held":
        face, arriving = FACES.get(head.codec.name, OPENAIS), inbound.arriving
        of_one = FileUpload if route.operation == "files" else RequestsBatch
        return of_one(worker, head.codec, incoming, key, port, operation=operation, face=face, arriving=arriving)
    return UploadExchange(
        worker,
        head.codec,
        incoming,
        key,
        port,
        operation=operation,
        shape=route.shape,
        arriving=inbound.arriving,
        named=deployment(head.path) if route.names_model else None,
    )


def upload_objection(worker: Worker, head: Head, length: int | None) -> Fault | None:
    """Why a body that would be sent on as it comes is refused before any of it is read."""
    limits = worker.limits
    if length is not None and length > limits.upload:
        return upload_too_large(limits.upload)
    if head.coding:
        return Fault("invalid_request", "what is sent on as it comes is not taken compressed", status=415)
    if worker.running >= limits.streams:
        return Fault("overloaded", "too many requests are open on this gateway", whose="gateway", retry_after=1)
    return None


def upload_too_large(limit: int) -> Fault:
    """The answer to more than the settings allow."""
    return Fault("too_large", f"the upload is larger than {limit} bytes, the setting `limits.upload`")
