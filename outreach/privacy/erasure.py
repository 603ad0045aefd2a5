"""Forgetting a person in one group, on request or because nothing was heard of them for a year.

What texts and recipients refer to is a row, so the row stays and everything in it goes: its document is emptied, its
hash becomes chance, it leaves every list and phone tree, has no part in a meeting, is named in no log that began from
a plan with it, and watches over no promise. Texts and replies lose their words, texts that wait are canceled.
What stays under the number's keyed hash is what protects the person: suppressions and the ledger's entries, so that an
import of the same number finds the opt-out; and what is counted by it: recipients, texts, the seats of phone trees'
runs. Tallies stay as they are.

A text that is being posted, or whose fate nobody knows yet, keeps its words until that is settled: it is looked up
by them. They go with its campaign's, 30 days after its last text.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, case, delete, func, select, update

from outreach.accounts.audit import record_audit
from outreach.calls.counts import count_call
from outreach.calls.models import CallLeg, CallSession
from outreach.core.crypto import HASH_BYTES
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.messaging.conversations import DONE
from outreach.messaging.inbox_models import ConversationTag
from outreach.messaging.models import Conversation, Message, Reply
from outreach.messaging.optout import cancel_waiting
from outreach.messaging.reminder_models import Reminder
from outreach.messaging.sign_up_models import SignUp
from outreach.officials.plan_people import forget_people
from outreach.officials.promises import leave_promises
from outreach.people.consent import lock_people
from outreach.people.facet_hashes import NO_CITY
from outreach.people.models import ConsentEvent, Constituent, ImportChange, ListMembership
from outreach.people.segment_models import ConstituentTag
from outreach.phone_tree.editing import leave_trees
from outreach.privacy.attended import leave_logs
from outreach.privacy.reasons import valid_reason

IN_DOUBT: Final = ("posting", "unknown", "needs_review")
ACTION: Final = "person_erased"

_person: Any = Constituent.__table__
_message: Any = Message.__table__
_NUMBERS: Any = bindparam("numbers", expanding=True)
_GROUP: Any = bindparam("group")
_FOUND = select(_person.c.id, _person.c.number_hash).where(
    _person.c.group_id == _GROUP, _person.c.number_hash.in_(_NUMBERS), _person.c.erased_at.is_(None)
)
_OF_MESSAGE = (_message.c.group_id == _GROUP, _message.c.number_hash.in_(_NUMBERS))
_UNSETTLED = select(func.count()).where(*_OF_MESSAGE, _message.c.state.in_(IN_DOUBT))
_EMPTY_TEXTS = (
    update(_message)
    .where(*_OF_MESSAGE, _message.c.sealed.is_not(None), _message.c.state.not_in(IN_DOUBT))
    .values(sealed=None)
)
_EMPTY_REPLIES = (
    update(Reply)
    .where(Reply.group_id == _GROUP, Reply.number_hash.in_(_NUMBERS), Reply.sealed.is_not(None))
    .values(sealed=None)
)
_EMPTY_LEDGER = (
    update(ConsentEvent)
    .where(ConsentEvent.group_id == _GROUP, ConsentEvent.number_hash.in_(_NUMBERS), ConsentEvent.sealed.is_not(None))
    .values(sealed=None)
)
_LEAVE_SIGN_UPS = delete(SignUp).where(SignUp.group_id == _GROUP, SignUp.number_hash.in_(_NUMBERS))
"""Typed into the page and not confirmed yet: number and name stand in it."""
_END_CALLS = (
    update(CallSession)
    .where(CallSession.group_id == _GROUP, CallSession.number_hash.in_(_NUMBERS), CallSession.sealed.is_not(None))
    .values(
        sealed=None,
        state=case((CallSession.state == "waiting", "canceled"), else_=CallSession.state),
        ending=case((CallSession.state == "waiting", "erased"), else_=CallSession.ending),
    )
)
_WAITING_CALLS = select(CallSession.id, CallSession.gate_id, CallSession.source).where(
    CallSession.group_id == _GROUP, CallSession.number_hash.in_(_NUMBERS), CallSession.sealed.is_not(None),
    CallSession.state == "waiting",
)  # fmt: skip
_CALM = (
    update(Conversation)
    .where(Conversation.group_id == _GROUP, Conversation.number_hash.in_(_NUMBERS))
    .values(
        rank=DONE, claimed_by=None, claimed_at=None, handed_to=None, handed_by=None, handed_at=None, sealed=None
    )
)  # fmt: skip
_UNTAG = delete(ConversationTag).where(
    ConversationTag.conversation_id.in_(
        select(Conversation.id).where(Conversation.group_id == _GROUP, Conversation.number_hash.in_(_NUMBERS))
    )
)
_FORGET_BEFORE = delete(ImportChange).where(ImportChange.constituent_id.in_(bindparam("ids", expanding=True)))
_LEAVE_CALLS = update(CallLeg).where(CallLeg.member_id.in_(bindparam("ids", expanding=True))).values(member_id=None)
"""A captain was put through to them."""
_LEAVE_TAGS = delete(ConstituentTag).where(ConstituentTag.constituent_id.in_(bindparam("ids", expanding=True)))
_LEAVE_REMINDERS = delete(Reminder).where(Reminder.constituent_id.in_(bindparam("ids", expanding=True)))
_LEAVE_LISTS = delete(ListMembership).where(ListMembership.constituent_id.in_(bindparam("ids", expanding=True)))
_BLANK = (
    update(_person)
    .where(_person.c.id == bindparam("its_id"))
    .values(
        sealed=bindparam("empty"), number_hash=bindparam("chance"), erased_at=bindparam("at"),
        updated_at=bindparam("at"), number_bad_at=bindparam("at"), number_bad_code=None, consented_at=None, zip=None,
        language="en", zones="", city_hash=NO_CITY,
    )
)  # fmt: skip
"""With ``number_bad_at`` no second try is made either. Made once: a purge runs them thousands of times."""


class Erased(NamedTuple):
    """How many people were erased, texts canceled, texts and replies emptied; and texts that keep their words yet."""

    people: int = 0
    canceled: int = 0
    texts: int = 0
    replies: int = 0
    in_doubt: int = 0

    @property
    def changed(self) -> bool:
        """Whether there was anything to erase."""
        return any(self[:4])


def number_of_person(runtime: Runtime, group_id: int, person_id: int) -> bytes | None:
    """The hash under which a person is known; None for one who was erased. Raises NotFoundError for another group's."""
    with runtime.db.snapshot() as session:
        row = session.execute(
            select(Constituent.number_hash, Constituent.erased_at).where(
                Constituent.id == person_id, Constituent.group_id == group_id
            )
        ).first()
    if row is None:
        raise NotFoundError("person_unknown")
    return None if row.erased_at else row.number_hash


