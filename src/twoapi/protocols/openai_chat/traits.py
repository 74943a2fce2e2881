"""What the capabilities of an upstream come to here, worked out once for each of them."""

import msgspec

from twoapi.protocols.base import Restore
from twoapi.protocols.capabilities import Capabilities
from twoapi.protocols.openai_chat import schema_out as out
from twoapi.protocols.openai_chat.mend_answer import USUAL_ANSWER, answer_deviations
from twoapi.protocols.openai_chat.mend_request import USUAL, deviations

_MOST = 1024  # more than any configuration has

_TEXT_ROLES = frozenset({"system", "developer", "user", "assistant"})


class Traits(msgspec.Struct, frozen=True, eq=False):
    """`deviates`, `answer_deviates`: there is something to mend. `said`: what a message that is one text is made as.
    `text_roles`: who may say one that needs no change. `old_limit`: the field of the output limit is `max_tokens`.
    `unchanged`: of a request in which nothing was changed, that came in another protocol, and in this one.
    """

    capabilities: Capabilities
    deviates: bool
    answer_deviates: bool
    said: type[out.Said] | type[out.Message]
    text_roles: frozenset[str]
    cache_marks: bool
    old_limit: bool
    unchanged: tuple[Restore, Restore]


def judge(capabilities: Capabilities) -> Traits:
    """The traits of an upstream that is not in `KNOWN` yet."""
    deviates = deviations(capabilities) != USUAL
    made = Traits(
        capabilities=capabilities,
        deviates=deviates,
        answer_deviates=answer_deviations(capabilities) != USUAL_ANSWER,
        said=out.Message if deviates else out.Said,
        text_roles=_TEXT_ROLES if capabilities.developer_role else _TEXT_ROLES - {"developer"},
        cache_marks=capabilities.cache_marks,
        old_limit=capabilities.max_tokens_field == "max_tokens",
        unchanged=(Restore(capabilities=capabilities, verbatim=False), Restore(capabilities=capabilities)),
    )
    if len(KNOWN) >= _MOST:
        KNOWN.clear()
    KNOWN[id(capabilities)] = made
    return made


# By the identity of the capabilities, of which a configuration has few objects. An entry keeps its own alive, so that
# no other object can have that identity. Requests look here before they have capabilities judged.
KNOWN: dict[int, Traits] = {}
