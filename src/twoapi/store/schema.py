"""The tables, once for every engine. Imported where SQL is made, not where it runs."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

METADATA = MetaData()

STATE = Table(
    "state",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("state_expires", "expires"),
)

TURNS = Table(
    "turns",
    METADATA,
    Column("tenant", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("previous", String(200)),
    Column("body", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index("turns_expires", "expires"),
)

HELD = Table(
    "held",
    METADATA,
    Column("tenant", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("upstream", String(200), primary_key=True),
    Column("account", String(200)),
    Column("kind", String(20), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("held_created", "tenant", "kind", "created"),
)

SECRETS = Table(
    "secrets",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("value", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)
