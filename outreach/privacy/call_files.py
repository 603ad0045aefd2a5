"""The offices that a campaign's callers were put through to, as a file: nothing of the callers, and never without a
reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select

from outreach.accounts.audit import record_audit
from outreach.calls.counts import UNCOUNTED
from outreach.calls.models import CallLeg, CallSession
from outreach.core.clock import PHOENIX
from outreach.core.csv_out import to_csv
from outreach.core.phone import as_people_write
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import get_campaign
from outreach.escalations.models import Wave
from outreach.officials.models import Office, Official
from outreach.privacy.reasons import valid_reason

TOGETHER: Final = 500
ACTION: Final = "export"
SHEET: Final = "Calls"
HEADER: Final = ("official", "office", "address", "begun", "seconds", "carrier", "caller_told", "office_said")
"""``begun`` by Phoenix's clock; ``seconds`` and ``carrier`` are the carrier's, the last two what the caller pressed."""
_OURS = (
    select(CallLeg.id)
    .join(CallSession, CallSession.id == CallLeg.session_id)
    .join(Wave, Wave.gate_id == CallSession.gate_id)
    .where(Wave.campaign_id == bindparam("campaign"), CallSession.source.not_in(UNCOUNTED))
    .order_by(CallLeg.id)
)
_SOME = (
    select(
        Official.name, Office.phone, Office.extension, Office.address, CallLeg.begun_at, CallLeg.seconds,
        CallLeg.status, CallLeg.outcome, CallLeg.answer,
    )
    .join(Office, Office.id == CallLeg.office_id)
    .join(Official, Official.id == Office.official_id)
    .where(CallLeg.id.in_(bindparam("ids", expanding=True)))
    .order_by(CallLeg.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallFile:
    """A file that is yet to be written, 500 legs at a time, each in a short snapshot. ``ids``: the legs it is for."""

    runtime: Runtime
    ids: Sequence[int]

    def rows(self) -> Iterator[list[object]]:
        """The legs, in the order in which they began."""
        for first in range(0, len(self.ids), TOGETHER):
            with self.runtime.db.snapshot() as session:
                some = session.execute(_SOME, {"ids": list(self.ids[first : first + TOGETHER])}).all()
            yield from map(_row, some)

    def as_csv(self) -> bytes:
        """CSV in UTF-8 with its mark, every cell made safe for spreadsheets."""
        return to_csv(HEADER, self.rows())


def call_file(runtime: Runtime, group_id: int, campaign_id: int, *, reason: str, actor: str) -> CallFile:
    """Settle which legs are in the file, and note who takes it and why. Only calls that count are in it.

    Raises BadInputError without a reason, NotFoundError for a campaign that the group does not have.
    """
    because = valid_reason(reason)
    with runtime.db.snapshot() as session:
        get_campaign(session, group_id, campaign_id)
        ids = list(session.execute(_OURS, {"campaign": campaign_id}).scalars())
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION, subject=f"campaign:{campaign_id}",
            at=runtime.clock.real_now(), what="calls", legs=len(ids), because=because,
        )  # fmt: skip
    return CallFile(runtime, ids)


def _row(leg: Any) -> list[object]:
    number = as_people_write(leg.phone) if leg.phone else ""
    begun: datetime = leg.begun_at
    return [
        leg.name,
        f"{number} ext {leg.extension}" if leg.extension else number,
        leg.address,
        begun.astimezone(PHOENIX).isoformat(sep=" ", timespec="seconds")[:19],
        leg.seconds,
        leg.status,
        leg.outcome,
        leg.answer,
    ]
