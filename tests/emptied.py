"""One PostgreSQL database for many tests: emptied between them, since making one anew costs more than most tests.

What a test can leave behind is rows, sequences, connections and changes of the schema. Rows are deleted and sequences
set back; connections are ended; a changed schema, or one grown by many rows, is dropped and copied from the template.
"""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

GROWN = 16 * 1024 * 1024  # bytes above the template's: dead rows make scans slow, and deleting many is slow itself

_END_OTHERS: LiteralString = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SHAPE: LiteralString = """
    SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
        SELECT concat_ws(' ', relname, relkind, attname, atttypid, atttypmod, attnotnull, attisdropped,
                         pg_get_expr(adbin, adrelid)) AS line
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND attnum > 0
        UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
                  WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT concat_ws(' ', setdatabase::text, setconfig::text) FROM pg_db_role_setting
    ) AS shape
"""
_SIZE: LiteralString = """
    SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""
_REVISION: LiteralString = "SELECT version_num FROM alembic_version"
_EMPTY: LiteralString = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('DELETE FROM public.%I', name);
        END LOOP;
        PERFORM setval(format('public.%I', sequencename)::regclass, start_value, false)
            FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
    END $$
"""


class Emptied:
    """A migrated database that is empty again each time it is asked for. ``server`` may not be that database."""

    def __init__(self, server: str, template: str, name: str) -> None:
        self._server = server
        self._template = template
        self._name = name
        self._shape: object = None  # the template's
        self._largest = 0
        self._revision: object = None
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None  # kept: its catalogue is read once

    def ready(self) -> None:
        """Make it, or empty it if it can be."""
        if self._connection is None or not self._swept(self._connection):
            self.close()
            self._connection = self._copied()

    def close(self) -> None:
        """End the connection that is kept."""
        if self._connection is not None:
            self._connection.close()

    def _copied(self) -> psycopg.Connection[tuple[object, ...]]:
        name, template = sql.Identifier(self._name), sql.Identifier(self._template)
        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
        connection = psycopg.connect(self._server, dbname=self._name, autocommit=True)
        self._shape = _one(connection, _SHAPE)
        self._largest = int(str(_one(connection, _SIZE))) + GROWN
        self._revision = _one(connection, _REVISION)
        connection.execute("SET session_replication_role = replica")  # neither foreign keys nor append-only guards
        return connection

    def _swept(self, connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        try:
            connection.execute(_END_OTHERS)
            if _one(connection, _SHAPE) != self._shape or int(str(_one(connection, _SIZE))) > self._largest:
                return False
            connection.execute(_EMPTY)
            connection.execute("INSERT INTO alembic_version VALUES (%s)", (self._revision,))
        except psycopg.OperationalError:  # a test dropped the database, and this connection with it
            return False
        return True


def _one(connection: psycopg.Connection[tuple[object, ...]], query: LiteralString) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
