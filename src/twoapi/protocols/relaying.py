"""Whether an upstream gets its client's own bytes, and if not, why: the one place that decides it."""

from typing import Literal

from twoapi.protocols.base import Codec, Peek
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.turns import TURNS, goes_on, in_thread
from twoapi.wire.http import Incoming

# "protocol": the upstream speaks another one. "refused": it refuses the state in the request. "sealed": the request
# brings back what only the gateway can open. "thread": it is of a thread, and the upstream keeps none. "turn": it
# goes on from a turn, or what only the gateway knows by its id. "declared": the upstream's answers mislead clients of
# its protocol, and are put right. What "files" means: the request has some by URL, which this upstream does not
# fetch, and the gateway does.
Reason = Literal["protocol", "refused", "sealed", "thread", "turn", "declared", "files"]


def why_converted(  # noqa: PLR0913  what is spoken on both sides, what is asked, and what is known of it
    codec: Codec,
    protocol: str,
    capabilities: Capabilities,
    incoming: Incoming,
    peek: Peek,
    *,
    is_refused: bool = False,
    knows_turns: bool = True,
) -> Reason | None:
    """Why a client's request must be converted for an upstream of this protocol; None when its bytes are relayed.

    `is_refused`: the upstream has refused the state in it. `knows_turns` False: what it goes on from is not here, or is
    not looked for, and the upstream may know.
    """
    if protocol != codec.name:
        return "protocol"
    if is_refused:
        return "refused"
    if incoming.body.find(codec.seal) >= 0:  # `in` tries bytes as a number first, which costs as much again
        return "sealed"
    if not capabilities.threads and in_thread(codec.name, peek):
        return "thread"
    if knows_turns and codec.name in TURNS and goes_on(codec.name, peek):
        return "turn"
    return None if capabilities.relayed else "declared"
