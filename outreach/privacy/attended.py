"""Erased people in the logs of meetings: a log begins with the names of who was expected, and these are text in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select, union_all

from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import OutreachError
from outreach.officials.models import Meeting
from outreach.officials.plan_models import MeetingPlan, PlanAttendee
from outreach.officials.plans import ROLES
from outreach.people.members import short_name
from outreach.people.models import Constituent


def leave_logs(tx: Transaction, vault: Vault, ids: Sequence[int]) -> None:
    """Take their names out of the logs that began from a plan with them. Call it while their parts are known."""
    logged = MeetingPlan.meeting_id.is_not(None)
    parts = [
        select(MeetingPlan.meeting_id, getattr(MeetingPlan, name)).where(getattr(MeetingPlan, name).in_(ids), logged)
        for name in ROLES
    ]
    came = select(MeetingPlan.meeting_id, PlanAttendee.constituent_id).join(
        PlanAttendee, PlanAttendee.plan_id == MeetingPlan.id
    )
    parts.append(came.where(PlanAttendee.constituent_id.in_(ids), logged))
    for meeting_id, person_id in sorted({tuple(row) for row in tx.execute(union_all(*parts))}):
        meeting = tx.get_one(Meeting, meeting_id, with_for_update={"key_share": True})
        meeting.attendees = without(meeting.attendees, _names(vault, tx.get_one(Constituent, person_id)))
    tx.flush()


def without(attendees: str, names: Sequence[str]) -> str:
    """Names with commas between, less the first of these that is there, once: somebody else may be called so too. Pure.

    What stands behind a name in brackets stays.
    """
    for name in names:
        left, found = re.subn(rf"(^|[,;])\s*{re.escape(name)}\s*(?=[,;(]|$)", r"\1", attendees, count=1)
        if found:
            return re.sub(r"[,;]\s*(?=[,;])", "", left).strip(" ,;")
    return attendees


def _names(vault: Vault, person: Constituent) -> list[str]:
    """As the form of a log may have begun with it, the fullest first."""
    try:
        document = vault.open(person.sealed, "constituent")
    except (OutreachError, IndexError):  # a damaged document tells no name; erasing goes on
        return []
    whole = " ".join(part for key in ("first_name", "last_name") if (part := str(document.get(key) or "").strip()))
    return [f"{whole}, {person.zip}", whole, short_name(document)] if whole else []
