"""Everybody of a run in one table: for a page to print, and for the file that is exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.core.clock import PHOENIX
from outreach.core.crypto import Vault
from outreach.core.csv_out import to_csv
from outreach.core.errors import BadInputError, OutreachError
from outreach.core.phone import mask
from outreach.core.runtime import Runtime
from outreach.people.models import Constituent
from outreach.phone_tree.models import TreeStep
from outreach.phone_tree.reads import Person, view_run
from outreach.phone_tree.running import get_run

log = structlog.get_logger(__name__)

REASON_LENGTH: Final = 300
TOGETHER: Final = 500
HEADER: Final = {
    "en": ("level", "branch", "area", "role", "first name", "phone (masked)", "status", "why", "answered", "texted at",
           "branch's state", "confirmed by", "branch texted at", "joined late at"),
    "es": ("nivel", "rama", "zona", "papel", "nombre", "teléfono (oculto)", "estado", "por qué", "contestó",
           "texto a las", "estado de la rama", "confirmó", "rama avisada a las", "se unió tarde a las"),
}  # fmt: skip
CELLS: Final = {
    "es": {
        "captain": "responsable", "backup": "suplente", "member": "miembro", "waiting": "espera", "sent": "en camino",
        "reached": "recibido", "missed": "no entregado", "excluded": "fuera", "yes": "sí", "no": "no",
        "opted_out": "pidió no recibir textos", "no_consent": "nunca aceptó textos",
        "consent_old": "aceptó hace más de un año", "number_bad": "su número no recibe textos",
        "silent": "sin respuesta", "declined": "no puede", "lost": "no le llega", "asked": "preguntado",
        "nudged": "preguntado otra vez", "backup_asked": "suplente preguntado", "confirmed": "confirmada",
        "routed_direct": "avisada por nosotros", "stopped": "detenida",
    },
}  # fmt: skip
"""What the codes are called; in English they are words already."""
Role = Literal["captain", "backup", "member"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody of a run. ``branch``: its number among those of its level, as in 2 or 2.1. ``document``: what is known
    of them, empty of somebody who was erased."""

    person: Person
    branch: str
    role: Role
    document: Mapping[str, Any]

    @property
    def masked(self) -> str:
        """Area code and the last two digits of the number."""
        return mask(str(self.document.get("phone") or ""))


def numbered(people: Sequence[Person]) -> dict[int, str]:
    """Seat -> the number of the branch that it leads, or is in; people in the order of an indented tree. Pure."""
    numbers: dict[int, str] = {}
    counts: dict[int | None, int] = {}
    for one in people:
        above = numbers.get(one.parent_id) if one.parent_id is not None else None
        if one.step is None and above is not None:
            numbers[one.seat_id] = above
            continue
        place = counts[one.parent_id] = counts.get(one.parent_id, 0) + 1
        numbers[one.seat_id] = f"{above}.{place}" if above else str(place)
    return numbers


def role_of(one: Person, above: TreeStep | None) -> Role:
    """What somebody is in a run; ``above`` is the step of the branch that they are in. Pure."""
    if one.step is not None:
        return "captain"
    return "backup" if above is not None and above.backup_id == one.constituent_id else "member"


def roster(session: Session, vault: Vault, people: Sequence[Person], shown: Sequence[Person] = ()) -> Iterator[Entry]:
    """Everybody of a run (``RunView.people``), or those of them that are shown, with what is known of them."""
    numbers, steps = numbered(people), {one.seat_id: one.step for one in people}
    some = shown or people
    for first in range(0, len(some), TOGETHER):
        part = some[first : first + TOGETHER]
        documents = documents_of(session, vault, [one.constituent_id for one in part])
        for one in part:
            above = steps.get(one.parent_id) if one.parent_id is not None else None
            yield Entry(one, numbers[one.seat_id], role_of(one, above), documents[one.constituent_id])


def documents_of(session: Session, vault: Vault, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What is known of people, by id; empty where it does not open: one damaged row must not hide the others."""
    found: dict[int, dict[str, Any]] = {one: {} for one in ids}
    for row in session.execute(select(Constituent.id, Constituent.sealed).where(Constituent.id.in_(ids))):
        try:
            found[row.id] = vault.open(row.sealed, "constituent")
        except (OutreachError, IndexError) as error:
            log.error("person_not_opened", error=str(getattr(error, "code", error)))
    return found


def export_run(
    runtime: Runtime, group_id: int, run_id: int, *, because: str, actor: str, language: str = "en"
) -> bytes:
    """Everybody of a run as CSV, first names alone and numbers masked; who exported it and why goes into the book.

    Raises NotFoundError, and BadInputError without a reason for the export.
    """
    because = because.strip()
    if not because:
        raise BadInputError("export_reason_blank")
    if len(because) > REASON_LENGTH:
        raise BadInputError("export_reason_long", most=REASON_LENGTH)
    with runtime.db.snapshot() as session:
        view = view_run(session, get_run(session, group_id, run_id), runtime.clock.now())
        rows = [_row(entry, language) for entry in roster(session, runtime.vault, view.people)]
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action="export", subject=f"tree_run:{run_id}",
            at=runtime.clock.real_now(), what="tree", people=len(rows), because=because,
        )  # fmt: skip
    return to_csv(HEADER[language], rows)


def _row(entry: Entry, language: str) -> tuple[object, ...]:
    one, step, words = entry.person, entry.person.step, CELLS.get(language, {})

    def said(code: str | None) -> str:
        return words.get(code, code.replace("_", " ")) if code else ""

    return (
        one.level + 1,
        entry.branch,
        one.area,
        said(entry.role),
        entry.document.get("first_name"),
        entry.masked.removeprefix("+1"),
        said(one.status),
        said(one.why or (step.reason if step else None)),
        said("yes" if one.answered else "no"),
        _at(one.posted_at),
        said(step.state if step else None),
        said(step.confirmed_by if step else None),
        _at(step.released_at if step else None),
        _at(step.joined_at if step else None),
    )


def _at(at: datetime | None) -> str:
    return at.astimezone(PHOENIX).isoformat(timespec="minutes") if at else ""
