"""Signing up on a group's page: the number is asked by text, and only a yes from that number is consent.

Whatever the number is, the same is done as far as anybody can see: nobody finds out here who is known or opted out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from config import table
from outreach.accounts.models import Group
from outreach.core.db import Job, Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.phone import check_phone
from outreach.core.runtime import Runtime
from outreach.messaging.events import append, delta
from outreach.messaging.gates import SEND_BATCH, sign_up_gate
from outreach.messaging.models import Message
from outreach.messaging.render import fill, printable
from outreach.messaging.sign_up_models import SignUp, SignUpTry
from outreach.messaging.sign_up_rules import (
    LONGEST,
    ONE_ADDRESS,
    ONE_GROUP,
    ONE_NUMBER,
    ONE_PREFIX,
    Limit,
    allows,
    network_of,
    prefix_of,
)
from outreach.messaging.sign_up_watch import asked_key, is_closed
from outreach.people.consent import is_suppressed, lock_people
from outreach.people.quiet_hours import window
from outreach.people.zones import zones_for, zones_key

KIND: Final = "opt_in"
CONTEXT: Final = "sign_up"
ANSWER_WITHIN: Final = timedelta(hours=24)
"""So long after its text may go out a sign-up waits for the yes."""
NAME_LENGTH: Final = 60
CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class Filled:
    """The page as somebody filled it in. ``wording``: the words beside the box they ticked, in ``language``."""

    phone: str
    first_name: str
    zip: str | None
    language: str
    wording: str


def ask_to_join(runtime: Runtime, group_id: int, filled: Filled, address: str | None) -> None:
    """Keep a sign-up for a day, and ask its number by text unless it must not be texted or was asked lately.

    Raises BadInputError with the number's reason (``outreach.core.phone``), NotFoundError for no such group, and
    ConflictError: sign_ups_too_many when page or address was used too often, sign_ups_by_text when the page takes no
    numbers like this one for now, and people text JOIN instead. Never anything about the number's owner.
    """
    verdict = check_phone(filled.phone)
    if verdict.e164 is None:
        raise BadInputError(verdict.reason or "not_a_number")
    number_hash = runtime.vault.number_hash(verdict.e164)
    now = runtime.clock.now()
    with runtime.db.transaction() as tx:
        # One at a time in a group, so that the counts hold; other writers of the group are not kept waiting.
        group = tx.execute(select(Group.name).where(Group.id == group_id).with_for_update(key_share=True)).scalar()
        if group is None:
            raise NotFoundError("sign_up_page_unknown")
        if is_closed(tx, group_id):
            raise ConflictError("sign_ups_by_text")
        _count(tx, runtime, group_id, address, verdict.e164)
        lock_people(tx, [number_hash])
        gate_id = sign_up_gate(tx, group_id, runtime.clock)
        message_id, due = None, now
        if _may_ask(tx, number_hash, group_id, now):
            zones = zones_for(verdict.e164, filled.zip)
            body = fill(table("message_templates/sign_up")["ask"][filled.language], {"group": group})
            document = {"to": verdict.e164, "body": body, "zones": zones_key(zones)}
            message_id = _plan(tx, runtime, group_id, gate_id, number_hash, filled.language, document)
            due = window(zones, now).opens_at or now
        _keep(tx, runtime, group_id, number_hash, verdict.e164, filled, message_id, now, due + ANSWER_WITHIN)
        tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))  # in any case: what is asked for must not show


def _count(tx: Transaction, runtime: Runtime, group_id: int, address: str | None, e164: str) -> None:
    """Count this use for its address, its group and its block of numbers. Raises ConflictError, and counts nothing."""
    real = runtime.clock.real_now()
    counted: tuple[tuple[bytes, tuple[Limit, ...]], ...] = (
        (runtime.vault.text_hash(f"sign-up address {network_of(address)}"), ONE_ADDRESS),
        (asked_key(runtime.vault, group_id), ONE_GROUP),
        (runtime.vault.text_hash(f"sign-up prefix {prefix_of(e164)}"), ONE_PREFIX),
    )
    for who, limits in counted:
        earlier = tx.execute(select(SignUpTry.at).where(SignUpTry.who == who, SignUpTry.at > real - LONGEST)).scalars()
        if not allows(limits, earlier, real):
            raise ConflictError("sign_ups_by_text" if limits is ONE_PREFIX else "sign_ups_too_many")
    tx.add_all([SignUpTry(who=who, at=real) for who, _ in counted])


def _may_ask(tx: Transaction, number_hash: bytes, group_id: int, now: datetime) -> bool:
    asked = select(func.coalesce(Message.posted_at, Message.not_before)).where(
        Message.number_hash == number_hash, Message.kind == KIND, Message.state.not_in(("suppressed", "canceled"))
    )
    suppressed = is_suppressed(tx, number_hash, group_id)
    return allows(ONE_NUMBER, tx.execute(asked).scalars(), now) and not suppressed


def _plan(
    tx: Transaction, runtime: Runtime, group_id: int, gate_id: int, number_hash: bytes, language: str,
    document: dict[str, str],
) -> int:  # fmt: skip
    message = Message(
        group_id=group_id,
        gate_id=gate_id,
        number_hash=number_hash,
        kind=KIND,
        state="planned",
        language=language,
        sealed=runtime.vault.seal(document, "message"),
        not_before=runtime.clock.now(),
    )
    tx.add(message)
    tx.flush()
    append(tx, [delta(gate_id, None, "planned", 1, runtime.clock.real_now())])
    return message.id


def _keep(
    tx: Transaction, runtime: Runtime, group_id: int, number_hash: bytes, e164: str, filled: Filled,
    message_id: int | None, now: datetime, expires_at: datetime,
) -> None:  # fmt: skip
    """The pending row. While one waits for its answer, what was typed last counts, and it waits no longer for that."""
    document = {"phone": e164, "first_name": printable(filled.first_name)[:NAME_LENGTH]}
    typed = {
        "sealed": runtime.vault.seal(document, CONTEXT), "zip": filled.zip, "language": filled.language,
        "wording": filled.wording,
    }  # fmt: skip
    waiting = (SignUp.group_id == group_id, SignUp.number_hash == number_hash)
    if message_id is None:
        still = update(SignUp).where(*waiting, SignUp.expires_at > now).values(typed).returning(SignUp.id)
        if tx.execute(still).first():
            return
    new = {**typed, "message_id": message_id, "created_at": now, "expires_at": expires_at}
    insert: Any = (sqlite if tx.is_sqlite else postgresql).insert(SignUp)
    insert = insert.values(group_id=group_id, number_hash=number_hash, **new)
    tx.execute(insert.on_conflict_do_update(index_elements=["group_id", "number_hash"], set_=new))


def purge_sign_ups(runtime: Runtime) -> int:
    """Delete sign-ups that nobody confirmed in time, with texts of theirs that did not go, and old counts. How many."""
    purged = 0
    while chunk := _purge_some(runtime):
        purged += chunk
    with runtime.db.transaction() as tx:
        tx.execute(delete(SignUpTry).where(SignUpTry.at <= runtime.clock.real_now() - LONGEST))
    return purged


def _purge_some(runtime: Runtime) -> int:
    with runtime.db.transaction() as tx:
        over = select(SignUp.id, SignUp.message_id).where(SignUp.expires_at <= runtime.clock.now())
        rows = tx.execute(over.order_by(SignUp.expires_at).limit(CHUNK).with_for_update(skip_locked=True)).all()
        withdraw_asking(tx, [row.message_id for row in rows if row.message_id], runtime.clock.real_now())
        tx.execute(delete(SignUp).where(SignUp.id.in_([row.id for row in rows])))
    return len(rows)


def withdraw_asking(tx: Transaction, message_ids: list[int], at: datetime) -> None:
    """Cancel those of these texts that wait for a sender: there is nothing to ask any more. ``at``: real time."""
    waiting = (
        select(Message.id, Message.gate_id, Message.state)
        .where(Message.id.in_(message_ids), Message.state.in_(("planned", "held")))
        .order_by(Message.id)
        .with_for_update()
    )
    rows = tx.execute(waiting).all() if message_ids else []
    tx.execute(update(Message).where(Message.id.in_([row.id for row in rows])).values(state="canceled"))
    append(tx, [delta(row.gate_id, row.state, "canceled", 1, at) for row in rows])
