"""The people behind the counts of ``silence_reads``: their names and masked numbers, and the file of all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

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
from outreach.escalations.silence import why
from outreach.escalations.silence_reads import Account, Asked, account, facts_of, find_wave, silent_people
from outreach.escalations.silence_words import is_code, words_for
from outreach.people.models import Constituent
from outreach.people.why_not import Reason

log = structlog.get_logger(__name__)

TOGETHER: Final = 500
REASON_LENGTH: Final = 300
HEADER: Final = {
    "en": ("person", "first name", "last name", "phone (masked)", "code", "why", "until", "what to do"),
    "es": ("persona", "nombre", "apellido", "teléfono (oculto)", "código", "por qué", "hasta", "qué hacer"),
}


@dataclass(frozen=True, slots=True)
class Silent:
    """Somebody whom the text did not reach. ``document``: what is known of them, empty where it does not open.

    Of somebody who was erased since, only that they are one of the campaign's count.
    """

    person: int
    document: dict[str, Any]
    reason: Reason
    is_erased: bool = False

    @property
    def masked(self) -> str:
        """Area code and the last two digits of the number."""
        return mask(str(self.document.get("phone") or ""))


def silent_page(
    session: Session, vault: Vault, asked: Asked, found: Account, now: datetime, code: str | None, first: int, most: int
) -> list[Silent]:
    """Up to ``most`` people who were not texted, for one reason or any, after the first ``first``; by id."""
    rows = session.execute(silent_people(found, asked, now, code).offset(first).limit(most)).all()
    return _opened(session, vault, asked, rows)


def every_silent(
    session: Session, vault: Vault, asked: Asked, found: Account, now: datetime, code: str | None = None
) -> Iterator[Silent]:
    """All of them, as of the session's snapshot."""
    rows = session.execute(silent_people(found, asked, now, code)).all()
    for first in range(0, len(rows), TOGETHER):
        yield from _opened(session, vault, asked, rows[first : first + TOGETHER])


def _opened(session: Session, vault: Vault, asked: Asked, rows: Sequence[Any]) -> list[Silent]:
    ids = [row.person for row in rows]
    query = select(Constituent.id, Constituent.sealed, Constituent.erased_at).where(Constituent.id.in_(ids))
    known = {row.id: row for row in session.execute(query)}
    people = []
    for row in rows:
        reason = why(facts_of(row), asked.wave)
        if reason is not None:
            found = known.get(row.person)
            document = _open(vault, found.sealed if found else None)
            people.append(Silent(row.person, document, reason, bool(found and found.erased_at)))
    return people


def _open(vault: Vault, sealed: bytes | None) -> dict[str, Any]:
    """One damaged row must not hide the others."""
    try:
        return vault.open(sealed, "constituent") if sealed else {}
    except OutreachError as error:
        log.error("person_not_opened", error=error.code)
        return {}


def export_silence(
    runtime: Runtime,
    group_id: int,
    campaign_id: int,
    *,
    because: str,
    actor: str,
    language: str = "en",
    number: int | None = None,
    code: str | None = None,
) -> bytes:
    """Everybody of a wave who was not texted, as CSV; who exported it and why goes into the book first.

    Raises NotFoundError, and BadInputError without a reason for the export (``because``) or for an unknown code.
    """
    because = because.strip()
    if not because:
        raise BadInputError("export_reason_blank")
    if len(because) > REASON_LENGTH:
        raise BadInputError("export_reason_long", most=REASON_LENGTH)
    if code is not None and not is_code(code):
        raise BadInputError("silence_code_unknown", reason=code)
    now = runtime.clock.now()
    with runtime.db.snapshot() as session:
        asked = find_wave(session, group_id, campaign_id, number)
        found = account(session, asked, now)
        rows = [_row(one, language) for one in every_silent(session, runtime.vault, asked, found, now, code)]
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action="export", subject=f"campaign:{campaign_id}",
            at=runtime.clock.real_now(), what="silence", number=asked.number, code=code, people=len(rows),
            because=because,
        )  # fmt: skip
    return to_csv(HEADER[language], rows)


def _row(one: Silent, language: str) -> tuple[object, ...]:
    words, until = words_for(one.reason.code, language), one.reason.until
    return (
        one.person,
        one.document.get("first_name"),
        one.document.get("last_name"),
        one.masked.removeprefix("+1"),
        one.reason.code,
        words.sentence,
        until.astimezone(PHOENIX).isoformat(timespec="minutes") if until else "",
        words.remedy,
    )
