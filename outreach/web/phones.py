"""Simulated phones beside the dashboard, in a rehearsal only: read a thread, type a reply, see the system answer.

The carrier's process is asked over HTTP, as everything else about it is.
"""

from __future__ import annotations

import re
from typing import Any

import requests
from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_babel import format_decimal, gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from outreach.core.phone import as_people_write
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Message
from outreach.messaging.page_links import PATH
from outreach.people.models import Constituent
from outreach.serving import runtime
from outreach.web.campaign_words import to_the_second
from outreach.web.people_reads import name_of, opened
from outreach.web.roles import allow

pages = Blueprint("phones", __name__, url_prefix="/phones")

NUMBER = re.compile(r"\+1[2-9][0-9]{2}555[0-9]{4}", re.ASCII)
SHOWN, MOST = 12, 48
"""Phones on their page: at first, and when somebody asks for more."""
BESIDE = 6
"""Phones in the column beside a campaign's tally."""
LOOKED_THROUGH = 60
"""Phones among which a campaign's are looked for: those where something happened last."""
LONGEST_REPLY = 1_600
SECONDS = 5
SECONDS_BESIDE = 1
"""What the tally may wait for its column."""
SEEN_PHONES = "seen_phones"
"""In the session once its person has looked at phones with something on them."""
STATUS = {
    "queued": lazy_gettext("queued"),
    "accepted": lazy_gettext("queued"),
    "sending": lazy_gettext("on its way"),
    "sent": lazy_gettext("on its way"),
    "delivered": lazy_gettext("delivered"),
    "undelivered": lazy_gettext("not delivered"),
    "failed": lazy_gettext("refused by the carrier"),
}
"""A text's status at the carrier, in words."""
CALL_STATUS = {
    "queued": lazy_gettext("it is about to ring"),
    "initiated": lazy_gettext("it is about to ring"),
    "ringing": lazy_gettext("it rings"),
    "in-progress": lazy_gettext("on the line"),
}
"""A call's, at its phone."""
KEYS = "123456789*0#"
ACTS = ("call", "answer", "press", "hangup")
SAID = 2
"""So many of the last sentences of a call are shown."""


def ask(method: str, path: str, seconds: float = SECONDS, **options: Any) -> requests.Response | None:
    """The carrier's control API; None when it does not answer."""
    url = f"{runtime().settings.twilio_base_url}/_rehearsal/{path}"
    try:
        with requests.Session() as http:
            http.trust_env = False  # it is on this machine: no proxy has a part in it
            return http.request(method, url, timeout=seconds, **options)
    except requests.RequestException:
        return None


def latest_phones(most: int, seconds: float = SECONDS_BESIDE) -> list[dict[str, Any]] | None:
    """The phones where something happened last; None when the carrier is away."""
    answer = ask("GET", "phones", seconds, params={"limit": most})
    return None if answer is None or not answer.ok else _in_words(answer.json()["phones"])


def phones_of(campaign_id: int, most: int) -> list[dict[str, Any]] | None:
    """The same, of a campaign's people only: what others said to an earlier one tells nothing about this."""
    answer = ask("GET", "phones", SECONDS_BESIDE, params={"limit": LOOKED_THROUGH})
    if answer is None or not answer.ok:
        return None
    phones = answer.json()["phones"]
    vault = runtime().vault
    hashes = {vault.number_hash(phone["number"]): phone for phone in phones}
    with runtime().db.snapshot() as reading:
        theirs = set(
            reading.execute(
                select(Message.number_hash)
                .join(Wave, Wave.gate_id == Message.gate_id)
                .where(Wave.campaign_id == campaign_id, Wave.group_id == current_user.group_id)
                .where(Message.number_hash.in_(hashes), Message.posted_at.is_not(None))
            ).scalars()
        )
    return _in_words([phone for hashed, phone in hashes.items() if hashed in theirs][:most])


def _phone(number: str) -> dict[str, Any]:
    if not NUMBER.fullmatch(number):
        abort(404)
    answer = ask("GET", f"phones/{number}")
    if answer is None:
        abort(503)
    if not answer.ok:
        abort(404)
    return _in_words([answer.json()])[0]


