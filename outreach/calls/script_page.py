"""What somebody may do by the link of a script: tell how it went, and be called. A look changes nothing.

Whoever holds the link may be somebody else than who asked for it, so it opens neither a name nor a number, it calls
the number that it was sent to and no other, in that person's hours, a few times a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.calls.asking import ask_call, live_session
from outreach.calls.models import CallSession
from outreach.calls.subject import goes_on, offices_of
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError
from outreach.core.runtime import Runtime
from outreach.escalations.won import what_was_won
from outreach.messaging.follow_ups import ask_no_sooner
from outreach.messaging.models import Reply
from outreach.messaging.page_links import Linked, find_link
from outreach.messaging.reported import standing
from outreach.messaging.tactics import CALLS, tactic_row
from outreach.messaging.told import tell
from outreach.people.consent import is_suppressed, lock_owner
from outreach.people.lookup import known_of
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window
from outreach.people.zones import parse_zones_key

CHANNEL: Final = "page"
MOST_REPORTS: Final = 20
"""So often a person's report may be changed by links: they are not for playing."""
MOST_CALLS: Final = 3
"""So often in a day a person is called by links."""
DAY: Final = timedelta(days=1)

Status = Literal["open", "erased", "stopped", "won", "over", "expired"]
Call = Literal["may", "ringing", "hours", "often", "no"]
"""Whether a person can be called now: they may; their phone rings already; not at this hour; not so often; not here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was followed, and whether it still opens anything. ``zones``: the key of the person's zones."""

    link: Linked
    status: Status
    language: str
    zones: str

    @property
    def tactic(self) -> str:
        """What the campaign asks people to do."""
        return self.link.tactic or CALLS


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presses the button, as a follow-up knows them (``follow_ups.Asker``)."""

    group_id: int
    gate_id: int
    constituent_id: int
    number_hash: bytes
    asked_at: datetime
    zones: str
    tactic: str | None


def open_link(session: Session, runtime: Runtime, token: str) -> Opened | None:
    """Follow a link; None where we never sent it. Changes nothing."""
    link = find_link(session, runtime, token)
    return None if link is None else _opened(session, link, runtime.clock.now())


def _opened(session: Session, link: Linked, now: datetime) -> Opened:
    query = select(
        Constituent.number_hash, Constituent.erased_at, Constituent.number_bad_at, Constituent.language,
        Constituent.zones,
    ).where(Constituent.id == link.constituent_id)  # fmt: skip
    person = session.execute(query).first()
    if person is None or person.erased_at is not None or person.number_hash != link.number_hash:
        return Opened(link, "erased", _either(link.language, "en"), "")
    status: Status = "open"
    if person.number_bad_at is not None or is_suppressed(session, link.number_hash, link.group_id):
        status = "stopped"
    elif not goes_on(session, link.gate_id):
        status = "won" if what_was_won(session, link.gate_id) else "over"
    elif now > link.ends_at():
        status = "expired"
    return Opened(link, status, _either(link.language, person.language), person.zones)


def _either(asked_in: str, setting: str) -> str:
    """Spanish for who asked in it or set it, as the text that brought the link."""
    return "es" if "es" in {asked_in, setting} else "en"


def report(runtime: Runtime, token: str, outcome: str, language: str | None = None) -> Opened | None:
    """Note how it went; the newest report is the one that counts, and the same again changes nothing.

    ``language``: in which the page was read, where that was chosen on it.

    Raises BadInputError for what is no outcome of the tactic, ConflictError when it was changed too often.
    """
    with runtime.db.transaction() as tx:
        opened = _locked(tx, runtime, token)
        if opened is None or opened.status != "open":
            return opened
        link = opened.link
        if outcome not in tactic_row(opened.tactic)["outcomes"]:
            raise BadInputError("outcome_unknown")
        if standing(tx, link.number_hash, link.gate_id) != [outcome]:
            tell(
                tx, group_id=link.group_id, gate_id=link.gate_id, constituent_id=link.constituent_id,
                number_hash=link.number_hash, tactic=opened.tactic, outcome=outcome,
                language=language or opened.language, channel=CHANNEL, key=_key(tx, link), at=runtime.clock.real_now(),
            )  # fmt: skip
        return opened


def _key(tx: Transaction, link: Linked) -> str:
    """Of the person's next report by a link of this campaign. Raises ConflictError."""
    by_page = select(func.count()).where(
        Reply.number_hash == link.number_hash, Reply.gate_id == link.gate_id, Reply.channel == CHANNEL
    )
    told = tx.execute(by_page).scalar_one()
    if told >= MOST_REPORTS:
        raise ConflictError("told_too_often")
    return f"page {link.reply_id}-{told}"


def _locked(tx: Transaction, runtime: Runtime, token: str) -> Opened | None:
    """The link, looked at behind its person's lock: a STOP or an erasure that has committed is seen."""
    link = find_link(tx, runtime, token)
    if link is None:
        return None
    lock_owner(tx, link.number_hash)
    return _opened(tx, link, runtime.clock.now())


def can_call(session: Session, runtime: Runtime, opened: Opened) -> Call:
    """Whether the person can be called now."""
    link, now = opened.link, runtime.clock.now()
    if opened.status != "open" or opened.tactic != CALLS or not runtime.settings.twilio_from_number:
        return "no"
    if live_session(session, link.number_hash):
        return "ringing"
    if not offices_of(session, link.gate_id):
        return "no"
    if not window(parse_zones_key(opened.zones), now).open:
        return "hours"
    by_page = select(func.count()).where(
        CallSession.number_hash == link.number_hash, CallSession.source == CHANNEL, CallSession.asked_at > now - DAY
    )
    return "often" if session.execute(by_page).scalar_one() >= MOST_CALLS else "may"


def call_me(runtime: Runtime, token: str, language: str | None = None) -> Opened | None:
    """Have the person called, as their text CALL would; where that cannot be now, nothing is done (``can_call``)."""
    with runtime.db.transaction() as tx:
        opened = _locked(tx, runtime, token)
        if opened is None or can_call(tx, runtime, opened) != "may":
            return opened
        link, now = opened.link, runtime.clock.now()
        known = known_of(tx, runtime.vault, link.constituent_id)
        if not known.get("phone"):
            return opened
        session = ask_call(
            tx, runtime, group_id=link.group_id, gate_id=link.gate_id, constituent_id=link.constituent_id,
            number_hash=link.number_hash, to=known["phone"], known=known,
            language=language or opened.language, source=CHANNEL, asked_at=now,
        )  # fmt: skip
        if session is not None:
            who = (link.group_id, link.gate_id, link.constituent_id, link.number_hash)
            ask_no_sooner(tx, Caller(*who, asked_at=now, zones=opened.zones, tactic=link.tactic))
        return opened
