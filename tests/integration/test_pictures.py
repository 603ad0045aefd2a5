"""The table of pictures against the site: no page without one, and no picture of a page that is gone."""

from __future__ import annotations

from collections import defaultdict

from outreach.core.runtime import Runtime
from outreach.web.app import create_app
from tests.factories import number
from tests.pictures.pages import EMPTY, PLAYED, SIGNED_OUT

NO_PAGES = {
    "assets.icon", "assets.serve", "campaigns.levers", "campaigns.live", "campaigns.rung", "healthz", "inbox.live",
    "inbox.thread_live", "officials.sample", "people.sample", "poster.qr",
    "account.app", "accounts.ask_code", "confirming.show",
    "promises.calendar", "promises.calendar_of_one", "people.template", "phones.beside", "plans.calendar",
    "phones.grid_live", "phones.thread_live", "readyz",
    "metrics.show", "queues.live", "static", "tree_runs.levers", "tree_runs.live", "counter.number", "tallies.data",
}  # fmt: skip
"""What answers a GET and is a part of a page, a file, or for machines."""
BEHIND = {"account.app", "accounts.ask_code", "confirming.show"}
"""What a password comes before, which nobody has in the story; a browser test opens them."""


def test_every_page_has_a_picture_and_every_picture_a_page(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    ids = defaultdict(lambda: "1", phone=number(1))
    site = app.url_map.bind("127.0.0.1")
    shots = [*EMPTY, *PLAYED, *SIGNED_OUT]
    shown = {site.match(shot.path.format_map(ids).partition("?")[0], method="GET")[0] for shot in shots}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert shown == pages - NO_PAGES - BEHIND
    names = [shot.name for shot in shots]
    assert len(names) == len(set(names))
    assert sum(shot.readme for shot in PLAYED) == 3
