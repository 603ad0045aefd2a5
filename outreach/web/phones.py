"""Simulated phones beside the dashboard, in a rehearsal only: read a thread, type a reply, see the system answer.

The carrier's process is asked over HTTP, as everything else about it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import requests
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from outreach.serving import runtime
from outreach.web.roles import allow

pages = Blueprint("phones", __name__, url_prefix="/phones")

NUMBER = re.compile(r"\+1[2-9][0-9]{2}555[0-9]{4}", re.ASCII)
SHOWN = 24
LONGEST_REPLY = 1_600
SECONDS = 5


def ask(method: str, path: str, **options: Any) -> requests.Response | None:
    """The carrier's control API; None when it does not answer."""
    url = f"{runtime().settings.twilio_base_url}/_rehearsal/{path}"
    try:
        with requests.Session() as session:
            session.trust_env = False  # it is on this machine: no proxy has a part in it
            return session.request(method, url, timeout=SECONDS, **options)
    except requests.RequestException:
        return None


def _phones() -> list[dict[str, Any]] | None:
    answer = ask("GET", "phones", params={"limit": SHOWN})
    return None if answer is None or not answer.ok else [_timed(phone) for phone in answer.json()["phones"]]


def _phone(number: str) -> dict[str, Any]:
    if not NUMBER.fullmatch(number):
        abort(404)
    answer = ask("GET", f"phones/{number}")
    if answer is None:
        abort(503)
    if not answer.ok:
        abort(404)
    return _timed(answer.json())


def _timed(phone: dict[str, Any]) -> dict[str, Any]:
    for text in phone["thread"]:
        text["time"] = datetime.fromtimestamp(text["at"], UTC).strftime("%H:%M:%S")
    return phone


@pages.get("/")
@allow("staff")
def grid() -> str:
    """The phones where something happened last."""
    return render_template("phones/grid.html", phones=_phones())


@pages.get("/live")
@allow("staff")
def grid_live() -> str:
    """The same phones, for polling."""
    return render_template("phones/cards.html", phones=_phones())


@pages.get("/<number>")
@allow("staff")
def show(number: str) -> str:
    """One phone's thread."""
    return render_template("phones/show.html", phone=_phone(number))


@pages.get("/<number>/live")
@allow("staff")
def thread_live(number: str) -> str:
    """The thread alone, for polling."""
    return render_template("phones/thread.html", phone=_phone(number))


@pages.post("/<number>/reply")
@allow("organizer")
def reply(number: str) -> Response:
    """Text as the person who holds this phone."""
    if not NUMBER.fullmatch(number):
        abort(404)
    body = request.form.get("body", "").strip()
    if not body or len(body) > LONGEST_REPLY:
        flash(gettext("Type a text of 1 to 1,600 characters."), "error")
    else:
        answer = ask("POST", f"phones/{number}/reply", json={"body": body})
        if answer is None or not answer.ok:
            flash(gettext("The simulated carrier did not take it."), "error")
    return redirect(url_for("phones.show", number=number), code=303)
