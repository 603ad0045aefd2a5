"""The page that script and captain links open once the official has committed: what was won, and thanks."""

from __future__ import annotations

from flask import render_template
from flask_babel import force_locale

from outreach.escalations.won import what_was_won
from outreach.serving import runtime


def won_page(gate_id: int, language: str) -> str | None:
    """The page; None where that was undone in this moment."""
    with runtime().db.snapshot() as session:
        won = what_was_won(session, gate_id)
    if won is None:
        return None
    with force_locale(language):
        return render_template("script_page/won.html", won=won["es" if language == "es" else "en"])
