"""A sheet of the tallies as a file: figures, and nobody in it. Who takes it is noted, and why if they say so.

Folded first, as far as anything waits: then rows and counters say the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from outreach.accounts.audit import record_audit
from outreach.core.csv_out import to_csv
from outreach.core.errors import BadInputError
from outreach.core.leases import acquire, new_token, release
from outreach.core.runtime import Runtime
from outreach.core.xlsx_out import to_xlsx
from outreach.messaging.models import Event
from outreach.privacy.reasons import valid_reason
from outreach.tallies.figures import COLUMNS, Figures, flat
from outreach.tallies.fold import LEASE, fold
from outreach.tallies.people_counts import TOTAL
from outreach.tallies.sheets import DIMENSIONS, Sheet, count_sheet

ACTION: Final = "export"
SHEET: Final = "Tallies"
HEADER: Final = ("by", "key", "name", *COLUMNS)
TOTAL_NAME: Final = "all together, each person once"
LEASE_SECONDS: Final = 60.0
WAIT_SECONDS: Final = 10.0
"""A folder that is behind for longer is not waited for: counters are exact without it, and people a little behind."""


@dataclass(frozen=True, slots=True)
class TallyFile:
    """A sheet in every form."""

    sheet: Sheet

    def rows(self) -> list[list[object]]:
        """A line for each row, and the total last."""
        lines = [(row.key, row.name.plain, row.figures) for row in self.sheet.rows]
        lines.append((TOTAL, TOTAL_NAME, self.sheet.total))
        return [[self.sheet.dimension, key, name, *flat(figures).values()] for key, name, figures in lines]

    def as_csv(self) -> bytes:
        """CSV in UTF-8 with its mark, every cell made safe for spreadsheets."""
        return to_csv(HEADER, self.rows())

    def as_xlsx(self) -> Iterator[bytes]:
        """The same as a spreadsheet, in pieces."""
        return to_xlsx(HEADER, self.rows(), SHEET)

    def as_json(self) -> dict[str, Any]:
        """As ``docs/cli.md`` shows it."""
        return as_json(self.sheet)


def as_json(sheet: Sheet) -> dict[str, Any]:
    """A sheet ready for JSON, times in ISO form."""

    def told(figures: Figures) -> dict[str, int | None]:
        return flat(figures)

    return {
        "by": sheet.dimension,
        "since": sheet.since.isoformat() if sheet.since else None,
        "at": sheet.at.isoformat(),
        "people_at": sheet.people_at.isoformat() if sheet.people_at else None,
        "rows": [{"key": row.key, "name": row.name.plain, **told(row.figures)} for row in sheet.rows],
        "total": told(sheet.total),
    }


def tally_file(
    runtime: Runtime, group_id: int, dimension: str, since: datetime | None, *, actor: str, reason: str | None = None
) -> TallyFile:
    """Count a whole sheet in one snapshot, and note who took it. Raises BadInputError: tally_by_unknown, reason_..."""
    if dimension not in DIMENSIONS:
        raise BadInputError("tally_by_unknown", by=dimension, known=", ".join(DIMENSIONS))
    because = None if reason is None else valid_reason(reason)
    fold_all(runtime)
    with runtime.db.snapshot() as session:
        sheet = count_sheet(session, group_id, dimension, since, runtime.clock)
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION, subject="tallies", at=runtime.clock.real_now(),
            what="tallies", by=dimension, rows=len(sheet.rows), because=because,
        )  # fmt: skip
    return TallyFile(sheet)


def fold_all(runtime: Runtime) -> None:
    """Fold what has come so far. Where upkeep holds the folder's lease it does so every second, and is waited for."""
    last, until = _last_waiting(runtime, None), time.monotonic() + WAIT_SECONDS
    while last and _last_waiting(runtime, last) and time.monotonic() < until:
        token = new_token()
        if not acquire(runtime.db, LEASE, token, runtime.clock.real_now(), LEASE_SECONDS):
            time.sleep(0.1)
            continue
        try:
            while fold(runtime.db, runtime.clock, token):
                pass
        finally:
            release(runtime.db, LEASE, token, runtime.clock.real_now())


def _last_waiting(runtime: Runtime, up_to: int | None) -> int | None:
    """The newest event that nobody has folded, of those up to an id."""
    query = select(func.max(Event.id)).where(Event.folded_at.is_(None))
    with runtime.db.snapshot() as session:
        return session.execute(query if up_to is None else query.where(Event.id <= up_to)).scalar()
