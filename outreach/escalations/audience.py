"""Who is in a campaign's audience, who is not, and why: one clause for planning, one count for the organizer.

Whoever opted out stays a recipient when their consent stands (planning stores them as ``suppressed``), but gets no
text: the count of people who will be texted leaves them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from outreach.core.crypto import Vault
from outreach.escalations.models import Recipient
from outreach.escalations.segments import freeze
from outreach.escalations.segments_sql import clause
from outreach.messaging import states
from outreach.messaging.models import Message, Reply
from outreach.messaging.slices import CAPPED, COUNTED_BY_CAPS
from outreach.people.caps import PER_WEEK, WEEK, day_of
from outreach.people.consent import has_consent_clause, is_suppressed_clause
from outreach.people.models import Constituent, ListMembership
from outreach.people.quiet_hours import window
from outreach.people.segments import Expression
from outreach.people.zones import fifty_states, parse_zones_key

REASONS: Final = ("opted_out", "no_consent", "consent_old", "number_bad")
"""Why somebody in the lists is not texted, in the order in which they are looked for: each person has one reason."""
IN: Final = "in"
REACHED: Final = states.REACHED
"""A text that may have been read; whoever had none is not reminded of it."""
UNWELCOME: Final = ("opt_out", "possible_opt_out", "wrong_number", "decline", "deny")


class Cohort(NamedTuple):
    """People who will be texted in one language, with the same zones (a stored key), and so the same hours.

    ``rested_at``: when the caps let them have another text, for those who had theirs lately; None: now.
    """

    zones: str
    language: str
    people: int
    rested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """The people of some lists and segments, each counted once."""

    cohorts: tuple[Cohort, ...]
    out: Mapping[str, int]

    @property
    def people(self) -> int:
        """How many will get the text."""
        return sum(cohort.people for cohort in self.cohorts)

    @property
    def listed(self) -> int:
        """How many the lists and segments hold."""
        return self.people + sum(self.out.values())

    def by_language(self) -> dict[str, int]:
        """People per language."""
        counts: dict[str, int] = {}
        for cohort in self.cohorts:
            counts[cohort.language] = counts.get(cohort.language, 0) + cohort.people
        return counts

    def resting(self) -> int:
        """How many of those who will be texted have had their text today, or this week's three, and have to wait."""
        return sum(one.people for one in self.cohorts if one.rested_at is not None)

    def outside_hours(self, now: datetime) -> int:
        """How many of those who will be texted have to wait for their morning at ``now`` (domain time)."""
        rested = [one for one in self.cohorts if one.rested_at is None]
        return sum(one.people for one in rested if not window(parse_zones_key(one.zones), now).open)


def in_lists(group_id: int, list_ids: Sequence[int], trees: Sequence[Expression] = ()) -> ColumnElement[bool]:
    """A constituent of the group who is in one of the lists, or in one of these frozen segments."""
    member = exists().where(ListMembership.constituent_id == Constituent.id, ListMembership.list_id.in_(list_ids))
    ways = [member] if list_ids or not trees else []
    there = and_(Constituent.group_id == group_id, Constituent.erased_at.is_(None))
    return and_(there, or_(*ways, *(clause(tree, group_id) for tree in trees)))


def in_audience(
    group_id: int, list_ids: Sequence[int], now: datetime, trees: Sequence[Expression] = ()
) -> ColumnElement[bool]:
    """The same, with valid consent and a number that works. The suppressed count as recipients."""
    return and_(in_lists(group_id, list_ids, trees), has_consent_clause(now), Constituent.number_bad_at.is_(None))


def in_wave(group_id: int, audience: Mapping[str, Any], now: datetime) -> ColumnElement[bool]:
    """The clause of a wave's frozen audience: its lists and segments, or whom earlier waves reached, by their reply."""
    if "lists" in audience:
        return in_audience(group_id, audience["lists"], now, audience.get("trees", ()))
    # By wave and number there is an index; by the person alone this would ask everybody of everybody.
    member = exists().where(
        Recipient.wave_id.in_(audience["waves"]),
        Recipient.number_hash == Constituent.number_hash,
        Recipient.constituent_id == Constituent.id,
    )
    return and_(member, may_join(group_id, audience, now))


def may_join(group_id: int, audience: Mapping[str, Any], now: datetime) -> ColumnElement[bool]:
    """Of a wave's lists, segments or earlier waves, who may become its recipient: valid consent, a number that works.

    Of earlier waves also only whom a text has reached, and of those the ``silent``, who have sent no word at all, or
    those who have ``replied`` anything but that they want no more.
    """
    # The sum keeps the database from walking the whole group by its index for each chunk of it.
    ours = Constituent.group_id + 0 == group_id
    standing = and_(ours, has_consent_clause(now), Constituent.number_bad_at.is_(None))
    if "lists" in audience:
        return standing
    reached = exists().where(
        Message.number_hash == Constituent.number_hash,
        Message.gate_id.in_(audience["gates"]),
        Message.state.in_(REACHED),
    )
    said = and_(Reply.number_hash == Constituent.number_hash, Reply.gate_id.in_(audience["gates"]))
    if audience["who"] == "silent":
        return and_(standing, reached, ~exists().where(said))
    return and_(standing, reached, exists().where(said, Reply.intent.not_in(UNWELCOME)))


