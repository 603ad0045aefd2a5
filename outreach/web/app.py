"""The Flask app: wiring only. Every view declares who may call it (``roles``); what declares nothing is refused."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from flask_wtf.csrf import CSRFError
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from config.settings import Settings
from outreach import migrations
from outreach.access import note_requests
from outreach.accounts.passwords import Passwords
from outreach.core.latencies import LATENCIES
from outreach.core.proof import NONCE, proof
from outreach.core.queue import connect
from outreach.core.room import CROWD
from outreach.core.runtime import Runtime, open_runtime
from outreach.serving import DatabaseId
from outreach.web import (
    account,
    accounts,
    administration,
    after_meeting,
    agenda,
    approvals,
    assets,
    audit,
    board,
    campaign_calls,
    campaign_waves,
    campaigns,
    captain_page,
    checklists,
    colleagues,
    confirming,
    counter,
    counter_switch,
    districts,
    glossary,
    groups,
    home,
    i18n,
    inbox,
    inbox_acts,
    inbox_settings,
    invited,
    kept,
    levers,
    limits,
    manuals,
    meetings,
    members,
    metrics,
    offices,
    officials,
    optouts,
    partners,
    passages,
    people_import,
    phones,
    plans,
    poster,
    pressure,
    privacy,
    promises,
    queues,
    records,
    review,
    rungs,
    safety,
    script_page,
    sections,
    security,
    segments,
    sign_up,
    signed_in,
    silence,
    stances,
    stand_downs,
    tallies,
    tree_people,
    tree_runs,
    tree_start,
    trees,
    wizard,
    wizard_launch,
    wizard_tactic,
)
from outreach.web.campaign_words import day_and_time
from outreach.web.received import SealingRequest
from outreach.web.roles import PUBLIC, allow, guard
from outreach.webhooks import webhook_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create_app(settings: Settings, runtime: Runtime | None = None, passwords: Passwords | None = None) -> Flask:
    """The app of one process. Connections are opened on first use, after the server has forked.

    ``passwords``: for tests, which need not do an attacker's work; else as much work as ``Passwords`` does of itself.
    """
    app = Flask(__name__)
    app.request_class = SealingRequest
    app.url_map.converters["int"] = DatabaseId
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        MAX_CONTENT_LENGTH=1024 * 1024,
        **security.cookie_settings(settings),
    )
    app.extensions["outreach"] = runtime or open_runtime(settings)
    app.jinja_env.globals.update(
        asset_url=assets.asset_url,
        navigation=sections.navigation,
        rehearsal=settings.mode == "rehearsal",
        rehearsal_clock=lambda: day_and_time(settings.clock.now()),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    note_requests(app, "page", LATENCIES)
    i18n.set_up_languages(app)
    glossary.set_up_glossary(app)
    security.protect(app, settings)
    signed_in.set_up_login(app, passwords)
    for blueprint in (
        assets.pages,
        accounts.pages,
        invited.pages,
        account.pages,
        confirming.pages,
        home.pages,
        administration.pages,
        safety.pages,
        approvals.pages,
        queues.pages,
        metrics.pages,
        colleagues.pages,
        groups.pages,
        audit.pages,
        campaigns.pages,
        inbox.pages,
        inbox_acts.pages,
        inbox_settings.pages,
        review.pages,
        wizard.pages,
        wizard_launch.pages,
        wizard_tactic.pages,
        rungs.pages,
        levers.pages,
        stand_downs.pages,
        campaign_waves.pages,
        campaign_calls.pages,
        silence.pages,
        officials.pages,
        offices.pages,
        meetings.pages,
        stances.pages,
        board.pages,
        manuals.pages,
        passages.pages,
        glossary.pages,
        members.pages,
        plans.pages,
        checklists.pages,
        agenda.pages,
        records.pages,
        partners.pages,
        after_meeting.pages,
        promises.pages,
        people_import.pages,
        optouts.pages,
        poster.pages,
        sign_up.pages,
        script_page.pages,
        captain_page.pages,
        privacy.pages,
        segments.pages,
        districts.pages,
        trees.pages,
        tree_people.pages,
        tree_start.pages,
        tree_runs.pages,
        tallies.pages,
        pressure.pages,
        counter.pages,
        counter_switch.pages,
    ):
        app.register_blueprint(blueprint)
    for linked in (script_page.pages, captain_page.pages):
        app.extensions["csrf"].exempt(linked)  # their forms carry a token of their link, not of a session
    if settings.mode == "rehearsal":
        app.register_blueprint(phones.pages)
    _health(app)
    allow(PUBLIC)(app.view_functions["static"])
    guard(app, kept.ask_to_sign_in, account.settle, confirming.ask_to_confirm)
    app.before_request(kept.ask_whose)
    limits.set_up_limits(app)
    app.register_error_handler(CSRFError, kept.answer_stale)
    app.register_error_handler(RequestEntityTooLarge, kept.answer_too_large)
    app.register_error_handler(HTTPException, security.plain_error)
    served = _beside(webhook_app(app.extensions["outreach"]).wsgi_app, app.wsgi_app)
    app.wsgi_app = _as_published(served, urlsplit(settings.public_base_url).scheme)  # type: ignore[assignment,method-assign]
    return app


def _beside(webhooks: WSGIApplication, pages: WSGIApplication) -> WSGIApplication:
    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith("/twilio/"):
            return pages(environ, start_response)
        with CROWD.answering():
            return webhooks(environ, start_response)

    return serve


def _as_published(serve: WSGIApplication, scheme: str) -> WSGIApplication:
    """Addresses that we write have the public scheme, whatever a proxy before us speaks to us, or says that it does."""

    def published(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.url_scheme"] = scheme
        return serve(environ, start_response)

    return published


def _health(app: Flask) -> None:
    @app.get("/healthz")
    @allow(PUBLIC)
    def healthz() -> Response:
        """The process answers; with a ``nonce`` it also shows that it is of this deployment."""
        nonce = request.args.get("nonce", "")
        if not NONCE.fullmatch(nonce):
            return jsonify(status="ok")
        held: Runtime = app.extensions["outreach"]
        return jsonify(status="ok", proof=proof(held.settings.secret_key.get_secret_value(), nonce))

    @app.get("/readyz")
    @allow(PUBLIC)
    def readyz() -> tuple[Response, int]:
        """Database, schema and Redis answer; says which one does not."""
        runtime: Runtime = app.extensions["outreach"]
        found = {"database": False, "migrations": False, "redis": False}
        with suppress(DBAPIError):
            with runtime.db.snapshot() as session:
                session.execute(text("SELECT 1"))
            found["database"] = True
            found["migrations"] = migrations.standing(runtime.db).is_usable  # a newer one is: releases overlap
        with suppress(RedisError):
            found["redis"] = bool(connect(runtime.settings.redis_url).ping())
        ready = all(found.values())
        return jsonify(status="ok" if ready else "not ready", **found), 200 if ready else 503
