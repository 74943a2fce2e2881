"""Statements for SQLite, written by `python -m twoapi.store.queries`."""

HEAD = "0002"  # the migration that these statements are for
PUT_STATE = """
INSERT INTO state (name, data, expires) VALUES (:name, :data, :expires) ON CONFLICT (name) DO UPDATE SET data =
excluded.data, expires = excluded.expires
"""
GET_STATE = """
SELECT state.data, state.expires FROM state WHERE state.name = :name AND state.expires > :now
"""
PUT_TURN = """
INSERT INTO turns (tenant, id, previous, body, created, expires) VALUES (:tenant, :id, :previous, :body,
:created, :expires) ON CONFLICT (tenant, id) DO UPDATE SET previous = excluded.previous, body = excluded.body,
created = excluded.created, expires = excluded.expires
"""
GET_CHAIN = """
WITH RECURSIVE chain(id, previous) AS (SELECT turns.id AS id, turns.previous AS previous FROM turns WHERE
turns.tenant = :tenant AND turns.id = :id AND turns.expires > :now UNION SELECT turns.id AS id, turns.previous
AS previous FROM turns JOIN chain ON turns.id = chain.previous WHERE turns.tenant = :tenant AND turns.expires >
:now) SELECT turns.id, turns.previous, turns.body, turns.created, turns.expires FROM turns JOIN chain ON
turns.id = chain.id WHERE turns.tenant = :tenant
"""
TOUCH_CHAIN = """
WITH RECURSIVE chain(id, previous) AS (SELECT turns.id AS id, turns.previous AS previous FROM turns WHERE
turns.tenant = :tenant AND turns.id = :id AND turns.expires < :floor UNION SELECT turns.id AS id, turns.previous
AS previous FROM turns JOIN chain ON turns.id = chain.previous WHERE turns.tenant = :tenant AND turns.expires <
:floor) UPDATE turns SET expires=:until WHERE turns.tenant = :tenant AND turns.id IN (SELECT chain.id FROM
chain)
"""
DELETE_TURN = """
DELETE FROM turns WHERE turns.tenant = :tenant AND turns.id = :id
"""
PUT_HELD = """
INSERT INTO held (tenant, id, upstream, account, kind, body, created) VALUES (:tenant, :id, :upstream, :account,
:kind, :body, :created) ON CONFLICT (tenant, id, upstream) DO UPDATE SET account = excluded.account, kind =
excluded.kind, body = excluded.body, created = excluded.created
"""
GET_HELD = """
SELECT held.tenant, held.id, held.upstream, held.account, held.kind, held.body, held.created FROM held WHERE
held.tenant = :tenant AND held.id = :id
"""
LIST_HELD = """
SELECT held.tenant, held.id, held.upstream, held.account, held.kind, held.body, held.created FROM held WHERE
held.tenant = :tenant AND held.kind = :kind ORDER BY held.created, held.id, held.upstream
"""
DELETE_HELD = """
DELETE FROM held WHERE held.tenant = :tenant AND held.id = :id AND held.upstream = :upstream
"""
ANY_STATE = """
SELECT EXISTS (SELECT state.name FROM state) AS anon_1
"""
GET_SECRETS = """
SELECT secrets.value FROM secrets ORDER BY secrets.number DESC
"""
ADD_SECRETS = """
INSERT INTO secrets (number, value, created) VALUES (:number, :value, :created)
"""
SWEEP_STATE = """
DELETE FROM state WHERE rowid IN (SELECT rowid FROM state WHERE state.expires <= :now LIMIT 500 OFFSET 0)
"""
SWEEP_TURNS = """
DELETE FROM turns WHERE rowid IN (SELECT rowid FROM turns WHERE turns.expires <= :now LIMIT 500 OFFSET 0)
"""
GET_VERSION = """
SELECT version_num FROM alembic_version
"""