def _in_words(phones: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Who holds each phone, where the group knows; the number as people write it; each text's time on the group's
    clock, in domain time, and its status in words.
    """
    names = _names([phone["number"] for phone in phones])
    for phone in phones:
        phone["written"] = as_people_write(phone["number"])
        phone["name"] = names.get(phone["number"], "")
        for text in phone["thread"]:
            text["time"] = to_the_second(runtime().clock.at(text["at"]))
            text["words"] = STATUS.get(text["status"], text["status"])
            text["before"], text["link"] = _with_link(text["body"]) if text["side"] == "ours" else (text["body"], "")
        if phone.get("call"):
            call = phone["call"]
            call["words"] = CALL_STATUS.get(call["state"], call["state"])
            call["said"] = call["said"][-SAID:]
    return phones


def _with_link(body: str) -> tuple[str, str]:
    """A text of ours in two: what stands before the address of a script's page, and that address, if it has one."""
    base = f"{runtime().settings.public_base_url}{PATH}"
    before, found, token = body.partition(base)
    return (before, base + token) if found and token.isalnum() else (body, "")


def _names(numbers: list[str]) -> dict[str, str]:
    """Number -> name, of the group's people."""
    vault = runtime().vault
    by_hash = {vault.number_hash(number): number for number in numbers}
    with runtime().db.snapshot() as reading:
        rows = reading.execute(
            select(Constituent.number_hash, Constituent.sealed).where(
                Constituent.group_id == current_user.group_id, Constituent.number_hash.in_(by_hash)
            )
        ).all()
    return {by_hash[row.number_hash]: name_of(opened(vault, row.sealed, "constituent")) for row in rows}


def _campaign() -> int | None:
    """The campaign from whose page the person came, so that they find back."""
    given = request.args.get("campaign", type=int)
    return given if given and 0 < given < 2**63 else None


def _grid() -> dict[str, Any]:
    """The phones where something happened last: a few, or with ``more`` in the address many."""
    wide = "more" in request.args
    most = MOST if wide else SHOWN
    phones = latest_phones(most + 1, SECONDS)  # one more tells whether there are more
    return {"phones": phones and phones[:most], "wide": wide, "more": not wide and len(phones or ()) > most}


@pages.get("/")
@allow("staff")
def grid() -> str:
    """The phones where something happened last."""
    shown = _grid()
    if shown["phones"]:
        session[SEEN_PHONES] = True
    return render_template("phones/grid.html", **shown)


@pages.get("/live")
@allow("staff")
def grid_live() -> str:
    """The same phones, for polling."""
    return render_template("phones/cards.html", **_grid())


@pages.get("/beside/<int:campaign_id>")
@allow("staff")
def beside(campaign_id: int) -> str:
    """The column beside a campaign's tally, for polling."""
    ours = Campaign.id == campaign_id, Campaign.group_id == current_user.group_id
    with runtime().db.snapshot() as reading:
        if reading.execute(select(Campaign.id).where(*ours)).first() is None:
            abort(404)
    return render_template("phones/beside.html", phones=phones_of(campaign_id, BESIDE), campaign_id=campaign_id)


@pages.get("/<number>")
@allow("staff")
def show(number: str) -> str:
    """One phone's thread."""
    phone = _phone(number)
    session[SEEN_PHONES] = True
    return render_template("phones/show.html", phone=phone, campaign_id=_campaign(), most=LONGEST_REPLY, keys=KEYS)


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
        flash(gettext("Type a text of 1 to %(most)s characters.", most=format_decimal(LONGEST_REPLY)), "error")
    else:
        take_in_hand(number)
        answer = ask("POST", f"phones/{number}/reply", json={"body": body})
        if answer is None or not answer.ok:
            flash(gettext("The simulated carrier did not take it."), "error")
    return redirect(url_for("phones.show", number=number, campaign=_campaign()), code=303)


@pages.post("/<number>/<act>")
@allow("organizer")
def act_on_call(number: str, act: str) -> Response:
    """Call us from this phone, pick it up, press keys, or hang up."""
    if not NUMBER.fullmatch(number) or act not in ACTS:
        abort(404)
    take_in_hand(number)
    pressed = request.form.get("digits", "")
    if act == "press" and not (len(pressed) == 1 and pressed in KEYS):
        abort(404)
    answer = ask("POST", f"phones/{number}/{act}", json={"digits": pressed} if act == "press" else {})
    if answer is None or not answer.ok:
        flash(gettext("The call has moved on. Look at the phone again."), "error")
    return redirect(url_for("phones.show", number=number, campaign=_campaign()), code=303)


def take_in_hand(number: str) -> None:
    """Whoever acts for a phone also picks it up when it rings: nobody simulated does that now."""
    ask("PUT", "personas", json={"calls": {"people": {"numbers": {number: "by_hand"}}}})
