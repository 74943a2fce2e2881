"""Who is left alone for a while: candidates that keep failing, and credentials that are exhausted or refused."""

import msgspec

from twoapi.policy.credentials import Credential
from twoapi.policy.retry import blamed
from twoapi.policy.route import Candidate

_PATIENCE = 3  # failures in a row before a candidate cools down; a credential does at once
_FIRST = 5.0  # seconds; twice as long each further time
_LONGEST = 60.0
_MOST = 4096  # places that are remembered
_CANDIDATE = -1  # in the place of a credential's index


class _Place(msgspec.Struct):
    failures: int = 0  # in a row
    pauses: int = 0  # in a row
    until: float = 0.0  # of the clock that the callers read


class Cooldowns:
    """What one worker has learned of its candidates. It only changes the order in which they are tried: one that cools
    down comes last, and is still asked when all others fail. When its time is over one request tries it.
    `places` is empty while nothing speaks against anybody; then there is nothing to ask.
    """

    __slots__ = ("places",)

    def __init__(self) -> None:
        self.places: dict[tuple[bytes, int], _Place] = {}

    def order(self, candidates: tuple[Candidate, ...], now: float) -> tuple[Candidate, ...]:
        """The same candidates: those that cool down last, among them the soonest ready first."""
        until = [self._ready_at(candidate, now) for candidate in candidates]
        if any(until):
            candidates = tuple(candidates[i] for i in sorted(range(len(candidates)), key=until.__getitem__))
        self._try_again(candidates[0].label, _CANDIDATE, now)
        return candidates

    def turn(self, candidate: Candidate, credentials: tuple[Credential, ...], now: float) -> tuple[Credential, ...]:
        """The same credentials, in that order likewise."""
        order = sorted(credentials, key=lambda one: self._until(candidate.label, one.index, now))
        self._try_again(candidate.label, order[0].index, now)
        return tuple(order)

    def failed(
        self, candidate: Candidate, credential: Credential, kind: str, retry_after: float | None, now: float
    ) -> None:
        """An attempt has failed, with a fault or failure of this kind. `retry_after` in seconds, when that was said."""
        against = blamed(kind)
        if against is None:
            return
        place = self._place(candidate.label, credential.index if against == "credential" else _CANDIDATE)
        place.failures += 1
        if against == "candidate" and place.failures < _PATIENCE and retry_after is None:
            return
        wait = _FIRST * 2.0**place.pauses if retry_after is None else retry_after
        place.until = now + min(wait, _LONGEST)
        place.pauses = min(place.pauses + 1, 8)

    def succeeded(self, candidate: Candidate, credential: Credential) -> None:
        """An attempt went well: nothing speaks against these any more."""
        self.places.pop((candidate.label, _CANDIDATE), None)
        self.places.pop((candidate.label, credential.index), None)

    def forgive(self) -> None:
        """Nothing speaks against anybody: what was wrong may be mended."""
        self.places.clear()

    def _place(self, label: bytes, index: int) -> _Place:
        if len(self.places) >= _MOST:
            self.places.clear()
        return self.places.setdefault((label, index), _Place())

    def _ready_at(self, candidate: Candidate, now: float) -> float:
        """When it may be asked again, and one of its credentials; 0.0 when that is now."""
        own = self._until(candidate.label, _CANDIDATE, now)
        return max(
            own, min((self._until(candidate.label, one.index, now) for one in candidate.credentials), default=0.0)
        )

    def _until(self, label: bytes, index: int, now: float) -> float:
        place = self.places.get((label, index))
        return place.until if place is not None and place.until > now else 0.0

    def _try_again(self, label: bytes, index: int, now: float) -> None:
        """The first to come after a cooldown is sent there; the others wait for what comes of it."""
        place = self.places.get((label, index))
        if place is not None and place.pauses and place.until <= now:
            place.until = now + _FIRST
