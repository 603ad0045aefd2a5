"""The Flask app: wiring only. Every view is denied unless it is on the list of public ones or asks for a login."""

from __future__ import annotations

from contextlib import suppress

from flask import Flask, Response, jsonify, request
from flask_login import current_user
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from config.settings import Settings
from outreach import migrations
from outreach.core.queue import connect
from outreach.core.runtime import Runtime, open_runtime
from outreach.web import accounts, campaigns, security
from outreach.webhooks import webhooks

PUBLIC = frozenset({
    "static", "healthz", "readyz", "accounts.sign_in", "accounts.enter", "accounts.spend",
    "webhooks.inbound_text", "webhooks.status_report",
})  # fmt: skip
"""Endpoints without a login. The webhooks are guarded by Twilio's signature."""


def create_app(settings: Settings, runtime: Runtime | None = None) -> Flask:
    """The app of one process. Connections are opened on first use, after the server has forked."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_base_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.extensions["outreach"] = runtime or open_runtime(settings)
    security.protect(app, exempt=webhooks)
    accounts.set_up_login(app)
    app.register_blueprint(webhooks)
    app.register_blueprint(accounts.pages)
    app.register_blueprint(campaigns.pages)
    _health(app)
    _deny_by_default(app)
    app.register_error_handler(HTTPException, security.plain_error)
    return app


def _deny_by_default(app: Flask) -> None:
    @app.before_request
    def require_login() -> Response | None:
        if request.endpoint in PUBLIC or request.endpoint is None or current_user.is_authenticated:
            return None
        return accounts.ask_to_sign_in()


def _health(app: Flask) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        """The process answers."""
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        """Database, schema and Redis answer; says which one does not."""
        runtime: Runtime = app.extensions["outreach"]
        found = {"database": False, "migrations": False, "redis": False}
        with suppress(DBAPIError):
            with runtime.db.snapshot() as session:
                session.execute(text("SELECT 1"))
            found["database"] = True
            found["migrations"] = migrations.is_current(runtime.db)
        with suppress(RedisError):
            found["redis"] = bool(connect(runtime.settings.redis_url).ping())
        ready = all(found.values())
        return jsonify(status="ok" if ready else "not ready", **found), 200 if ready else 503
