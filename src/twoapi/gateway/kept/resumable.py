"""Uploads that go on where they were cut off: begun at an upstream, continued at a URL that only this gateway can make.

The URL carries, sealed, whose upload it is and where the upstream wants it. Like the upstream's own it is all that a
client needs to show, on any worker and after a restart.
"""

import base64
import binascii
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from twoapi.gateway.headers import RawHeaders, answer_headers, refusal_headers
from twoapi.gateway.kept.held import HeldExchange
from twoapi.gateway.kept.keeping import (
    accounts,
    chosen,
    collection_url,
    named_upstream,
    offering,
    owner,
    rows_of,
    write_down,
)
from twoapi.gateway.operations.arriving import Arriving
from twoapi.gateway.operations.form_sources import FormSource, Sending
from twoapi.gateway.operations.streamed import Forwarded, StreamedExchange
from twoapi.gateway.port import ClientPort
from twoapi.gateway.record import Outcome, Record
from twoapi.gateway.state import State
from twoapi.gateway.way import Counted
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError, Loss
from twoapi.policy.access import NOBODY, KeyEntry
from twoapi.policy.route import Candidate, Plan
from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.operations.base import Operation
from twoapi.protocols.operations.kept.base import Face
from twoapi.store.port import Held
from twoapi.transport.endpoint import Endpoint
from twoapi.transport.uploading import Drain
from twoapi.wire import json
from twoapi.wire.errors import WireError
from twoapi.wire.http import Headers, Incoming, Outgoing

UPLOAD_ID = "upload_id"  # in a query: the upload that goes on
_PREFIX = "/upload"  # before the path of the collection
_FAMILY = b"x-goog-upload-"  # the headers of this protocol
_URL, _CONTROL_URL, _STATUS = b"x-goog-upload-url", b"x-goog-upload-control-url", b"x-goog-upload-status"
_COMMAND, _PROTOCOL, _SIZE = b"x-goog-upload-command", b"x-goog-upload-protocol", b"x-goog-upload-header-content-length"
_FINAL = b"final"
_FOR_ALL = ""  # no tenant has this name: what is sealed for it says itself whose it is
_MARK = b"upload\n"
_GONE = Fault("not_found", "there is no such upload; begin it again")


class Session(msgspec.Struct, array_like=True):
    """An upload that was begun: whose it is, at which upstream and account, and the path and query where it goes on."""

    tenant: str
    upstream: str
    account: str | None
    path: str


_decode = json.decoder(Session)