def erase_number(runtime: Runtime, group_id: int, number_hash: bytes | None, *, reason: str, actor: str) -> Erased:
    """Forget whoever has this number in the group, and what they wrote. Again, or without a number, it changes nothing.

    Who did it and why goes into the book in the same transaction. Raises BadInputError without a reason.
    """
    because = valid_reason(reason)
    if number_hash is None:
        return Erased()
    with runtime.db.transaction(durable=True) as tx:
        ids = tx.connection().execute(_FOUND, {"group": group_id, "numbers": [number_hash]}).scalars().all()
        erased = erase_in(tx, runtime, group_id, [number_hash])
        if erased.changed:
            record_audit(
                tx, group_id=group_id, actor=actor, action=ACTION, subject=f"constituent:{ids[0] if ids else 0}",
                at=runtime.clock.real_now(), because=because, **erased._asdict(),
            )  # fmt: skip
    return erased


def erase_in(tx: Transaction, runtime: Runtime, group_id: int, number_hashes: Sequence[bytes]) -> Erased:
    """The same for some numbers (500 at most) in the caller's transaction, without the book."""
    lock_people(tx, number_hashes)
    connection, now = tx.connection(), runtime.clock.now()
    which = {"group": group_id, "numbers": list(number_hashes)}
    canceled = cancel_waiting(tx, group_id, number_hashes, runtime.clock.real_now())
    ids = [row.id for row in connection.execute(_FOUND, which)]  # a later statement than the lock
    in_doubt = connection.execute(_UNSETTLED, which).scalar_one()
    texts = connection.execute(_EMPTY_TEXTS, which).rowcount
    replies = connection.execute(_EMPTY_REPLIES, which).rowcount
    connection.execute(_EMPTY_LEDGER, which)
    connection.execute(_LEAVE_SIGN_UPS, which)
    calls = connection.execute(_WAITING_CALLS, which).all()
    connection.execute(_END_CALLS, which)
    for call in calls:
        count_call(tx, call, "canceled", runtime.clock.real_now())
    connection.execute(_CALM, which)
    connection.execute(_UNTAG, which)
    if ids:
        connection.execute(_LEAVE_LISTS, {"ids": ids})
        connection.execute(_LEAVE_TAGS, {"ids": ids})
        connection.execute(_LEAVE_CALLS, {"ids": ids})
        connection.execute(_FORGET_BEFORE, {"ids": ids})
        leave_trees(tx, ids)
        leave_logs(tx, runtime.vault, ids)
        forget_people(tx, ids)
        leave_promises(tx, ids)
        connection.execute(_LEAVE_REMINDERS, {"ids": ids})
        connection.execute(_BLANK, [_blank(runtime, person, now) for person in ids])
    return Erased(len(ids), canceled, texts, replies, in_doubt)


def _blank(runtime: Runtime, person_id: int, now: datetime) -> dict[str, Any]:
    return {
        "its_id": person_id,
        "empty": runtime.vault.seal({}, "constituent"),
        "chance": os.urandom(HASH_BYTES),
        "at": now,
    }
