"""The ceiling of webhooks: a view that checks the signature and writes one raw row, durably, under the same server.

``BARE_DATABASE`` names a SQLite file, or a PostgreSQL in libpq's words. The row's
columns are as long as a reply's.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psycopg
from flask import Flask, Response, abort, request
from sqlalchemy.engine import make_url
from twilio.request_validator import RequestValidator

from config.settings import Settings
from outreach.bench.ground import Ground
from outreach.stage.commands import web_arguments
from outreach.stage.ports import LOOPBACK, free_port
from outreach.stage.processes import Program
from outreach.stage.readiness import answers_http

FACTORY = "outreach.bench.bare_view:make_app"
TABLE = "CREATE TABLE bare (id {key}, sid text UNIQUE, sealed {bytes}, received_at timestamp)"
INSERT = "INSERT INTO bare (sid, sealed, received_at) VALUES ({0}, {0}, '2026-12-01 17:00:00')"
SEALED = bytes(160)
"""As long as a text's words when they are sealed."""


def place(at: Ground) -> str:
    """Make the table; where it is. On SQLite in a file of its own, on PostgreSQL beside the product's tables."""
    if at.kind == "sqlite":
        path = at.directory / "bare.db"
        with _sqlite(path) as raw:
            raw.execute(TABLE.format(key="integer PRIMARY KEY", bytes="blob"))
        return str(path)
    url = make_url(at.env["DATABASE_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        key = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        connection.execute(TABLE.format(key=key, bytes="bytea").encode())
    return url


def program(at: Ground, where: str) -> Program:
    """The view under the product's server, with as many processes and threads."""
    port = free_port()
    env = {**at.env, "BARE_DATABASE": where, "PORT": str(port), "PUBLIC_BASE_URL": f"http://{LOOPBACK}:{port}"}
    arguments = (*web_arguments(LOOPBACK, str(port), "2")[:-1], "--factory", FACTORY)
    ready = answers_http(f"http://{LOOPBACK}:{port}/healthz")
    return Program("bare-view", (sys.executable, "-m", "granian", *arguments), env, ready)


class Rows:
    """One connection a thread, and one row a commit."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._mine = threading.local()

    def add(self, sid: str) -> None:
        """Write one, on disk when this returns."""
        raw = getattr(self._mine, "connection", None)
        if raw is None:
            raw = self._mine.connection = self._open()
        raw.execute(self._mine.insert, (sid, SEALED))

    def _open(self) -> sqlite3.Connection | psycopg.Connection:
        is_file = self._where.startswith("/")
        self._mine.insert = INSERT.format("?" if is_file else "%s")
        return _sqlite(Path(self._where)) if is_file else psycopg.connect(self._where, autocommit=True)


def _sqlite(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, timeout=15)
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    return raw


def make_app() -> Flask:
    """The view, and what tells that it is up."""
    settings, rows = Settings.from_environment(), Rows(os.environ["BARE_DATABASE"])
    app = Flask(__name__, static_folder=None)
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.post("/twilio/sms")
    def text() -> Response:
        form: Mapping[str, str] = request.form.to_dict()
        url = settings.public_base_url + request.path
        if not validator.validate(url, dict(form), request.headers.get("X-Twilio-Signature", "")):
            abort(403)
        rows.add(form["MessageSid"])
        return Response("<Response/>", mimetype="text/xml")

    return app
