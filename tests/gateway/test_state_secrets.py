"""The secret that state is sealed with: waited for, replaced when the store comes back, and agreed on."""

import asyncio
import sqlite3
from collections.abc import Callable

from twoapi.gateway.state import State
from twoapi.ir import Opaque, Origin
from twoapi.protocols.envelopes import Envelopes
from twoapi.store.memory import MemoryStore
from twoapi.store.sqlite import SqliteStore

STATE = (Opaque("signature", "c2ln", Origin("up")),)


def opened(state: State, carrier: str) -> bool:
    return Envelopes(state.keys, "t").open(carrier) == STATE


async def until(condition: Callable[[], bool]) -> None:
    """Looks again whenever the loop comes round, for twenty seconds."""
    loop = asyncio.get_running_loop()
    met = loop.create_future()

    def look() -> None:
        if condition():
            met.set_result(None)
        else:
            loop.call_later(0.01, look)

    look()
    await asyncio.wait_for(met, 20)


def test_workers_with_one_store_seal_alike(tmp_path) -> None:
    async def run() -> tuple[str, str]:
        states = [State(SqliteStore(str(tmp_path / "t.db"))) for _ in range(2)]
        carriers = []
        for state in states:
            state.open(asyncio.get_running_loop())
            await state.load()
            carriers.append(Envelopes(state.keys, "t").seal(STATE, "up"))
            state.close()
        return carriers[0], carriers[1]

    one, two = asyncio.run(run())
    assert one == two


def test_a_secret_of_the_configuration_is_shared_without_a_store() -> None:
    async def run() -> list[str]:
        carriers = []
        for _ in range(2):
            state = State(MemoryStore(), b"the secret of the configuration")
            state.open(asyncio.get_running_loop())
            await state.load()
            carriers.append(Envelopes(state.keys, "t").seal(STATE, "up"))
        return carriers

    one, two = asyncio.run(run())
    assert one == two


def test_a_store_that_comes_back_gives_its_secret_and_what_was_sealed_meanwhile_still_opens(tmp_path) -> None:
    path = tmp_path / "t.db"

    async def run() -> None:
        loop = asyncio.get_running_loop()
        before = State(SqliteStore(str(path)))
        before.open(loop)
        await before.load()
        sealed_before = Envelopes(before.keys, "t").seal(STATE, "up")
        before.close()
        locker = sqlite3.connect(path, isolation_level=None)
        locker.execute("BEGIN IMMEDIATE")
        state = State(SqliteStore(str(path), patience=0.01))
        state.open(loop)
        await state.load()
        assert not opened(state, sealed_before)
        meanwhile = Envelopes(state.keys, "t").seal(STATE, "up")
        locker.execute("ROLLBACK")
        locker.close()
        await until(lambda: opened(state, sealed_before))
        assert opened(state, meanwhile)
        assert Envelopes(state.keys, "t").seal(STATE, "up") == sealed_before
        state.close()

    asyncio.run(run())
