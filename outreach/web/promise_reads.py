"""What the pages of promises show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.core.runtime import Runtime
from outreach.escalations.models import Campaign
from outreach.escalations.promise_models import PromiseDraft
from outreach.officials.models import Meeting, Official, Promise
from outreach.officials.promise_models import PromiseEvent
from outreach.officials.promise_rules import WAITED_FOR, Standing
from outreach.officials.promises import DUE_ON, get_promise, history, standing_of
from outreach.people.members import Member, members_of, named

DUE_WITHIN: Final = timedelta(days=14)
SHOWN: Final = 20
LINE: Final = (
    Promise.id, Promise.text, Promise.state, DUE_ON.label("due_on"), Promise.staff_contact, Promise.approver,
)  # fmt: skip
"""What a line about a promise needs (the macro ``promise_line``)."""


@dataclass(frozen=True, slots=True)
class PromisePage:
    """One promise. ``campaign``: the one that it opened, if it did; ``seen``: its last entry, 0 without one."""

    promise: Promise
    official: Official
    meeting: Meeting
    watcher: Member | None
    entries: Sequence[PromiseEvent]
    standing: Standing
    seen: int
    campaign: Any

    @property
    def undone(self) -> set[int]:
        """Entries that were taken back."""
        return {entry.undoes_id for entry in self.entries if entry.undoes_id is not None}


def promise_page(session: Session, held: Runtime, group_id: int, promise_id: int) -> PromisePage:
    """Everything for a promise's page. Raises NotFoundError for another group's."""
    promise = get_promise(session, group_id, promise_id)
    entries = history(session, promise_id)
    watchers = named(session, held.vault, group_id, [promise.watcher_id] if promise.watcher_id else [])
    campaign = session.execute(
        select(Campaign.id, Campaign.name, Campaign.state, PromiseDraft.reason)
        .join(PromiseDraft, PromiseDraft.campaign_id == Campaign.id)
        .where(PromiseDraft.promise_id == promise_id)
    ).first()
    return PromisePage(
        promise=promise,
        official=session.get_one(Official, promise.official_id),
        meeting=session.get_one(Meeting, promise.meeting_id),
        watcher=next(iter(watchers.values()), None),
        entries=entries,
        standing=standing_of(promise, entries),
        seen=entries[-1].id if entries else 0,
        campaign=campaign,
    )


def watchers_to_choose(session: Session, held: Runtime, group_id: int, now: int | None) -> list[Member]:
    """The members, and whoever watches over it now."""
    members = members_of(session, held.vault, group_id)
    if now is None or any(one.id == now for one in members):
        return members
    return [*members, *named(session, held.vault, group_id, [now]).values()]


def promises_due(session: Session, group_id: int, today: date) -> Sequence[Any]:
    """Promises that are waited for and due within two weeks or overdue, most pressing first."""
    return session.execute(
        select(*LINE, Official.name, Official.id.label("official_id"))
        .join(Official, Official.id == Promise.official_id)
        .where(Promise.group_id == group_id, Promise.state.in_(WAITED_FOR), today + DUE_WITHIN >= DUE_ON)
        .order_by(DUE_ON, Promise.id)
        .limit(SHOWN)
    ).all()
