"""A conversation made smaller by its upstream: only one of the client's own protocol can, and its words are relayed."""

from twoapi.gateway.count import Asked, Count
from twoapi.ir import Fault, FaultError
from twoapi.policy.route import Candidate
from twoapi.wire.http import Outgoing


class Relayed(Asked):
    """The way of a question that is relayed, and so is its answer."""

    __slots__ = ()

    def whole(self, body: bytes) -> bytes:
        """The same body."""
        return body


class Compact(Count):
    """One client's question and its answer."""

    def _way(self, candidate: Candidate) -> Asked | None:
        codec = self.codec
        if candidate.protocol != codec.name or codec.seal in self.incoming.body:
            return None
        outgoing = codec.relay_request(self.incoming, self.peek, candidate.model, candidate.capabilities)
        path = outgoing.path + "/compact"
        return Relayed(codec.name, candidate.protocol, Outgoing(path, outgoing.body, outgoing.headers), None)

    def _answer_alone(self, candidate: Candidate) -> None:
        message = f"the upstream {candidate.upstream!r} cannot compact a conversation; send a shorter one"
        raise FaultError(Fault("invalid_request", message, code="compaction_not_supported"))
