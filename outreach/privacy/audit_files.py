"""The book of decisions as a file: never without a reason, and that it was taken is its own newest line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select

from outreach.accounts.audit import record_audit
from outreach.accounts.audit_reads import Sought, as_json, every_event
from outreach.accounts.models import AuditEvent
from outreach.core.csv_out import to_csv
from outreach.core.runtime import Runtime
from outreach.core.xlsx_out import to_xlsx
from outreach.privacy.reasons import valid_reason

HEADER: Final = ("id", "at", "who", "action", "did", "subject", "details")
SHEET: Final = "Audit"


@dataclass(frozen=True, slots=True)
class AuditFile:
    """What was in the book when it was asked for, the asking included. ``through``: the last id."""

    runtime: Runtime
    group_id: int
    sought: Sought
    through: int

    def rows(self) -> Iterator[list[object]]:
        """Newest first."""
        events = every_event(self.runtime, self.group_id, self.sought, through=self.through)
        yield from (cells(event) for event in events)

    def as_csv(self) -> bytes:
        """CSV in UTF-8 with its mark, every cell made safe for spreadsheets."""
        return to_csv(HEADER, self.rows())

    def as_xlsx(self) -> Iterator[bytes]:
        """XLSX in pieces, in which no text is a formula."""
        return to_xlsx(HEADER, self.rows(), SHEET)

    def as_json(self) -> Iterator[bytes]:
        """One JSON document, in pieces."""
        yield b'{"events": ['
        events = every_event(self.runtime, self.group_id, self.sought, through=self.through)
        for index, event in enumerate(events):
            yield (",\n" if index else "\n").encode() + _plain(as_json(event)).encode()
        yield b"\n]}\n"


def cells(event: AuditEvent) -> list[object]:
    """An event as a row of the file; its details as JSON."""
    line = as_json(event)
    return [*(line[name] for name in HEADER[:-1]), _plain(line["details"])]


def audit_file(runtime: Runtime, group_id: int, sought: Sought, *, reason: str, actor: str) -> AuditFile:
    """Settle what is in the file, and note who takes it and why. Raises BadInputError without a reason."""
    because = valid_reason(reason)
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action="export", subject=f"groups:{group_id}", what="audit",
            because=because,
        )  # fmt: skip
        tx.flush()
        through = tx.execute(select(func.max(AuditEvent.id)).where(AuditEvent.group_id == group_id)).scalar_one()
    return AuditFile(runtime, group_id, sought, through)


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
