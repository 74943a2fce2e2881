"""The head of a request whose credential is made for it: signed, or with a token that may have to be asked for first.

Beside the path of requests with a credential that never changes, whose heads the snapshot remembers.
"""

import asyncio
from collections.abc import Callable

from twoapi.gateway.snapshot import Snapshot, request_headers
from twoapi.gateway.worker import Worker
from twoapi.ir import Fault, FaultError
from twoapi.policy.credentials import Credential
from twoapi.policy.route import Candidate
from twoapi.providers.presenting import NOTHING, Presented, present, said, signs_body, under
from twoapi.providers.signing.signable import Signable
from twoapi.providers.tokens.source import RefusedError
from twoapi.transport.endpoint import Endpoint, close_head, open_head
from twoapi.wire.http import Outgoing

NO_CREDENTIAL = "no_credential"  # a kind of failure: nothing was sent, as there was nothing to present


class CredentialError(FaultError):
    """A credential that cannot be presented. The fault names the upstream and the entry, and says what to do."""


def presented_head(  # noqa: PLR0913  each is needed, the last seldom
    worker: Worker,
    snapshot: Snapshot,
    candidate: Candidate,
    credential: Credential,
    outgoing: Outgoing,
    resume: Callable[[], None],
    *,
    method: str = "POST",
    framing: bytes | None = None,
) -> bytes | None:
    """The complete head of an upstream request; None while a token is asked for, and `resume` is called when that is
    over. `framing`: what ends the head of a request whose body is sent as it comes. Raises CredentialError.
    """
    made = credential.made
    if made is None:
        if method == "POST" and framing is None:
            return snapshot.head(candidate, credential, outgoing)
        return _head(candidate, credential, outgoing, method, lambda _: NOTHING, framing)
    if framing is not None and method == "POST" and signs_body(made.style):
        raise _wrong(candidate, credential, "it signs bodies, and this one is sent as it comes")
    parts = made.parts
    if made.source is not None:
        try:
            token = worker.tokens.get(made.source, resume)
        except RefusedError as error:
            raise _wrong(candidate, credential, error.message) from None
        if token is None:
            return None
        if made.style == "bearer":
            shown = snapshot.with_token(credential, token)
            return presented_head(worker, snapshot, candidate, shown, outgoing, resume, method=method, framing=framing)
        parts = {**parts, **token.parts}
    return _head(
        candidate, credential, outgoing, method, lambda asked: present(made.style, asked, parts, worker.now), framing
    )


def completed(outgoing: Outgoing, credential: Credential) -> Outgoing:
    """The request with what its credential says in the body, before its head is made: for most nothing."""
    made = credential.made
    if made is None:
        return outgoing
    body = said(made.style, outgoing.body, made.parts)
    return outgoing if body is outgoing.body else Outgoing(outgoing.path, body, outgoing.headers)


async def awaited_head(
    worker: Worker, candidate: Candidate, credential: Credential, outgoing: Outgoing, *, method: str = "POST"
) -> bytes:
    """The same for those who can wait; raises CredentialError."""
    while True:
        again = asyncio.Event()
        head = presented_head(worker, worker.snapshot, candidate, credential, outgoing, again.set, method=method)
        if head is not None:
            return head
        await again.wait()


def is_renewed(worker: Worker, credential: Credential, begun: float, sent: float) -> bool:
    """True when a refused request may be sent once more with the same credential, as it has, or will have, another
    token. The times are the loop's, of when the exchange began and the request was sent.
    """
    made = credential.made
    return made is not None and made.source is not None and worker.tokens.renew(made.source, begun, sent)


def _head(
    candidate: Candidate,
    credential: Credential,
    outgoing: Outgoing,
    method: str,
    show: Callable[[Signable], Presented],
    framing: bytes | None = None,
) -> bytes:
    """The head of a request, with what is added to show its credential."""
    endpoint, path = Endpoint.parse(candidate.base_url), outgoing.path
    headers = request_headers(outgoing, credential)
    seen = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    try:
        added = show(Signable(method, endpoint.authority, endpoint.base_path + path, seen, outgoing.body))
        if added.query:
            path += ("&" if "?" in path else "?") + added.query
        opened = open_head(endpoint, method, path, under(headers, added.headers))
    except KeyError as error:
        raise _wrong(candidate, credential, f"it has no {error.args[0]}; say it among its parts") from None
    except UnicodeError:
        raise _wrong(candidate, credential, "a part of it has characters that cannot be sent") from None
    except ValueError as error:
        raise _wrong(candidate, credential, str(error)) from None
    return close_head(opened, len(outgoing.body)) if framing is None else opened + framing


def _wrong(candidate: Candidate, credential: Credential, message: str) -> CredentialError:
    where = f"the credential of the upstream {candidate.upstream!r} (credentials.{credential.index}) cannot be used"
    return CredentialError(
        Fault("upstream_error", f"{where}: {message}", whose="gateway", status=502, code="upstream_credential")
    )
