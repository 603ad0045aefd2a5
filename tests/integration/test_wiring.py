"""Lists that must agree: routes and their guard, queues and workers, jobs and the allow-list, migrations and models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

from outreach.core.db import Job
from outreach.core.queue import FILES, QUEUES
from outreach.core.runtime import Runtime
from outreach.messaging.models import Message
from outreach.migrations import is_current, metadata, upgrade
from outreach.stage.processes import Processes, Program
from outreach.web.app import create_app
from outreach.web.roles import PUBLIC, declared_role
from outreach.web.sections import SECTIONS
from outreach.webhooks import webhook_app
from tests.factories import make_world, plan_messages
from workers.run import ALLOWED

ROOT = Path(__file__).parents[2]

ROUTES = {
    "/",
    "/account/",
    "/account/app",
    "/account/confirm",
    "/account/password",
    "/account/recovery-codes",
    "/account/sessions/<int:sign_in_id>/end",
    "/account/sessions/end-others",
    "/administration/",
    "/administration/audit/",
    "/administration/audit/file",
    "/administration/safety/",
    "/administration/safety/approval/<int:request_id>/approve",
    "/administration/safety/approval/<int:request_id>/decline",
    "/administration/safety/approval/<int:request_id>/withdraw",
    "/administration/safety/approval/off",
    "/administration/safety/approval/on",
    "/administration/safety/caps",
    "/administration/safety/resume",
    "/administration/safety/sign-up",
    "/administration/queues/",
    "/administration/queues/alarms/<int:alarm_id>/close",
    "/administration/queues/live",
    "/administration/groups/",
    "/administration/groups/<int:group_id>/invite",
    "/administration/people/",
    "/administration/people/<int:user_id>",
    "/administration/people/<int:user_id>/deactivate",
    "/administration/people/<int:user_id>/reset",
    "/administration/people/<int:user_id>/role",
    "/administration/people/invitations/<int:invitation_id>/revoke",
    "/administration/people/invite",
    "/invitation/<token>",
    "/sign-in/code",
    "/assets/<release>/<name>",
    "/campaigns/",
    "/campaigns/<int:campaign_id>",
    "/campaigns/<int:campaign_id>/again/",
    "/campaigns/<int:campaign_id>/again/cost",
    "/campaigns/<int:campaign_id>/again/launch",
    "/campaigns/<int:campaign_id>/again/preview",
    "/campaigns/<int:campaign_id>/approval/",
    "/campaigns/<int:campaign_id>/approval/<int:request_id>/approve",
    "/campaigns/<int:campaign_id>/approval/<int:request_id>/decline",
    "/campaigns/<int:campaign_id>/approval/<int:request_id>/withdraw",
    "/campaigns/<int:campaign_id>/calls",
    "/campaigns/<int:campaign_id>/cancel",
    "/campaigns/<int:campaign_id>/counter",
    "/campaigns/<int:campaign_id>/draft/",
    "/campaigns/<int:campaign_id>/draft/about",
    "/campaigns/<int:campaign_id>/draft/audience",
    "/campaigns/<int:campaign_id>/draft/audience/count",
    "/campaigns/<int:campaign_id>/draft/launch",
    "/campaigns/<int:campaign_id>/draft/review",
    "/campaigns/<int:campaign_id>/draft/schedule",
    "/campaigns/<int:campaign_id>/draft/tactic/",
    "/campaigns/<int:campaign_id>/draft/tactic/facts",
    "/campaigns/<int:campaign_id>/draft/tactic/words/<int:number>",
    "/campaigns/<int:campaign_id>/draft/test",
    "/campaigns/<int:campaign_id>/draft/test-call",
    "/campaigns/<int:campaign_id>/draft/text",
    "/campaigns/<int:campaign_id>/draft/text/preview",
    "/campaigns/<int:campaign_id>/levers",
    "/campaigns/<int:campaign_id>/live",
    "/campaigns/<int:campaign_id>/next",
    "/campaigns/<int:campaign_id>/pause",
    "/campaigns/<int:campaign_id>/people",
    "/campaigns/<int:campaign_id>/people/export",
    "/campaigns/<int:campaign_id>/resume",
    "/campaigns/<int:campaign_id>/rung",
    "/campaigns/<int:campaign_id>/unschedule",
    "/count/<token>",
    "/count/<token>.json",
    "/enter/<token>",
    "/favicon.ico",
    "/glossary/",
    "/healthz",
    "/inbox/",
    "/inbox/<int:conversation_id>",
    "/inbox/<int:conversation_id>/answer",
    "/inbox/<int:conversation_id>/claim",
    "/inbox/<int:conversation_id>/done",
    "/inbox/<int:conversation_id>/hand-over",
    "/inbox/<int:conversation_id>/live",
    "/inbox/<int:conversation_id>/opt-out",
    "/inbox/<int:conversation_id>/release",
    "/inbox/<int:conversation_id>/tag",
    "/inbox/<int:conversation_id>/untag",
    "/inbox/find",
    "/inbox/live",
    "/inbox/settings/",
    "/inbox/settings/ready/<int:canned_id>",
    "/inbox/settings/ready/<int:canned_id>/delete",
    "/inbox/settings/ready/new",
    "/inbox/texts/<int:reply_id>/meaning",
    "/join/<slug>",
    "/join/<slug>/sent",
    "/language/<code>",
    "/leave",
    "/manuals/",
    "/manuals/<int:document_id>",
    "/manuals/<int:document_id>/comparison",
    "/manuals/<int:document_id>/edit",
    "/manuals/<int:document_id>/paste",
    "/manuals/marks/<int:mark_id>/remove",
    "/manuals/new",
    "/manuals/passages/<int:passage_id>",
    "/manuals/passages/<int:passage_id>/mark",
    "/manuals/passages/<int:passage_id>/note",
    "/manuals/passages/<int:passage_id>/remove",
    "/metrics",
    "/meetings/<int:meeting_id>",
    "/meetings/<int:meeting_id>/draft",
    "/meetings/<int:meeting_id>/items",
    "/meetings/items/<int:item_id>",
    "/meetings/items/<int:item_id>/remove",
    "/meetings/items/<int:item_id>/tick",
    "/meetings/<int:meeting_id>/news",
    "/meetings/<int:meeting_id>/report",
    "/meetings/new/<int:official_id>",
    "/meetings/partners/",
    "/meetings/partners/<int:partner_id>",
    "/meetings/partners/new",
    "/meetings/plans/",
    "/meetings/plans/<int:plan_id>",
    "/meetings/plans/<int:plan_id>/agenda",
    "/meetings/plans/<int:plan_id>/briefing",
    "/meetings/plans/<int:plan_id>/calendar.ics",
    "/meetings/plans/<int:plan_id>/call-off",
    "/meetings/plans/<int:plan_id>/edit",
    "/meetings/plans/<int:plan_id>/items",
    "/meetings/plans/<int:plan_id>/reopen",
    "/meetings/plans/<int:plan_id>/tries",
    "/meetings/plans/new/<int:official_id>",
    "/meetings/records/",
    "/meetings/records/<int:request_id>",
    "/meetings/records/new/<int:official_id>",
    "/stand-downs/<int:stand_down_id>",
    "/stand-downs/<int:stand_down_id>/undo",
    "/officials/<int:official_id>/stand-down",
    "/campaigns/<int:campaign_id>/stand-down",
    "/officials/",
    "/officials/<int:official_id>",
    "/officials/<int:official_id>/hostility",
    "/officials/<int:official_id>/offices/new",
    "/officials/<int:official_id>/stances/new",
    "/officials/board",
    "/officials/<int:official_id>/pressure",
    "/officials/import",
    "/officials/import/sample.csv",
    "/officials/new",
    "/officials/offices/<int:office_id>",
    "/officials/offices/<int:office_id>/remove",
    "/officials/stances/<int:stance_id>",
    "/officials/state-office",
    "/people/",
    "/people/<int:person_id>",
    "/people/<int:person_id>/data",
    "/people/<int:person_id>/erase",
    "/people/export",
    "/people/districts/",
    "/people/districts/<int:district_id>",
    "/people/districts/<int:district_id>/delete",
    "/people/districts/new",
    "/people/find",
    "/people/import",
    "/people/import/<int:upload_id>",
    "/people/import/<int:upload_id>/cancel",
    "/people/import/<int:upload_id>/columns",
    "/people/import/<int:upload_id>/confirm",
    "/people/import/<int:upload_id>/undo",
    "/people/import/sample.csv",
    "/people/import/template.csv",
    "/people/lists/",
    "/people/lists/<int:list_id>/members",
    "/people/opt-outs",
    "/people/sign-up",
    "/people/sign-up/poster/<language>",
    "/people/sign-up/qr.svg",
    "/people/segments/",
    "/people/segments/<int:segment_id>",
    "/people/segments/<int:segment_id>/delete",
    "/people/segments/count",
    "/people/segments/new",
    "/phones/",
    "/phones/<number>",
    "/phones/<number>/live",
    "/phones/<number>/reply",
    "/phones/<number>/<act>",
    "/phones/beside/<int:campaign_id>",
    "/phones/live",
    "/promises/",
    "/promises/<int:promise_id>",
    "/promises/<int:promise_id>/calendar.ics",
    "/promises/<int:promise_id>/change",
    "/promises/<int:promise_id>/draft",
    "/promises/<int:promise_id>/undo",
    "/promises/calendar.ics",
    "/promises/export",
    "/promises/new/<int:meeting_id>",
    "/readyz",
    "/s/<link>",
    "/s/<link>/call",
    "/t/<link>",
    "/t/<link>/call",
    "/sign-in",
    "/static/<path:filename>",
    "/review/",
    "/review/<int:message_id>",
    "/tallies/",
    "/tallies/data.json",
    "/tallies/file",
    "/trees/",
    "/trees/<int:tree_id>",
    "/trees/<int:tree_id>/add",
    "/trees/<int:tree_id>/delete",
    "/trees/<int:tree_id>/start",
    "/trees/new",
    "/trees/people/<int:node_id>",
    "/trees/people/<int:node_id>/add",
    "/trees/people/<int:node_id>/backup",
    "/trees/people/<int:node_id>/move",
    "/trees/people/<int:node_id>/remove",
    "/trees/runs/<int:run_id>",
    "/trees/runs/<int:run_id>/export",
    "/trees/runs/<int:run_id>/levers",
    "/trees/runs/<int:run_id>/live",
    "/trees/runs/<int:run_id>/pause",
    "/trees/runs/<int:run_id>/resume",
    "/trees/runs/<int:run_id>/stop",
    "/trees/runs/<int:run_id>/table",
}  # fmt: skip


def test_no_route_has_appeared_or_disappeared_unnoticed(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    assert {rule.rule for rule in app.url_map.iter_rules()} == ROUTES


def test_webhooks_stand_beside_the_pages_without_what_pages_need(runtime: Runtime) -> None:
    hooks = webhook_app(runtime)
    assert {rule.rule for rule in hooks.url_map.iter_rules()} == {
        "/twilio/probe",
        "/twilio/sms",
        "/twilio/status/<int:attempt_id>",
        "/twilio/voice",
        "/twilio/voice/<int:session_id>/<int:step>",
        "/twilio/voice/<int:session_id>/status",
        "/twilio/voice/<int:session_id>/leg/<int:step>",
    }
    client = create_app(runtime.settings, runtime).test_client()
    for path, status in (
        ("/twilio/sms", 403),
        ("/twilio/probe", 403),
        ("/twilio/status/1", 403),
        ("/twilio/status/x", 404),
    ):
        answer = client.post(path, data={"a": "1"})
        assert (answer.status_code, "Set-Cookie" in answer.headers) == (status, False), path


def test_every_view_declares_who_may_call_it(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    assert [name for name in app.view_functions if declared_role(app, name) is None] == []
    public = {name for name in app.view_functions if declared_role(app, name) == PUBLIC}
    assert public == {
        "static", "assets.icon", "assets.serve", "language.choose", "healthz", "readyz", "accounts.sign_in",
        "accounts.give_password", "accounts.ask_code", "accounts.give_code", "invited.show", "invited.accept",
        "accounts.enter", "accounts.spend", "sign_up.ask", "sign_up.sent", "sign_up.show",
        "script_page.call", "script_page.report", "script_page.show", "captain_page.call", "captain_page.show",
        "counter.number", "counter.show", "metrics.show",
    }  # fmt: skip


def test_every_route_that_is_not_public_asks_for_a_login(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    guarded = 0
    for rule in app.url_map.iter_rules():
        if declared_role(app, rule.endpoint) == PUBLIC:
            continue
        path = re.sub(r"<[^>]+>", "1", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert client.open(path, method=method).status_code == 401, (method, path)
            guarded += 1
    assert guarded >= 3


def test_forms_without_a_token_are_refused(runtime: Runtime) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    assert client.post("/enter/anything").status_code == 400


def test_every_response_carries_the_strict_policy(runtime: Runtime) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    for path in ("/", "/sign-in", "/nowhere", "/healthz"):
        headers = client.get(path).headers
        assert "unsafe" not in headers["Content-Security-Policy"], path
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_browsers_that_ask_for_an_icon_get_one(runtime: Runtime) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    named = re.findall(r'<link rel="icon"[^>]* href="([^"]+)"', client.get("/sign-in").text)
    for path in (*named, "/favicon.ico"):
        with client.get(path) as answer:
            assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml"), path
    assert len(named) == 1


def test_every_section_page_marks_its_section(runtime: Runtime) -> None:
    """Each blueprint that asks for a login belongs to one entry of the bar, or pages leave readers without a place."""
    app = create_app(runtime.settings, runtime)
    placed = [name for section in SECTIONS for name in section.blueprints]
    assert sorted(placed) == sorted(set(placed))
    guarded = {name.partition(".")[0] for name in app.view_functions if declared_role(app, name) != PUBLIC}
    assert guarded - set(placed) == {"accounts", "account", "confirming"}  # signing out, and what is one's own
    assert {section.endpoint for section in SECTIONS} <= set(app.view_functions)


@pytest.mark.parametrize("host", ["x" * 5000, "a" * 64 + ".example", "a b", "%00", "http://evil", "a..b", "[::g]"])
def test_a_host_that_is_none_is_refused_before_any_page_is_drawn(runtime: Runtime, host: str) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    for method, path in (("GET", "/"), ("GET", "/campaigns/1"), ("POST", "/twilio/sms"), ("GET", "/nowhere")):
        assert client.open(path, method=method, headers={"Host": host}).status_code == 400, (host, path)
    assert client.get("/sign-in", headers={"Host": "[::1]:8000"}).status_code == 200


def test_ready_says_what_is_missing(runtime: Runtime) -> None:
    answer = create_app(runtime.settings, runtime).test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()) == (
        200, {"status": "ok", "database": True, "migrations": True, "redis": True},
    )  # fmt: skip


def test_every_job_that_the_code_asks_for_is_allowed_and_has_a_queue_with_a_worker() -> None:
    asked = set()
    for path in [*(ROOT / "outreach").rglob("*.py"), *(ROOT / "workers").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'"(workers\.\w+\.\w+)"', source))
        for queue in re.findall(r'Job\("(\w+)"', source):
            assert queue in (*QUEUES, *FILES), path
    assert asked == set(ALLOWED)


def test_migrations_build_the_models(runtime: Runtime) -> None:
    with runtime.db.connection() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata()) == []
    assert is_current(runtime.db)
    upgrade(runtime.db)
    assert is_current(runtime.db)


def test_a_real_worker_runs_allowed_jobs_and_refuses_others(
    runtime: Runtime, stage: Processes, settings_env: dict[str, str]
) -> None:
    import sys

    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    redis = Redis.from_url(runtime.settings.redis_url)
    redis.flushall()
    sent = ROOT / "injected"
    queue = Queue("messaging", connection=redis, serializer=JSONSerializer)
    queue.enqueue_call("os.system", args=(f"touch {sent}",))
    runtime.db.send(Job("messaging", "workers.messaging.send_batch", (world.gate_id,)))
    stage.start(Program("lone-worker", (sys.executable, "-m", "workers.run", "--burst"), settings_env))
    stage.wait("lone-worker", 60)
    log = stage.log("lone-worker").read_text()
    stage.stop("lone-worker")
    assert not sent.exists()
    assert "job_refused" in log
    with runtime.db.snapshot() as session:
        waiting = session.execute(
            select(func.count()).select_from(Message).where(Message.state == "planned")
        ).scalar_one()
    # No carrier listens at the test's address: both were tried, found unreachable, and will be planned again.
    assert waiting == 0
