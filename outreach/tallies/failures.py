"""Why texts did not arrive, by the carrier's codes: read from the counters that the folder keeps of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outreach.escalations.models import Wave
from outreach.messaging.models import Tally
from outreach.tallies.fold import ERROR


class Failure(NamedTuple):
    """A code of the carrier's, and how many texts of a campaign are failed or undelivered for it now.

    ``number`` is the first of the campaign's texts that has any.
    """

    code: int
    texts: int
    number: int


def failures(session: Session, group_id: int, campaign_id: int) -> Sequence[Failure]:
    """The most frequent first. What was heard since the last fold is not in it: a page may be a second behind."""
    rows = session.execute(
        select(Tally.name, func.sum(Tally.count), func.min(Wave.number))
        .join(Wave, Wave.gate_id == Tally.gate_id)
        .where(Wave.campaign_id == campaign_id, Wave.group_id == group_id)
        .where(Tally.name.startswith(ERROR, autoescape=True), Tally.count > 0)
        .group_by(Tally.name)
    )
    found = [Failure(int(name.removeprefix(ERROR)), int(count), number) for name, count, number in rows]
    return sorted(found, key=lambda one: (-one.texts, one.code))
