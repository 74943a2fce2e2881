"""What to do when an attempt fails: a table by the kind of the failure, never by its words."""

from typing import Literal

import msgspec

from twoapi.ir import Fault

Step = Literal["same", "credential", "candidate", "stop"]

# What can help, best first; "stop" is what remains. "same": this candidate again, "credential": another credential
# of it, "candidate": the next candidate. What is not here is the client's own mistake or wish: it stops.
# The upper part are kinds of faults; the lower part kinds of failures of a connection.
_REMEDIES: dict[str, tuple[Step, ...]] = {
    "unauthenticated": ("credential", "candidate"),
    "forbidden": ("credential", "candidate"),
    "quota_exhausted": ("credential", "candidate"),
    "rate_limited": ("credential", "candidate"),
    "overloaded": ("candidate", "same"),
    "upstream_error": ("same", "candidate"),
    "timeout": ("candidate",),  # the upstream may be at work on it: not twice at the same one
    "refused": ("candidate", "same"),
    "dns": ("candidate", "same"),
    "tls": ("candidate",),
    "closed": ("same", "candidate"),
    "protocol": ("candidate",),
    # Nothing was sent: the candidate's protocol cannot carry the request, or its connection settings are wrong.
    "cannot_carry": ("candidate",),
    # Nothing was sent either: the credential cannot be presented.
    "no_credential": ("credential", "candidate"),
}

_UNSENT = frozenset({"cannot_carry", "no_credential"})  # of these the request is to blame, or the settings
_CREDENTIAL_KINDS = frozenset({"unauthenticated", "forbidden", "quota_exhausted"})
_FIRST_PAUSE = 0.25  # seconds
_LONGEST_PAUSE = 4.0


def next_step(kind: str, attempt: int, retries: int, *, credentials_left: int, candidates_left: int) -> Step:
    """What to do after the failed attempt number `attempt` (from 1) at a candidate, of a fault's or failure's kind."""
    available: dict[Step, bool] = {
        "same": attempt <= retries,
        "credential": credentials_left > 0,
        "candidate": candidates_left > 0,
    }
    for step in _REMEDIES.get(kind, ()):
        if available[step]:
            return step
    return "stop"


def blamed(kind: str) -> Literal["credential", "candidate"] | None:
    """What an attempt that failed so speaks against: what is replaced first. None: against the request alone."""
    steps = _REMEDIES.get(kind, ())
    if not steps or kind in _UNSENT:
        return None
    return "credential" if steps[0] == "credential" else "candidate"


def pause(attempt: int, retry_after: float | None = None) -> float | None:
    """Seconds to wait before the same candidate is tried again after attempt number `attempt`; None: longer than is
    worth waiting for, so go on or stop.
    """
    if retry_after is None:
        return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1))
    return retry_after if retry_after <= _LONGEST_PAUSE else None


def answer_to_client(fault: Fault, upstream: str = "", credential: int | None = None) -> Fault:
    """The fault as the client may see it: that the gateway's own credential was refused is the gateway's affair.

    The upstream's words are left out then, as vendors repeat part of the credential in them.
    """
    if fault.kind not in _CREDENTIAL_KINDS:
        return fault
    which = "" if credential is None else f" (credentials.{credential})"
    where = f"the upstream {upstream!r}" if upstream else "the upstream"
    message = f"{where} {_REFUSALS[fault.kind]} the gateway's credential{which}; its operator must mend this"
    return msgspec.structs.replace(
        fault,
        kind="upstream_error",
        message=message,
        whose="upstream",
        status=502,
        code="upstream_credential",
        param=None,
        protocol=None,  # the words are ours now, the code too: every client's protocol may show it
        raw=None,
    )


_REFUSALS = {
    "unauthenticated": "does not accept",
    "forbidden": "denies this to",
    "quota_exhausted": "has no quota left for",
}
