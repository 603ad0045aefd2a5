"""Ready answers: those of ``config/message_templates/canned.toml``, and a group's own, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config import table
from outreach.accounts.audit import record_audit
from outreach.accounts.models import Group
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError, OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging.inbox_models import CannedReply
from outreach.messaging.render import check_template, printable, render
from outreach.messaging.threads import Actor, in_turn

NAME_LENGTH: Final = 60
MOST: Final = 30
"""Ready answers of one group: each is a button beside the answer."""


class Ready(NamedTuple):
    """A ready answer that can be put into the box. ``key`` names it in the form, ``names`` are by the reader's."""

    key: str
    names: Mapping[str, str]
    texts: Mapping[str, str]


def ready_answers(session: Session, group_id: int) -> list[Ready]:
    """Everything that somebody of the group may start from: the built-in ones, then the group's own by name."""
    built_in = [Ready(key, row["name"], row["text"]) for key, row in table("message_templates/canned").items()]
    own = [
        Ready(f"own-{row.id}", {"en": row.name, "es": row.name}, {"en": row.text_en, "es": row.text_es})
        for row in canned_of(session, group_id)
    ]
    return [*built_in, *own]


def fill_in(session: Session, group_id: int, ready: Ready, first_name: str, language: str) -> str:
    """A ready answer as the person would get it."""
    group = session.execute(select(Group.name).where(Group.id == group_id)).scalar_one()
    return render(ready.texts[language], {"group": group}, {"first_name": first_name}, language)


def canned_of(session: Session, group_id: int) -> Sequence[CannedReply]:
    """The group's own ready answers, by name."""
    own = select(CannedReply).where(CannedReply.group_id == group_id)
    return session.execute(own.order_by(CannedReply.name, CannedReply.id)).scalars().all()


def find_canned(session: Session, group_id: int, canned_id: int) -> CannedReply:
    """One of them. Raises NotFoundError."""
    found = session.get(CannedReply, canned_id)
    if found is None or found.group_id != group_id:
        raise NotFoundError("canned_unknown")
    return found


def checked(text: str, language: str) -> str:
    """A ready answer's text as it is kept. Raises BadInputError for what cannot be filled in or is too long."""
    text = printable(text.replace("\r\n", "\n"))
    try:
        check_template(text)
        render(text, {"group": ""}, {}, language)
    except OutreachError as error:
        if error.code in {"text_empty", "text_too_long"}:
            raise
        raise BadInputError("canned_fields") from None
    return text


def create_canned(tx: Transaction, runtime: Runtime, who: Actor, name: str, texts: Mapping[str, str]) -> int:
    """A new ready answer; its id. The same once more is the same one.

    Raises BadInputError canned_name_length, canned_many or as ``checked``, ConflictError canned_name_taken.
    """
    name, kept = _checked(name, texts)
    in_turn(tx, who.group_id)
    known = _named(tx, who.group_id, name)
    if known is not None:
        if (known.text_en, known.text_es) == (kept["en"], kept["es"]):
            return known.id
        raise ConflictError("canned_name_taken")
    if tx.execute(select(func.count()).where(CannedReply.group_id == who.group_id)).scalar_one() >= MOST:
        raise BadInputError("canned_many", most=MOST)
    row = CannedReply(
        group_id=who.group_id, name=name, text_en=kept["en"], text_es=kept["es"], created_by=who.name,
        created_at=runtime.clock.real_now(),
    )  # fmt: skip
    tx.add(row)
    tx.flush()
    record_audit(tx, group_id=who.group_id, action="canned_added", subject=f"canned_reply:{row.id}", actor=who.name)
    return row.id


def change_canned(tx: Transaction, who: Actor, canned_id: int, name: str, texts: Mapping[str, str]) -> None:
    """Another name, other words. Raises as ``create_canned``, and NotFoundError."""
    name, kept = _checked(name, texts)
    in_turn(tx, who.group_id)
    row, known = find_canned(tx, who.group_id, canned_id), _named(tx, who.group_id, name)
    if known is not None and known.id != row.id:
        raise ConflictError("canned_name_taken")
    row.name, row.text_en, row.text_es = name, kept["en"], kept["es"]
    record_audit(
        tx, group_id=who.group_id, action="canned_changed", subject=f"canned_reply:{canned_id}", actor=who.name
    )


def delete_canned(tx: Transaction, who: Actor, canned_id: int) -> None:
    """Forget a ready answer; what was sent with it stays. Raises NotFoundError."""
    tx.delete(find_canned(tx, who.group_id, canned_id))
    record_audit(
        tx, group_id=who.group_id, action="canned_deleted", subject=f"canned_reply:{canned_id}", actor=who.name
    )


def _checked(name: str, texts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    name = " ".join(printable(name).split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInputError("canned_name_length", most=NAME_LENGTH)
    return name, {language: checked(text, language) for language, text in texts.items()}


def _named(tx: Transaction, group_id: int, name: str) -> CannedReply | None:
    return tx.execute(
        select(CannedReply).where(CannedReply.group_id == group_id, CannedReply.name == name)
    ).scalar_one_or_none()
