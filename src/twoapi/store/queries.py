"""The statements, composed by SQLAlchemy and rendered for an engine.

They run as text in the standard library's driver: SQLAlchemy costs a process 27 MB and 0.2 seconds, and every worker
would pay that. `python -m twoapi.store.queries` writes `sqlite_sql.py` anew; a test says when it is due.
"""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ClauseElement,
    ColumnElement,
    Table,
    bindparam,
    delete,
    exists,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite

from twoapi.store.migrate import head
from twoapi.store.schema import HELD, SECRETS, STATE, TURNS

WRITTEN = Path(__file__).with_name("sqlite_sql.py")
_HEAD = '''"""Statements for SQLite, written by `python -m twoapi.store.queries`."""

'''
_BATCH = 500  # rows that a sweep deletes at once, so that nobody waits for it
_ROWID: ColumnElement[int] = literal_column("rowid")
_VERSION: ColumnElement[str] = literal_column("version_num")


def statements() -> Mapping[str, ClauseElement]:
    """Every statement by its name."""
    return {
        "PUT_STATE": _upsert(STATE, "name"),
        "GET_STATE": select(STATE.c.data, STATE.c.expires).where(STATE.c.name == _given("name"), _lives(STATE)),
        "PUT_TURN": _upsert(TURNS, "tenant", "id"),
        "GET_CHAIN": _chain(),
        "TOUCH_CHAIN": _touch(),
        "DELETE_TURN": delete(TURNS).where(TURNS.c.tenant == _given("tenant"), TURNS.c.id == _given("id")),
        "PUT_HELD": _upsert(HELD, "tenant", "id", "upstream"),
        "GET_HELD": select(*HELD.c).where(HELD.c.tenant == _given("tenant"), HELD.c.id == _given("id")),
        "LIST_HELD": _list_held(),
        "DELETE_HELD": delete(HELD).where(
            HELD.c.tenant == _given("tenant"), HELD.c.id == _given("id"), HELD.c.upstream == _given("upstream")
        ),
        "ANY_STATE": select(exists(select(STATE.c.name))),
        "GET_SECRETS": select(SECRETS.c.value).order_by(SECRETS.c.number.desc()),
        "ADD_SECRETS": insert(SECRETS).values({column.name: _given(column.name) for column in SECRETS.c}),
        "SWEEP_STATE": _sweep(STATE),
        "SWEEP_TURNS": _sweep(TURNS),
        "GET_VERSION": select(_VERSION).select_from(text("alembic_version")),
    }


def _given(name: str) -> BindParameter[Any]:
    return bindparam(name)


def _lives(table: Table) -> ColumnElement[bool]:
    return table.c.expires > _given("now")


def _upsert(table: Table, *key: str) -> ClauseElement:
    put = sqlite.insert(table).values({column.name: _given(column.name) for column in table.c})
    changed = {column.name: put.excluded[column.name] for column in table.c if column.name not in key}
    return put.on_conflict_do_update(index_elements=list(key), set_=changed)


def _before(*which: ColumnElement[bool]) -> CTE:
    """The turn with the given id and those before it, as long as they are of this kind. UNION: ids are upstreams' own,
    so a chain might run in a circle.
    """
    last = select(TURNS.c.id, TURNS.c.previous).where(
        TURNS.c.tenant == _given("tenant"), TURNS.c.id == _given("id"), *which
    )
    chain = last.cte("chain", recursive=True)
    elder = select(TURNS.c.id, TURNS.c.previous).join(chain, TURNS.c.id == chain.c.previous)
    return chain.union(elder.where(TURNS.c.tenant == _given("tenant"), *which))


def _chain() -> ClauseElement:
    """The turn and all before it, in no order. What has expired ends the chain like what is missing."""
    columns = [TURNS.c.id, TURNS.c.previous, TURNS.c.body, TURNS.c.created, TURNS.c.expires]
    chain = _before(_lives(TURNS))
    return select(*columns).join(chain, TURNS.c.id == chain.c.id).where(TURNS.c.tenant == _given("tenant"))


def _touch() -> ClauseElement:
    """What a turn goes on from lives as long as itself. Ends at a turn that has been touched not long ago."""
    chain = _before(TURNS.c.expires < _given("floor"))
    mine = TURNS.c.tenant == _given("tenant")
    return update(TURNS).where(mine, TURNS.c.id.in_(select(chain.c.id))).values(expires=_given("until"))


def _list_held() -> ClauseElement:
    mine = select(*HELD.c).where(HELD.c.tenant == _given("tenant"), HELD.c.kind == _given("kind"))
    return mine.order_by(HELD.c.created, HELD.c.id, HELD.c.upstream)


def _sweep(table: Table) -> ClauseElement:
    old = select(_ROWID).select_from(table).where(table.c.expires <= _given("now"))
    return delete(table).where(_ROWID.in_(old.limit(literal_column(str(_BATCH))).offset(literal_column("0"))))


def rendered() -> str:
    """The text of sqlite_sql.py."""
    dialect = sqlite.dialect(paramstyle="named")
    parts = [_HEAD + f'HEAD = "{head()}"  # the migration that these statements are for\n']
    for name, statement in statements().items():
        sql = " ".join(str(statement.compile(dialect=dialect)).split())
        lines = textwrap.wrap(sql, 112, break_long_words=False, break_on_hyphens=False)
        parts.append(f'{name} = """\n' + "\n".join(lines) + '\n"""\n')
    return "".join(parts)


if __name__ == "__main__":
    WRITTEN.write_text(rendered(), "utf-8")