def count_audience(
    session: Session, group_id: int, list_ids: Sequence[int], now: datetime, trees: Sequence[Expression] = ()
) -> Audience:
    """Count everybody in the lists and frozen segments at a domain time, by what becomes of them."""
    return _count(session, in_lists(group_id, list_ids, trees), now)


def count_draft(session: Session, group_id: int, audience: Mapping[str, Any], now: datetime) -> Audience:
    """The same for a draft's audience, as it would be frozen now."""
    chosen = freeze(session, group_id, audience)
    return count_audience(session, group_id, chosen.get("lists", ()), now, chosen.get("trees", ()))


def count_wave(session: Session, group_id: int, audience: Mapping[str, Any], now: datetime) -> Audience:
    """Count the people of a wave's audience at a domain time; of those who are out, only who has opted out is in it."""
    return _count(session, in_wave(group_id, audience, now), now)


def count_segment(session: Session, group_id: int, tree: Expression, now: datetime) -> dict[str, int]:
    """The people of a frozen segment by what becomes of them: IN, and every one of REASONS.

    Much less is looked up for it than for ``count_audience``: a page counts many segments.
    """
    people = select(reason_clause(now).label("reason")).where(in_lists(group_id, (), [tree])).subquery()
    rows = session.execute(select(people.c.reason, func.count()).group_by(people.c.reason))
    return {IN: 0, **dict.fromkeys(REASONS, 0), **{row[0]: row[1] for row in rows}}


def reason_clause(now: datetime) -> ColumnElement[str]:
    """IN, or why somebody is not texted."""
    return case(
        (is_suppressed_clause(Constituent.number_hash, Constituent.group_id), "opted_out"),
        (Constituent.consented_at.is_(None), "no_consent"),
        (~has_consent_clause(now), "consent_old"),
        (Constituent.number_bad_at.is_not(None), "number_bad"),
        else_=IN,
    )


def _count(session: Session, listed: ColumnElement[bool], now: datetime) -> Audience:
    days = {
        key: _day(key, now) for key in session.execute(select(Constituent.zones).where(listed).distinct()).scalars()
    }
    people = (
        select(
            reason_clause(now).label("reason"),
            Constituent.zones,
            Constituent.language,
            _is_resting(days, now).label("resting"),
        )
        .where(listed)
        .subquery()
    )
    columns = (people.c.reason, people.c.zones, people.c.language, people.c.resting)
    rows = session.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns[1:])).all()
    out = dict.fromkeys(REASONS, 0)
    cohorts = []
    for why, zones, language, resting, count in rows:
        if why == IN:
            cohorts.append(Cohort(zones, language, count, days[zones][1] if resting else None))
        else:
            out[why] += count
    return Audience(tuple(cohorts), out)


def _day(zones_key: str, now: datetime) -> tuple[datetime, datetime]:
    try:
        return day_of(parse_zones_key(zones_key) or fifty_states(), now)
    except ZoneInfoNotFoundError:  # a zone that this machine does not know: then it may be any
        return day_of(fifty_states(), now)


def _is_resting(days: Mapping[str, tuple[datetime, datetime]], now: datetime) -> ColumnElement[bool]:
    """Whether somebody has had as many campaign texts, of any group, as the caps allow for now."""
    earlier = and_(
        Message.number_hash == Constituent.number_hash,
        Message.kind.in_(CAPPED),
        Message.state.in_(COUNTED_BY_CAPS),
        Message.posted_at > now - WEEK,
    )
    if not days:
        return literal(False)
    when = Message.posted_at.type
    began = case({key: literal(start, when) for key, (start, _) in days.items()}, value=Constituent.zones)
    in_week = select(func.count()).select_from(Message).where(earlier).correlate(Constituent).scalar_subquery()
    return or_(exists().where(earlier, Message.posted_at >= began), in_week >= PER_WEEK)


def sample_people(
    session: Session, vault: Vault, who: ColumnElement[bool], *, language: str, most: int
) -> list[dict[str, str]]:
    """What is known of up to ``most`` people who will be texted in a language, in an order that favours nobody.

    ``who`` is the clause of an audience: ``in_audience`` or ``in_wave``.
    """
    rows = session.execute(
        select(Constituent.sealed, Constituent.zip)
        .where(who, Constituent.language == language)
        .where(~is_suppressed_clause(Constituent.number_hash, Constituent.group_id))
        .order_by(Constituent.number_hash)
        .limit(most)
    )
    return [{**vault.open(row.sealed, "constituent"), "zip": row.zip or ""} for row in rows]