def sealed(state: State, session: Session) -> str:
    """The id of an upload for the client's URL. The state must be loaded."""
    packed = state.keys.seal(_FOR_ALL, _MARK + json.encode(session))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def opened(state: State, upload_id: str) -> Session | None:
    """What an id stands for; None when this gateway did not make it. The state must be loaded."""
    try:
        packed = base64.b64decode(upload_id + "=" * (-len(upload_id) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    data = state.keys.open(_FOR_ALL, packed)
    if data is None or not data.startswith(_MARK):
        return None
    try:
        return _decode(data[len(_MARK) :])
    except WireError:
        return None


def upload_id(query: str) -> str:
    """The id that a query has; "" for none."""
    return next((value for name, value in parse_qsl(query) if name == UPLOAD_ID), "")


def told(upstream: RawHeaders) -> bytes:
    """The lines of this protocol in an upstream's answer, but for its URLs."""
    lines = b""
    for name, value in upstream:
        if name.startswith(_FAMILY) and name not in (_URL, _CONTROL_URL):
            lines += b"%b: %b\r\n" % (name, value)
    return lines


def said(incoming: Incoming) -> Headers:
    """The client's headers of this protocol, and the type of what it sends."""
    headers = incoming.headers
    found = [(name, value) for name, value in headers.items() if name.startswith(_FAMILY)]
    kind = headers.get(b"content-type")
    return found if kind is None else [(b"content-type", kind), *found]


class UploadStart(HeldExchange):
    """The first request of an upload, which says what will come, and gets the URL where it is to come."""

    __slots__ = ()

    async def _place(self) -> None:
        headers, limit = self.incoming.headers, self.worker.limits.upload
        if headers.get(_PROTOCOL) != b"resumable" or headers.get(_COMMAND) != b"start":
            message = "begin with `X-Goog-Upload-Protocol: resumable` and `X-Goog-Upload-Command: start`"
            raise FaultError(Fault("invalid_request", message))
        size = headers.get(_SIZE, b"")
        if size.isdigit() and int(size[:20]) > limit:
            message = f"the upload is larger than {limit} bytes, the setting `limits.upload`"
            raise FaultError(Fault("too_large", message))
        self.order = (chosen(self.snapshot, self._face, "files", named_upstream(self.incoming), form=False),)

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        outgoing = super()._outgoing(candidate)
        return Outgoing(_PREFIX + outgoing.path, b"", [*said(self.incoming), *outgoing.headers])

    def _forwarded(self, outgoing: Outgoing) -> Forwarded:
        return Forwarded(self._native, outgoing, strict=False, streams=False)

    async def _keep(
        self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes
    ) -> None:
        state, incoming, candidate = self.worker.state, self.incoming, self.candidate
        url = next((value for name, value in upstream if name == _URL), None)
        path = None if url is None else _path_at(candidate, url.decode("latin-1"))
        if path is None:
            raise FaultError(
                Fault("upstream_error", "the upstream did not say where the upload goes", whose="upstream")
            )
        place = await owner(state, self.key, candidate, self.credentials[0])
        session = Session(self.key.tenant, place.upstream, place.account, path)
        query = urlencode({UPLOAD_ID: sealed(state, session), "upload_protocol": "resumable"})
        own = f"{collection_url(incoming, 'files')}?{query}".encode("latin-1")
        lines = answer_headers(self.named, self.attempts, candidate, losses, upstream) + told(upstream)
        lines += b"%b: %b\r\n%b: %b\r\n" % (_URL, own, _CONTROL_URL, own)
        self.status = 200
        self.port.answer(200, lines, body)
        self._finish("ok", None, losses, counted)


def _path_at(candidate: Candidate, url: str) -> str | None:
    """Path and query of an upstream's URL, behind the base of the upstream's own: it is asked there, whatever host the
    URL names. None when the URL does not lead below that.
    """
    base = Endpoint.parse(candidate.base_url).base_path
    parts = urlsplit(url)
    if not parts.path.startswith(f"{base}/") or not (url.isascii() and url.isprintable()) or " " in url:
        return None
    return parts.path[len(base) :] + (f"?{parts.query}" if parts.query else "")


class Passing(Sending):
    """What a client sends, as it comes, once."""

    __slots__ = ("_arriving",)

    def __init__(self, arriving: Arriving) -> None:
        super().__init__()
        self._arriving = arriving

    def flow_to(self, drain: Drain) -> None:
        """Sends what there is, and what comes."""
        self._arriving.on_more = self.flow
        super().flow_to(drain)

    def flow(self) -> None:
        """Sends what has come."""
        arriving = self._arriving
        while self._drain is not None and not self.is_paused:
            data = arriving.take()
            self._write(data)
            if arriving.is_taken:
                self._end()
            if not data:
                return


class UploadPiece(StreamedExchange):
    """A further request of an upload: more of it, the question how much has come, or that it is given up. It is sent
    once: what came of it only its client can find out.
    """

    __slots__ = ("_arriving", "_face", "_session")

    def __init__(  # noqa: PLR0913  an operation, and its body
        self,
        worker: Worker,
        codec: Codec,
        method: bytes,
        incoming: Incoming,
        key: KeyEntry,
        port: ClientPort,
        *,
        operation: Operation,
        face: Face,
        arriving: Arriving,
    ) -> None:
        """`key` is NOBODY for a client that shows no more than the URL."""
        super().__init__(worker, codec, incoming, key, port, operation=operation, shape=face.shape)
        self.method = method.decode()
        self._face = face
        self._arriving = arriving
        self._session: Session | None = None

    def begin(self) -> None:
        """Starts to look for where it goes."""
        self.worker.running += 1
        self.worker.counters.exchanges += 1
        self.peek = Peek("", stream=False)
        self._soon(self._find)

    async def _find(self) -> None:
        state = self.worker.state
        await state.load()
        session = opened(state, upload_id(self.incoming.query))
        if session is None or (self.key is not NOBODY and self.key.tenant != session.tenant):
            raise FaultError(_GONE)
        key = self.snapshot.keys.of_tenant(session.tenant)
        candidate = offering(self.snapshot, self._face, "files").get(session.upstream)
        if key is None or candidate is None:
            raise FaultError(_GONE)
        self.key, self._session = key, session
        self.order = (candidate,)
        self.plan = Plan(self.order, retries=0)
        self._try_candidate(0)

    # --- the way in

    def _try_candidate(self, position: int) -> None:
        self.position = position
        self.candidate = candidate = self.order[position]
        session = self._session
        assert session is not None  # noqa: S101  it has said who the candidate is
        self.credentials = accounts(self.worker.state, candidate, session.account)
        self.tries = 0
        self._try()

    def _outgoing(self, candidate: Candidate) -> Outgoing:  # noqa: ARG002  there is but one
        assert self._session is not None  # noqa: S101  as above
        return Outgoing(self._session.path, b"", said(self.incoming))

    def _body(self, candidate: Candidate) -> tuple[FormSource | None, int | None]:  # noqa: ARG002  as above
        arriving = self._arriving
        length = arriving.size if arriving.is_complete else arriving.length
        return (None if length == 0 else Passing(arriving)), length

    def _forwarded(self, outgoing: Outgoing) -> Forwarded:
        return Forwarded(self._native, outgoing, strict=False, streams=False)

    def _can_repeat(self) -> bool:
        return False

    # --- the way out

    def _deliver(self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes) -> None:
        self._soon(lambda: self._keep(losses, counted, upstream, body))

    async def _keep(
        self, losses: list[Loss] | None, counted: Counted | None, upstream: RawHeaders, body: bytes
    ) -> None:
        session, state = self._session, self.worker.state
        assert session is not None  # noqa: S101  as above
        file = _file_in(body)
        if file is not None:
            like = Held(session.tenant, "", session.upstream, session.account, "", b"", state.now())
            await write_down(state, rows_of(self._face, "files", file, like=like))
        self.status = 200
        lines = answer_headers(self.named, self.attempts, self.candidate, losses, upstream) + told(upstream)
        self.port.answer(200, lines, body)
        self._finish("ok", None, losses, counted)

    def _refuse(self, fault: Fault) -> None:
        """As an exchange does, with what the upstream says of the upload. Where it says nothing, and the same request
        cannot help, the upload is over: else clients would send it again.
        """
        attempt = self.attempt
        lines = b"" if attempt is None else told(attempt.headers)
        if not lines and not fault.retryable:
            lines = b"%b: %b\r\n" % (_STATUS, _FINAL)
        self.status, headers, body = self.codec.encode_fault(fault, self.id)
        self.port.answer(self.status, refusal_headers(self.named, self.attempts, headers) + lines, body)
        self._finish("failed" if self.attempts else "refused", fault, [], None)

    def _finish(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> None:
        super()._finish(outcome, fault, losses, counted)
        self._arriving.on_more = None

    def _record(
        self, outcome: Outcome, fault: Fault | None, losses: list[Loss] | None, counted: Counted | None
    ) -> Record:
        record = super()._record(outcome, fault, losses, counted)
        record.received = self._arriving.size
        return record


def _file_in(body: bytes) -> bytes | None:
    """The file that the last answer of an upload shows; None in all others."""
    try:
        shown = json.fields(body).get("file") if body else None
    except WireError:
        return None
    return None if shown is None or not json.is_object(shown) else bytes(shown)
