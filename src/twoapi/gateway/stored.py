"""Kept answers, asked for by their id."""

import asyncio

from msgspec import Raw

from twoapi.gateway.state import State
from twoapi.ir import Fault, FaultError
from twoapi.protocols.turns import KeptTurn, input_items, kept_turn, output_items
from twoapi.store.port import StoreError

_UNREADABLE = Fault("overloaded", "the store cannot be read; send the request again", whose="gateway")


async def kept_answer(state: State, protocol: str, tenant: str, turn: str) -> bytes:
    """The whole answer as its client got it; raises FaultError when there is none."""
    return bytes((await _turns(state, protocol, tenant, turn))[-1].answer)


async def kept_input(state: State, protocol: str, tenant: str, turn: str) -> list[Raw]:
    """All that was said up to this answer, the turns before it included; raises FaultError when there is none."""
    *before, last = await _turns(state, protocol, tenant, turn)
    said = [item for kept in before for item in (*input_items(kept), *output_items(kept))]
    return [*said, *input_items(last)]


async def forget_answer(state: State, protocol: str, tenant: str, turn: str) -> None:
    """Deletes an answer; nobody can go on from it, or from what followed it. Raises FaultError when there is none."""
    await _turns(state, protocol, tenant, turn)
    try:
        await asyncio.wrap_future(state.store.forget(tenant, turn), loop=state.loop)
    except StoreError:
        raise FaultError(_UNREADABLE) from None


async def _turns(state: State, protocol: str, tenant: str, turn: str) -> list[KeptTurn]:
    try:
        chain = await state.chain(tenant, turn)
    except StoreError:
        raise FaultError(_UNREADABLE) from None
    kept = [one for row in chain or () if (one := kept_turn(protocol, row.body)) is not None]
    if not kept:
        raise FaultError(Fault("not_found", f"there is no answer {turn!r}: not kept, expired, or deleted"))
    return kept
