"""Everything that is known of one person: the read behind their page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.core.clock import PHOENIX
from outreach.core.crypto import Vault
from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging.models import PARKED, Gate, Message, Reply
from outreach.messaging.slices import CAPPED, COUNTED_BY_CAPS
from outreach.messaging.states import public_state
from outreach.people.caps import WEEK
from outreach.people.consent import WORDS
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership, Suppression
from outreach.people.why_not import Facts, Reason, why_not
from outreach.people.zones import fifty_states, parse_zones_key
from outreach.web.people_reads import name_of, opened, standing_of
from outreach.web.people_words import masked

TEXTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Text:
    """A text to or from the person. ``at``: domain time at which it went or came, or before which it cannot go."""

    at: datetime
    is_ours: bool
    body: str | None  # None: not made yet, or purged
    state: str | None = None
    has_gone: bool = True
    kind: str | None = None  # of ours
    is_parked: bool = False  # it waits for the pace of its campaign
    reply: Any = None  # of theirs: id, intent, outcome, corrected_by, and what its campaign asks people to do


@dataclass(frozen=True, slots=True)
class Said:
    """An entry of the consent ledger. ``wording``: the import's declaration, or the person's own words while kept.

    ``voided_at``: the import that said so was undone.
    """

    kind: str
    source: str
    wording: str | None
    recorded_by: str
    at: datetime
    voided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A person of the group. ``zone``: the one in whose local time the page tells times."""

    id: int
    name: str
    number: str  # masked
    zip: str | None
    city: str
    language: str
    tags: Sequence[str]
    zones: Sequence[ZoneInfo]
    zones_unknown: bool
    zone: ZoneInfo
    lists: Sequence[Any]  # id, name
    reasons: Sequence[Reason]
    consent: Sequence[Said]
    suppressions: Sequence[Any]  # source, for_all, at, lifted_at, lifted_reason
    texts: Sequence[Text]
    more_texts: bool
    now: datetime


def person_page(session: Session, runtime: Runtime, group_id: int, person_id: int) -> PersonPage:
    """A person as of one snapshot: the ledger newest first, texts as on a phone, oldest first.

    Raises NotFoundError for another group's, and for one who was erased.
    """
    row = session.execute(
        select(Constituent).where(
            Constituent.id == person_id, Constituent.group_id == group_id, Constituent.erased_at.is_(None)
        )
    ).scalar()
    if row is None:
        raise NotFoundError("person_unknown")
    document = opened(runtime.vault, row.sealed, "constituent")
    zones, now = parse_zones_key(row.zones), runtime.clock.now()
    unknown = zones == fifty_states()
    texts = texts_of(session, runtime, group_id, row.number_hash)
    return PersonPage(
        id=row.id,
        name=name_of(document),
        number=masked(str(document.get("phone", ""))),
        zip=row.zip,
        city=str(document.get("city") or ""),
        language=row.language,
        tags=[str(tag) for tag in document.get("tags") or ()],
        zones=[ZoneInfo(zone) for zone in zones],
        zones_unknown=unknown,
        zone=PHOENIX if unknown else ZoneInfo(zones[0]),
        lists=_lists(session, group_id, row.id),
        reasons=why_not(_facts(session, group_id, row, zones, now), now),
        consent=_consent(session, runtime.vault, group_id, row.number_hash),
        suppressions=_suppressions(session, group_id, row.number_hash),
        texts=texts[:TEXTS_SHOWN][::-1],
        more_texts=len(texts) > TEXTS_SHOWN,
        now=now,
    )


def _facts(session: Session, group_id: int, row: Constituent, zones: tuple[str, ...], now: datetime) -> Facts:
    """What the sender would look at; the caps count the texts of every group."""
    suppressions, starts = standing_of(session, group_id, [row.number_hash])[row.number_hash]
    sent = session.execute(
        select(Message.posted_at).where(
            Message.number_hash == row.number_hash,
            Message.kind.in_(CAPPED),
            Message.state.in_(COUNTED_BY_CAPS),
            Message.posted_at > now - WEEK,
        )
    ).scalars()
    return Facts(
        suppressions=suppressions,
        starts=starts,
        consented_at=row.consented_at,
        number_bad=row.number_bad_at is not None,
        zones=zones,
        sent_at=[at for at in sent if at is not None],
    )


def texts_of(session: Session, runtime: Runtime, group_id: int, number_hash: bytes) -> list[Text]:
    """This group's texts with the person, both ways, newest first: one more than are shown, where there are more."""
    sent = session.execute(
        select(Message.sealed, Message.state, Message.kind, Message.posted_at, Message.not_before)
        .where(Message.group_id == group_id, Message.number_hash == number_hash)
        .order_by(Message.id.desc())
        .limit(TEXTS_SHOWN + 1)
    )
    heard = session.execute(
        select(
            Reply.sealed,
            Reply.received_at,
            Reply.id,
            Reply.intent,
            Reply.outcome,
            Reply.corrected_by,
            Reply.channel,
            Gate.tactic.label("asks"),
        )
        .outerjoin(Gate, Gate.id == Reply.gate_id)
        .where(Reply.group_id == group_id, Reply.number_hash == number_hash)
        .order_by(Reply.id.desc())
        .limit(TEXTS_SHOWN + 1)
    )
    vault, clock = runtime.vault, runtime.clock
    texts = [
        Text(
            at=row.posted_at or row.not_before,
            is_ours=True,
            body=opened(vault, row.sealed, "message").get("body"),
            state=public_state(row.state),
            has_gone=row.posted_at is not None,
            kind=row.kind,
            is_parked=row.posted_at is None and row.not_before == PARKED,
        )
        for row in sent
    ]
    texts += [
        Text(
            at=clock.at(row.received_at.timestamp()),
            is_ours=False,
            body=opened(vault, row.sealed, "reply").get("body"),
            reply=row,
        )
        for row in heard
    ]
    return sorted(texts, key=lambda text: text.at, reverse=True)


def _lists(session: Session, group_id: int, person_id: int) -> Sequence[Any]:
    return session.execute(
        select(ContactList.id, ContactList.name)
        .join(ListMembership, ListMembership.list_id == ContactList.id)
        .where(ContactList.group_id == group_id, ListMembership.constituent_id == person_id)
        .order_by(ContactList.name)
    ).all()


def _consent(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> list[Said]:
    event = ConsentEvent
    rows = session.execute(
        select(event.kind, event.source, event.wording, event.sealed, event.recorded_by, event.at, event.voided_at)
        .where(event.group_id == group_id, event.number_hash == number_hash)
        .order_by(event.at.desc(), event.id.desc())
    )
    return [
        Said(
            row.kind,
            row.source,
            row.wording or opened(vault, row.sealed, WORDS).get("words"),
            row.recorded_by,
            row.at,
            row.voided_at,
        )
        for row in rows
    ]


def _suppressions(session: Session, group_id: int, number_hash: bytes) -> Sequence[Any]:
    return session.execute(
        select(
            Suppression.source, Suppression.group_id.is_(None).label("for_all"), Suppression.at, Suppression.lifted_at,
            Suppression.lifted_reason,
        )
        .where(
            Suppression.number_hash == number_hash,
            or_(Suppression.group_id.is_(None), Suppression.group_id == group_id),
        )
        .order_by(Suppression.at.desc(), Suppression.id.desc())
    ).all()  # fmt: skip
