"""What a report on one official may tell outside the group: how many people acted, and nothing about any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from outreach.calls.counts import UNCOUNTED
from outreach.calls.models import CallLeg, CallSession
from outreach.core.clock import Clock
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Reply
from outreach.people.models import Constituent
from outreach.tallies.periods import day_of, monday_of
from outreach.tallies.pooling import Pooled, pool

_OURS = (Campaign.group_id == bindparam("group"), Campaign.official_id == bindparam("official"))
_REPORTED = (
    select(Reply.number_hash, Reply.outcome, Reply.received_at, Constituent.zip)
    .select_from(Reply)
    .join(Wave, Wave.gate_id == Reply.gate_id)
    .join(Campaign, Campaign.id == Wave.campaign_id)
    .outerjoin(Constituent, (Constituent.group_id == Reply.group_id) & (Constituent.number_hash == Reply.number_hash))
    .where(*_OURS, Reply.outcome.is_not(None), Reply.superseded.is_(False))
    .order_by(Reply.received_at, Reply.id)
)
_ANSWERED = (
    select(CallSession.number_hash, CallLeg.answer)
    .select_from(CallLeg)
    .join(CallSession, CallSession.id == CallLeg.session_id)
    .join(Wave, Wave.gate_id == CallSession.gate_id)
    .join(Campaign, Campaign.id == Wave.campaign_id)
    .where(*_OURS, CallLeg.answer.is_not(None), CallSession.source.not_in(UNCOUNTED))
    .order_by(CallLeg.id)
)
_BEGAN = select(func.min(Wave.launched_at)).join(Campaign, Campaign.id == Wave.campaign_id).where(*_OURS)


@dataclass(frozen=True, slots=True)
class Pressure:
    """Each person is counted once in each of the four: in the week (its Monday) of their first report, in the ZIP where
    they live now (empty: not known), under their newest outcome, and under what the office told them last (empty: they
    noted nothing; nobody at all, where nobody did).

    ``began``: when the first text went out, None: nobody was asked yet.
    """

    began: datetime | None
    until: datetime
    people: int | None
    weeks: Pooled[date]
    zips: Pooled[str]
    outcomes: Pooled[str]
    answers: Pooled[str]


def pressure(session: Session, group_id: int, official_id: int, clock: Clock) -> Pressure:
    """All of it in one snapshot."""
    asked = {"group": group_id, "official": official_id}
    first: dict[bytes, date] = {}
    zips: dict[bytes, str] = {}
    newest: dict[bytes, str] = {}
    for number_hash, outcome, received_at, zip_code in session.connection().execute(_REPORTED, asked):
        first.setdefault(number_hash, monday_of(day_of(clock.at(received_at.timestamp()))))
        zips[number_hash], newest[number_hash] = zip_code or "", str(outcome)
    heard = {number_hash: str(answer) for number_hash, answer in session.connection().execute(_ANSWERED, asked)}
    weeks = pool(Counter(first.values()))
    return Pressure(
        began=session.execute(_BEGAN, asked).scalar(),
        until=clock.now(),
        people=weeks.total,
        weeks=Pooled(dict(sorted(weeks.shown.items())), weeks.rest, weeks.total),
        zips=pool(dict(sorted(Counter(zips.values()).items()))),
        outcomes=pool(dict(Counter(newest.values()).most_common())),
        answers=pool(dict(answers_of(newest, heard).most_common())),
    )


def answers_of(acted: Collection[bytes], heard: Mapping[bytes, str]) -> Counter[str]:
    """Under what the office told each of those who acted; nothing where it told none of them. Pure.

    Who noted no answer is a part as well: else the sum of the other tables less this one's would be their number.
    """
    return Counter(heard.get(one, "") for one in acted) if heard.keys() & set(acted) else Counter()
