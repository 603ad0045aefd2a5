"""Officials into a group: from a file, the same file again changing nothing, or by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from outreach.core.db import Transaction
from outreach.core.errors import BadInputError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.officials.aliases import Aliases
from outreach.officials.models import Office, Official
from outreach.officials.openstates import FileProblem, ParsedOffice, ParsedOfficial, parse_officials, problem

CHUNK = 200
LENGTHS = {"name": 200, "role": 120, "jurisdiction": 200, "district": 80, "party": 80, "email": 254}
ID_LENGTH = 120
EXTENSION_LENGTH = 16
CLASSIFICATION_LENGTH = 40


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
    """Add one official by hand; ``optional``: jurisdiction, district, party, email, extension, address.

    Raises BadInputError: official_field_blank, official_field_long, office_phone_unusable.
    """
    fields = {key: (value or "").strip() for key, value in {"name": name, "role": role, **optional}.items()}
    address, extension = fields.pop("address", ""), fields.pop("extension", "")
    for needed in ("name", "role"):
        if not fields[needed]:
            raise BadInputError("official_field_blank", field=needed)
    for key, value in fields.items():
        if len(value) > LENGTHS[key]:
            raise BadInputError("official_field_long", field=key, most=LENGTHS[key])
    voice = f"{phone} x{extension}" if phone and extension else phone or ""
    aliases = Aliases() if runtime.settings.mode == "rehearsal" else None
    offices, reasons = _offices([ParsedOffice("primary", address, voice)] if voice or address else [], aliases)
    if reasons:
        raise BadInputError("office_phone_unusable", reason=reasons[0])
    official = Official(group_id=group_id, external_id=None, created_at=runtime.clock.now(), **_or_none(fields))
    official.offices = [Office(group_id=group_id, **office) for office in offices]
    tx.add(official)
    tx.flush()
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
            offices, reasons = _offices(parsed.offices, aliases)
            report.problems += [problem(parsed.row, None, "office_phone_unusable", reason=reason) for reason in reasons]
            if not any(office["phone"] for office in offices):
                report.without_phone += 1
                report.problems.append(problem(parsed.row, None, "official_no_phone"))
            official = known.get(parsed.external_id)
            report.new += official is None
            report.updated += official is not None
            _put(tx, group_id, official, parsed, offices, runtime.clock.now())


def _known(tx: Transaction, group_id: int, external_ids: list[str]) -> dict[str, Official]:
    query = select(Official).where(Official.group_id == group_id, Official.external_id.in_(external_ids))
    rows = tx.execute(query.options(selectinload(Official.offices)).with_for_update()).scalars()
    return {row.external_id: row for row in rows if row.external_id}


def _offices(parsed: Iterable[ParsedOffice], aliases: Aliases | None) -> tuple[list[dict[str, str | None]], list[str]]:
    """Rows for the office table, and why numbers could not be used; an office keeps its address without a number."""
    offices: list[dict[str, str | None]] = []
    reasons: list[str] = []
    for office in parsed:
        phone = extension = None
        if office.voice:
            verdict = check_phone(office.voice, "office")
            phone, extension = verdict.e164, verdict.extension
            if verdict.reason or len(extension or "") > EXTENSION_LENGTH:
                reasons.append(verdict.reason or "too_long")
                phone = extension = None
        if phone and aliases:
            phone = aliases.of(phone)
        if phone or office.address:
            kind = office.classification[:CLASSIFICATION_LENGTH]
            offices.append(
                {"classification": kind, "address": office.address or None, "phone": phone, "extension": extension}
            )
    return offices, reasons


def _put(
    tx: Transaction,
    group_id: int,
    official: Official | None,
    parsed: ParsedOfficial,
    offices: list[dict[str, str | None]],
    now: datetime,
) -> None:
    fields = _or_none({name: getattr(parsed, name) for name in LENGTHS})
    if official is None:
        official = Official(group_id=group_id, external_id=parsed.external_id, created_at=now, **fields)
        tx.add(official)
    else:
        for name, value in fields.items():
            setattr(official, name, value)
    _put_offices(group_id, official, offices)


def _put_offices(group_id: int, official: Official, offices: list[dict[str, str | None]]) -> None:
    """Update offices in place, kind by kind, because campaigns point at them.

    An office that the file no longer has loses its number: it must not be called. Kinds that the file does not
    have at all were added by hand and stay.
    """
    for kind in dict.fromkeys(office["classification"] for office in offices):
        wanted = [office for office in offices if office["classification"] == kind]
        present = [office for office in official.offices if office.classification == kind]
        for row, values in zip(present, wanted, strict=False):
            for name, value in values.items():
                setattr(row, name, value)
        for row in present[len(wanted) :]:
            row.phone = row.extension = None
        official.offices += [Office(group_id=group_id, **values) for values in wanted[len(present) :]]


def _or_none(fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: value or None for name, value in fields.items()}
