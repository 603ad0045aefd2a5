"""Everything that a group keeps about one number, for the person whose it is: they may ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from outreach.accounts.audit import record_audit
from outreach.calls.models import CallLeg, CallSession
from outreach.core.crypto import Vault
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from outreach.messaging import inbox, thread_tags
from outreach.messaging.follow_up_models import FollowUp
from outreach.messaging.inbox_models import ConversationTag, ThreadTag
from outreach.messaging.models import PARKED, Conversation, Message, Reply
from outreach.messaging.reminder_models import Reminder
from outreach.messaging.sign_up_models import SignUp
from outreach.messaging.states import public_state
from outreach.officials.plan_people import parts_of
from outreach.officials.promises import watched_by
from outreach.people.consent import WORDS
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership, Suppression
from outreach.phone_tree.listing import trees_of_person
from outreach.privacy.reasons import valid_reason

log = structlog.get_logger(__name__)

ACTION: Final = "person_disclosed"


def disclose(runtime: Runtime, group_id: int, number_hash: bytes, *, reason: str, actor: str) -> dict[str, Any]:
    """What the group keeps under a number, ready for JSON; ``person`` is null where nobody has it.

    Who asked and why goes into the book first. Raises BadInputError without a reason.
    """
    because = valid_reason(reason)
    with runtime.db.snapshot() as session:
        found = _everything(session, runtime.vault, group_id, number_hash)
    subject = found["person"]["id"] if found["person"] else 0
    with runtime.db.transaction() as tx:
        record_audit(
            tx, group_id=group_id, actor=actor, action=ACTION, subject=f"constituent:{subject}",
            at=runtime.clock.real_now(), because=because,
        )  # fmt: skip
    return found


def _everything(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> dict[str, Any]:
    own = (group_id, number_hash)
    return {
        "person": _person(session, vault, *own),
        "consent": _consent(session, vault, *own),
        "suppressions": _suppressions(session, *own),
        "texts": _texts(session, vault, *own),
        "replies": _replies(session, vault, *own),
        "follow_ups": _follow_ups(session, *own),
        "reminders": _reminders(session, *own),
        "promises_watched": _promises(session, *own),
        "calls": _calls(session, *own),
        "phone_trees": trees_of_person(session, *own),
        "calls_of_captains": _calls_of_captains(session, *own),
        "before_meetings": _before_meetings(session, *own),
        "thread": _thread(session, vault, *own),
        "sign_up": _sign_up(session, vault, *own),
    }


def _person(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> dict[str, Any] | None:
    row = session.execute(
        select(Constituent).where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
    ).scalar()
    if row is None:
        return None
    lists = session.execute(
        select(ContactList.name)
        .join(ListMembership, ListMembership.list_id == ContactList.id)
        .where(ListMembership.constituent_id == row.id)
        .order_by(ContactList.name)
    ).scalars()
    return {
        "id": row.id,
        **_opened(vault, row.sealed, "constituent"),
        "zip": row.zip,
        "language": row.language,
        "zones": row.zones.split(",") if row.zones else [],
        "lists": list(lists),
        "consented_at": _iso(row.consented_at),
        "number_bad_at": _iso(row.number_bad_at),
        "number_bad_code": row.number_bad_code,
        "created_at": _iso(row.created_at),
        "updated_at": _iso(row.updated_at),
    }


def _consent(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    rows = session.execute(
        select(ConsentEvent)
        .where(ConsentEvent.group_id == group_id, ConsentEvent.number_hash == number_hash)
        .order_by(ConsentEvent.at, ConsentEvent.id)
    ).scalars()
    return [
        {
            "kind": row.kind,
            "source": row.source,
            "words": row.wording or _opened(vault, row.sealed, WORDS).get("words"),
            "recorded_by": row.recorded_by,
            "at": _iso(row.at),
            "voided_at": _iso(row.voided_at),
        }
        for row in rows
    ]


def _suppressions(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    rows: Sequence[Suppression] = (
        session.execute(
            select(Suppression)
            .where(
                Suppression.number_hash == number_hash,
                or_(Suppression.group_id.is_(None), Suppression.group_id == group_id),
            )
            .order_by(Suppression.at, Suppression.id)
        )
        .scalars()
        .all()
    )
    return [
        {
            "for_every_group": row.group_id is None,
            "source": row.source,
            "at": _iso(row.at),
            "lifted_at": _iso(row.lifted_at),
            "lifted_reason": row.lifted_reason,
        }
        for row in rows
    ]


def _texts(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Message.kind, Message.state, Message.language, Message.sealed, Message.not_before, Message.posted_at)
        .where(Message.group_id == group_id, Message.number_hash == number_hash)
        .order_by(Message.id)
    )
    return [
        {
            "kind": row.kind,
            "state": public_state(row.state),
            "language": row.language,
            "body": _opened(vault, row.sealed, "message").get("body"),
            "not_before": None if row.not_before == PARKED else _iso(row.not_before),
            "sent_at": _iso(row.posted_at),
        }
        for row in rows
    ]


def _replies(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Reply.sealed, Reply.intent, Reply.outcome, Reply.language, Reply.received_at)
        .where(Reply.group_id == group_id, Reply.number_hash == number_hash)
        .order_by(Reply.id)
    )
    return [
        {
            "body": _opened(vault, row.sealed, "reply").get("body"),
            "understood_as": row.intent,
            "outcome": row.outcome,
            "language": row.language,
            "received_at": _iso(row.received_at),
        }
        for row in rows
    ]


def _follow_ups(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """What the group owes the conversation: questions and reminders, and when."""
    rows = session.execute(
        select(FollowUp.kind, FollowUp.state, FollowUp.reason, FollowUp.due_at)
        .where(FollowUp.group_id == group_id, FollowUp.number_hash == number_hash)
        .order_by(FollowUp.id)
    )
    return [{"kind": row.kind, "state": row.state, "reason": row.reason, "due_at": _iso(row.due_at)} for row in rows]


def _reminders(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """Of what the group reminded them as a member, and when."""
    rows = session.execute(
        select(Reminder.kind, Reminder.step, Reminder.state, Reminder.reason, Reminder.due_at)
        .join(Constituent, Constituent.id == Reminder.constituent_id)
        .where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
        .order_by(Reminder.id)
    )
    return [
        {"kind": row.kind, "step": row.step, "state": row.state, "reason": row.reason, "due_at": _iso(row.due_at)}
        for row in rows
    ]


def _promises(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """Promises of officials that they watch over."""
    person = session.execute(
        select(Constituent.id).where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
    ).scalar()
    rows = watched_by(session, group_id, person) if person is not None else []
    return [
        {"promise": row.text, "state": row.state, "due_on": row.due_on.isoformat() if row.due_on else None}
        for row in rows
    ]


def _calls(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """Calls they had, and what was noted of each office: what the carrier told, what they told, what it said.

    ``members``: of calls as a captain, how those to people of their branch ended; who they were is theirs to ask.
    """
    sessions = session.execute(
        select(CallSession).where(CallSession.group_id == group_id, CallSession.number_hash == number_hash)
    ).scalars()
    return [
        {
            "asked_by": call.source,
            "asked_at": _iso(call.asked_at),
            "state": call.state,
            "ending": call.ending,
            "offices": [
                {"status": leg.status, "seconds": leg.seconds, "outcome": leg.outcome, "answer": leg.answer}
                for leg in session.execute(
                    select(CallLeg)
                    .where(CallLeg.session_id == call.id, CallLeg.office_id.is_not(None))
                    .order_by(CallLeg.number)
                ).scalars()
            ],
            "members": [
                {"status": leg.status, "seconds": leg.seconds}
                for leg in session.execute(
                    select(CallLeg)
                    .where(CallLeg.session_id == call.id, CallLeg.office_id.is_(None))
                    .order_by(CallLeg.number)
                ).scalars()
            ],
        }
        for call in sessions
    ]


def _calls_of_captains(session: Session, group_id: int, number_hash: bytes) -> list[dict[str, Any]]:
    """When somebody who leads their branch of a phone tree was put through to them."""
    rows = session.execute(
        select(CallLeg)
        .join(Constituent, Constituent.id == CallLeg.member_id)
        .where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
        .order_by(CallLeg.id)
    ).scalars()
    return [{"begun_at": _iso(leg.begun_at), "status": leg.status, "seconds": leg.seconds} for leg in rows]


def _before_meetings(session: Session, group_id: int, number_hash: bytes) -> dict[str, Any]:
    """Meetings of the group in which they have a part, and the tasks that they took on."""
    person = session.execute(
        select(Constituent.id).where(Constituent.group_id == group_id, Constituent.number_hash == number_hash)
    ).scalar()
    return parts_of(session, group_id, person) if person is not None else {"meetings": [], "tasks": []}


def _thread(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> dict[str, Any] | None:
    """What the group's people wrote beside the texts: tags, and a note for whoever should answer."""
    row = session.execute(
        select(Conversation).where(Conversation.group_id == group_id, Conversation.number_hash == number_hash)
    ).scalar()
    if row is None:
        return None
    tags = session.execute(
        select(ThreadTag.sealed)
        .join(ConversationTag, ConversationTag.tag_id == ThreadTag.id)
        .where(ConversationTag.conversation_id == row.id)
    ).scalars()
    return {
        "tags": sorted(str(_opened(vault, sealed, thread_tags.CONTEXT).get("name")) for sealed in tags),
        "note": _opened(vault, row.sealed, inbox.NOTE).get("note"),
        "last_text_at": _iso(row.last_reply_at),
    }


def _sign_up(session: Session, vault: Vault, group_id: int, number_hash: bytes) -> dict[str, Any] | None:
    """What was typed on the sign-up page under this number and waits for its owner's yes."""
    row = session.execute(select(SignUp).where(SignUp.group_id == group_id, SignUp.number_hash == number_hash)).scalar()
    if row is None:
        return None
    return {
        **_opened(vault, row.sealed, "sign_up"), "zip": row.zip, "language": row.language, "wording": row.wording,
        "created_at": _iso(row.created_at), "expires_at": _iso(row.expires_at),
    }  # fmt: skip


def _opened(vault: Vault, sealed: bytes | None, context: str) -> dict[str, Any]:
    """One damaged document must not hide the others."""
    try:
        return vault.open(sealed, context) if sealed else {}
    except (OutreachError, IndexError) as error:
        log.error("document_not_opened", context=context, error=str(getattr(error, "code", error)))
        return {}


def _iso(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
