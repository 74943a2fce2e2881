"""Brings a database to the schema of this release.

`python -m twoapi.store.migrate URL` does it in a process of its own, whose memory the gateway then does not keep.
"""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection

_SCRIPTS = Path(__file__).with_name("migrations")
_PATIENCE = 30  # seconds to wait for another process that migrates


def head() -> str:
    """The newest migration."""
    found = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert found is not None  # noqa: S101  there is one
    return found


def migrate(url: str) -> None:
    """Applies what is missing, in one transaction; several processes may do it at once."""
    engine = create_engine(url, connect_args={"timeout": _PATIENCE})
    event.listen(engine, "connect", _begin_by_hand)
    event.listen(engine, "begin", _begin_immediate)
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _begin_by_hand(connection: DBAPIConnection, _: object) -> None:
    # The driver would commit before each change of the schema.
    connection.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


if __name__ == "__main__":
    migrate(sys.argv[1])
