"""Some thousand mutants of genuine webhooks through the real app; fifty thousand over HTTP: ``scripts/oracle.py``."""

from __future__ import annotations

import io
import random
import sys
from itertools import islice
from urllib.parse import unquote_to_bytes

import pytest
from werkzeug.test import run_wsgi_app

from outreach.core.runtime import Runtime
from outreach.web.app import create_app
from tests.oracles.webhook_mutants import KINDS, Kind
from tests.oracles.webhook_parents import Parent, Sent, parents
from tests.oracles.webhook_wire import Heard
from tests.oracles.webhooks import Ask, Found, figures, rows_differ, site_of, try_parent

PARENTS = 29
"""One text of each kind, and as many reports."""
MOST = 16


def in_process(runtime: Runtime) -> Ask:
    """Requests as the server hands them to the app: a header that comes twice is joined, and the path decoded."""
    app = create_app(runtime.settings, runtime)

    def ask(sent: Sent) -> Heard:
        path, _, query = sent.target.partition("?")
        environ: dict[str, object] = {
            "REQUEST_METHOD": sent.method, "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8999", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "",
            "CONTENT_LENGTH": str(len(sent.body)), "wsgi.input": io.BytesIO(sent.body), "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }  # fmt: skip
        for name, value in sent.headers:
            key = name.upper().replace("-", "_")
            key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        body, status, _ = run_wsgi_app(app, environ, buffered=True)
        return Heard(int(status[:3]), b"".join(body))

    return ask


def test_of_thousands_of_mutants_none_is_taken_and_every_parent_is(runtime: Runtime) -> None:
    found, ask, dice = Found(), in_process(runtime), random.Random(6)
    for parent in islice(parents(site_of(runtime), dice), PARENTS):
        try_parent(ask, parent, dice, found, KINDS, MOST)
    figures_ = figures(found, rows_differ(runtime, found.parents))
    assert figures_["wrong"] == []
    assert figures_["ok"]
    assert figures_["mutants"] > 3_000
    assert set(figures_["statuses"]) <= {"302", "400", "403", "404", "405"}
    assert (found.parents_accepted, found.controls_accepted) == (PARENTS, found.controls)


@pytest.mark.parametrize("kind", KINDS)
def test_a_gate_that_takes_everything_is_found_out(runtime: Runtime, kind: str) -> None:
    """The corpus could say nothing: here it speaks of a gate that is open."""
    found = Found()
    chosen: dict[str, Kind] = {kind: KINDS[kind]}
    parent: Parent = next(parents(site_of(runtime), random.Random(1)))
    try_parent(lambda _: Heard(200), parent, random.Random(1), found, chosen, MOST)
    assert figures(found, rows_differ(runtime, found.parents))["ok"] is False
    assert found.accepted >= MOST - 2
