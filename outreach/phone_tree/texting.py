"""The texts of a run: to captains and backups, written here, and to members, as their campaign's texts.

Whoever is texted first as what, their recipient row decides: UNIQUE(wave, number_hash). A second text to somebody in
the same run, a nudge, the link of their page or the ask of a backup who had theirs as a member, has no recipient and
goes by the gate of follow-ups; the run's gate decides whether it may.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from config import table
from outreach.core.db import Job, Transaction
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.escalations.models import Recipient
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, follow_up_gate
from outreach.messaging.models import Gate, GateText, Message
from outreach.messaging.render import fill
from outreach.messaging.slices import AGAIN, CAPTAIN
from outreach.messaging.tactics import CALLS
from outreach.people.consent import has_consent_clause, is_suppressed_clause
from outreach.people.models import Constituent
from outreach.people.quiet_hours import Window, window_anywhere
from outreach.people.zones import parse_zones_key
from outreach.phone_tree.models import TreeRun

log = structlog.get_logger(__name__)

CAMPAIGN: Final = "campaign"
ASKS: Final = ("ask", "backup")
"""Words that are somebody's one text of a run."""


def people_of(tx: Transaction, constituent_ids: Sequence[int], now: datetime) -> dict[int, Any]:
    """The people of these ids who have agreed and have a number that works; ``suppressed`` says who opted out."""
    rows = tx.execute(
        select(
            Constituent.id, Constituent.group_id, Constituent.number_hash, Constituent.language, Constituent.zones,
            Constituent.sealed,
            is_suppressed_clause(Constituent.number_hash, Constituent.group_id).label("suppressed"),
        ).where(
            Constituent.id.in_(constituent_ids), has_consent_clause(now), Constituent.number_bad_at.is_(None),
            Constituent.erased_at.is_(None),
        )
    )  # fmt: skip
    return {row.id: row for row in rows}


def text_members(tx: Transaction, runtime: Runtime, run: TreeRun, constituent_ids: Sequence[int]) -> dict[int, int]:
    """Plan the campaign's text to those who had none in this run; constituent -> message."""
    now = runtime.clock.now()
    people = people_of(tx, constituent_ids, now)
    recipients = _admit(tx, run, list(people.values()))
    messages = {}
    for constituent_id, recipient_id in recipients.items():
        person = people[constituent_id]
        hours = hours_of(person.zones, now)
        state = "suppressed" if person.suppressed else "planned" if hours.open else "held"
        messages[constituent_id] = Message(
            group_id=run.group_id, gate_id=run.gate_id, recipient_id=recipient_id, constituent_id=constituent_id,
            number_hash=person.number_hash, kind=CAMPAIGN, state=state, language=person.language,
            not_before=hours.opens_at if state == "held" and hours.opens_at else now,
        )  # fmt: skip
    tx.add_all(messages.values())
    tx.flush()
    _count(tx, runtime, run.gate_id, messages.values())
    return {constituent_id: message.id for constituent_id, message in messages.items()}


def ask(
    tx: Transaction, runtime: Runtime, run: TreeRun, constituent_id: int, words: str, people: int, **values: str
) -> tuple[int | None, int | None]:
    """Plan a text to a captain or backup: the message, and the one that is their own in this run, if it is this.

    ``words``: ask, nudge, backup or page of ``config/phone_tree.toml``. (None, None): they cannot be texted.
    """
    now = runtime.clock.now()
    person = people_of(tx, [constituent_id], now).get(constituent_id)
    if person is None or person.suppressed:
        return None, None
    try:
        document = {
            "to": runtime.vault.open(person.sealed, "constituent")["phone"],
            "body": say(tx, run.gate_id, words, person.language, people, **values),
        }
    except (OutreachError, KeyError) as error:  # one person's bad row must not hold up the tree
        log.error("captain_not_rendered", run_id=run.id, error=getattr(error, "code", type(error).__name__))
        return None, None
    recipient_id = _admit(tx, run, [person]).get(constituent_id) if words in ASKS else None
    gate_id = run.gate_id if recipient_id else follow_up_gate(tx, run.group_id, runtime.clock)
    message = Message(
        group_id=run.group_id, gate_id=gate_id, about_gate_id=None if recipient_id else run.gate_id,
        recipient_id=recipient_id, constituent_id=constituent_id, number_hash=person.number_hash,
        kind=CAPTAIN if recipient_id else AGAIN, state="planned", language=person.language,
        sealed=runtime.vault.seal(document, "message"), not_before=now,
    )  # fmt: skip
    tx.add(message)
    tx.flush()
    _count(tx, runtime, gate_id, [message])
    return message.id, message.id if recipient_id else None


def say(tx: Transaction, gate_id: int, words: str, language: str, people: int, **values: str) -> str:
    """The words of ``config/phone_tree.toml`` with what the run's gate says to everybody."""
    found = tx.execute(
        select(GateText.values, Gate.tactic)
        .join(Gate, Gate.id == GateText.gate_id)
        .where(GateText.gate_id == gate_id, GateText.language == language, GateText.variant == "a")
    ).one()
    said = {**found.values, "count": counted(people, language), **values}
    return fill(wording(words, found.tactic)[language], said)


def wording(words: str, tactic: str | None) -> Mapping[str, str]:
    """The words by language: those that name CALL are others where nobody is called. Pure."""
    rows: dict[str, Any] = table("phone_tree")
    own: Mapping[str, str] = rows[words]
    return own if tactic in (None, CALLS) else rows["others"].get(words, own)


def counted(people: int, language: str) -> str:
    """So many people, in words."""
    words: Mapping[str, str] = table("phone_tree")["people"]["one" if people == 1 else "many"]
    return fill(words[language], {"number": str(people)})


def hours_of(zones_key: str, now: datetime) -> Window:
    """The window of somebody in these stored zones."""
    return window_anywhere(parse_zones_key(zones_key), now)


def _admit(tx: Transaction, run: TreeRun, people: Sequence[Any]) -> dict[int, int]:
    """Make recipients of those who are none in this run; constituent -> recipient of who was made one."""
    if not people:
        return {}
    dialect: Any = sqlite if tx.is_sqlite else postgresql
    rows = [
        {"group_id": run.group_id, "wave_id": run.wave_id, "constituent_id": one.id, "number_hash": one.number_hash}
        for one in people
    ]
    made = tx.execute(
        dialect.insert(Recipient).values(rows)
        .on_conflict_do_nothing(index_elements=["wave_id", "number_hash"])
        .returning(Recipient.constituent_id, Recipient.id)
    )  # fmt: skip
    return {row.constituent_id: row.id for row in made}


def _count(tx: Transaction, runtime: Runtime, gate_id: int, messages: Any) -> None:
    states = Counter(message.state for message in messages)
    at = runtime.clock.real_now()
    append(tx, [delta(gate_id, None, state, count, at) for state, count in states.items()])
    if states["planned"]:
        tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))
