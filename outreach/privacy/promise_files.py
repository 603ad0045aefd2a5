"""The promises of officials to a group, as a file: no constituent is in it, and it is never taken without a reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from outreach.accounts.audit import record_audit
from outreach.core.clock import PHOENIX
from outreach.core.csv_out import to_csv
from outreach.core.runtime import Runtime
from outreach.officials.promise_rules import days_overdue
from outreach.officials.promises import Row, promises_of
from outreach.privacy.reasons import valid_reason

ACTION: Final = "export"
SHEET: Final = "Promises"
HEADER: Final = (
    "id", "official", "role", "promise", "state", "due_on", "days_overdue", "approver", "staff_contact", "meeting_on",
)  # fmt: skip
"""``due_on``: the day by which it is due now; ``days_overdue``: by Phoenix's day, 0 where it is not."""


@dataclass(frozen=True, slots=True)
class PromiseFile:
    """The promises as they stood when the file was asked for. ``today``: the group's day then."""

    promises: Sequence[Row]
    today: date

    def rows(self) -> Iterator[list[object]]:
        """As the page lists them: overdue first."""
        for row in self.promises:
            yield [
                row.id, row.official, row.role, row.text, row.state, row.due_on,
                days_overdue(row.state, row.due_on, self.today), row.approver, row.staff_contact, row.held_on,
            ]  # fmt: skip

    def as_csv(self) -> bytes:
        """CSV in UTF-8 with its mark, every cell made safe for spreadsheets."""
        return to_csv(HEADER, self.rows())


def promise_file(
    runtime: Runtime, group_id: int, *, reason: str, actor: str, only_overdue: bool = False
) -> PromiseFile:
    """Settle what is in the file, and note who takes it and why. Raises BadInputError without a reason."""
    because = valid_reason(reason)
    today = runtime.clock.now().astimezone(PHOENIX).date()
    with runtime.db.snapshot() as session:
        promises = promises_of(session, group_id, today, only_overdue=only_overdue)
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION, subject=f"group:{group_id}",
            at=runtime.clock.real_now(), what="promises", promises=len(promises), because=because,
        )  # fmt: skip
    return PromiseFile(promises, today)
