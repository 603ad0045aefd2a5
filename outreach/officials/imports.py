"""Officials into a group: from a file, the same file again changing nothing, or by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from outreach.accounts.audit import record_audit
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.officials.aliases import Aliases
from outreach.officials.hours import parse_week
from outreach.officials.models import Office, Official
from outreach.officials.offices import KIND_LENGTH, check_lines, check_zone, read_phone
from outreach.officials.openstates import FileProblem, ParsedOffice, ParsedOfficial, parse_officials, problem

CHUNK = 200
LENGTHS = {"name": 200, "role": 120, "jurisdiction": 200, "district": 80, "party": 80, "email": 254}
ID_LENGTH = 120
SAID: dict[str, tuple[str, Callable[[str], Any]]] = {
    "hours": ("hours", parse_week), "time_zone": ("zone", check_zone), "lines": ("lines", check_lines),
}  # fmt: skip
"""What a file may say of an office's telephone: its column, ours, and how it is read."""


@dataclass(slots=True)
class OfficialsReport:
    """What became of each official in the file: new, updated and skipped are disjoint and sum to ``rows``."""

    rows: int = 0
    new: int = 0
    updated: int = 0
    skipped: int = 0
    without_phone: int = 0
    aliased: bool = False
    problems: list[FileProblem] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as docs/cli.md has it."""
        counts = {
            name: getattr(self, name) for name in ("rows", "new", "updated", "skipped", "without_phone", "aliased")
        }
        return {**counts, "problems": [found._asdict() for found in self.problems]}


def import_officials(runtime: Runtime, group_id: int, path: Path, today: date) -> OfficialsReport:
    """Read a file or folder of officials into the group. Raises BadInputError when it cannot be read as a whole.

    An official is known again by the file's id. In a rehearsal office phones are replaced by 555-01XX aliases before
    they are stored, so nothing that is rehearsed can ring in a real office.
    """
    aliases = Aliases() if runtime.settings.mode == "rehearsal" else None
    report = OfficialsReport(aliased=aliases is not None)
    seen: set[str] = set()
    chunk: list[ParsedOfficial] = []
    for official in parse_officials(path, today):
        report.rows += 1
        wrong = official.problem or _unfit(official)
        if wrong is None and official.external_id in seen:
            wrong = problem(official.row, None, "official_repeated")
        if wrong:
            report.skipped += 1
            report.problems.append(wrong)
            continue
        seen.add(official.external_id)
        chunk.append(official)
        if len(chunk) == CHUNK:
            _store(runtime, group_id, chunk, aliases, report)
            chunk = []
    _store(runtime, group_id, chunk, aliases, report)
    report.problems.sort(key=lambda found: found.row or 0)
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, action="officials_imported", subject=f"groups:{group_id}", rows=report.rows,
            new=report.new, updated=report.updated, skipped=report.skipped,
        )  # fmt: skip
    return report


def add_official(
    tx: Transaction,
    runtime: Runtime,
    group_id: int,
    *,
    name: str,
    role: str,
    phone: str | None = None,
    **optional: str | None,
) -> Official:
    """Add one official by hand; ``optional``: jurisdiction, district, party, email, and of the office extension,
    address, hours, time_zone and lines, as a file has them.

    Raises BadInputError: official_field_blank, official_field_long, office_phone_unusable, office_hours_wrong,
    office_zone_unknown, office_lines_wrong.
    """
    fields = {key: (value or "").strip() for key, value in {"name": name, "role": role, **optional}.items()}
    address, extension = fields.pop("address", ""), fields.pop("extension", "")
    said = [fields.pop(column, "") for column in SAID]
    for needed in ("name", "role"):
        if not fields[needed]:
            raise BadInputError("official_field_blank", field=needed)
    for key, value in fields.items():
        if len(value) > LENGTHS[key]:
            raise BadInputError("official_field_long", field=key, most=LENGTHS[key])
    voice = f"{phone} x{extension}" if phone and extension else phone or ""
    aliases = Aliases() if runtime.settings.mode == "rehearsal" else None
    offices, wrong = _offices([ParsedOffice("primary", address, voice, *said)] if voice or address else [], aliases)
    if wrong:
        raise wrong[0][1]
    official = Official(group_id=group_id, external_id=None, created_at=runtime.clock.now(), **_or_none(fields))
    official.offices = [Office(group_id=group_id, **office) for office in offices]
    tx.add(official)
    tx.flush()
    record_audit(tx, group_id=group_id, action="official_added", subject=f"official:{official.id}")
    return official


def _unfit(official: ParsedOfficial) -> FileProblem | None:
    for name, most in LENGTHS.items():
        if len(getattr(official, name)) > most:
            return problem(official.row, name, "official_field_long", field=name, most=most)
    if len(official.external_id) > ID_LENGTH:
        return problem(official.row, "id", "official_field_long", field="id", most=ID_LENGTH)
    return None


def _store(
    runtime: Runtime, group_id: int, chunk: list[ParsedOfficial], aliases: Aliases | None, report: OfficialsReport
) -> None:
    if not chunk:
        return
    with runtime.db.transaction() as tx:
        known = _known(tx, group_id, [official.external_id for official in chunk])
        for parsed in chunk:
            offices, wrong = _offices(parsed.offices, aliases)
            report.problems += [problem(parsed.row, column, error.code, **error.details) for column, error in wrong]
            official = known.get(parsed.external_id)
            report.new += official is None
            report.updated += official is not None
            stored = _put(tx, group_id, official, parsed, offices, runtime.clock.now())
            if not any(office.phone for office in stored.offices):
                report.without_phone += 1
                report.problems.append(problem(parsed.row, None, "official_no_phone"))


def _known(tx: Transaction, group_id: int, external_ids: list[str]) -> dict[str, Official]:
    query = select(Official).where(Official.group_id == group_id, Official.external_id.in_(external_ids))
    rows = tx.execute(query.options(selectinload(Official.offices)).with_for_update()).scalars()
    return {row.external_id: row for row in rows if row.external_id}


def _offices(
    parsed: Iterable[ParsedOffice], aliases: Aliases | None
) -> tuple[list[dict[str, Any]], list[tuple[str | None, BadInputError]]]:
    """Rows for the office table, and what could not be used, by column; an office keeps its address without a number.

    What a file does not say has no key: whoever entered it by hand knows better.
    """
    offices: list[dict[str, Any]] = []
    wrong: list[tuple[str | None, BadInputError]] = []
    for office in parsed:
        phone = extension = None
        try:
            phone, extension = read_phone(office.voice, aliases)
        except BadInputError as error:
            wrong.append((None, error))
        if phone or office.address:
            kind = office.classification[:KIND_LENGTH]
            row = {"classification": kind, "address": office.address or None, "phone": phone, "extension": extension}
            offices.append(row | _said(office, wrong))
    return offices, wrong


def _said(office: ParsedOffice, wrong: list[tuple[str | None, BadInputError]]) -> dict[str, Any]:
    """What the file says of when, and by how many, an office may be called; what cannot be read is left unsaid."""
    said: dict[str, Any] = {}
    for column, (name, read) in SAID.items():
        text = getattr(office, column)
        try:
            if text:
                said[name] = read(text)
        except BadInputError as error:
            wrong.append((column, error))
    return said


def _put(
    tx: Transaction,
    group_id: int,
    official: Official | None,
    parsed: ParsedOfficial,
    offices: list[dict[str, Any]],
    now: datetime,
) -> Official:
    fields = _or_none({name: getattr(parsed, name) for name in LENGTHS})
    if official is None:
        official = Official(group_id=group_id, external_id=parsed.external_id, created_at=now, **fields)
        tx.add(official)
    else:
        for name, value in fields.items():
            setattr(official, name, value)
    _put_offices(group_id, official, offices)
    return official


def _put_offices(group_id: int, official: Official, offices: list[dict[str, Any]]) -> None:
    """Update offices in place, kind by kind, because campaigns point at them.

    An office that the file no longer has loses its number: it must not be called. Kinds that the file does not
    have at all were added by hand and stay, and so does what the file does not say of an office that it has.
    """
    for kind in dict.fromkeys(office["classification"] for office in offices):
        wanted = [office for office in offices if office["classification"] == kind]
        present = [office for office in official.offices if office.classification == kind]
        for row, values in zip(present, wanted, strict=False):
            if values["phone"] and values["phone"] != row.phone:
                row.extension = None  # of the former number
            for name, value in values.items():
                if value is not None:
                    setattr(row, name, value)
        for row in present[len(wanted) :]:
            row.phone = row.extension = None
        official.offices += [Office(group_id=group_id, **values) for values in wanted[len(present) :]]


def _or_none(fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: value or None for name, value in fields.items()}
