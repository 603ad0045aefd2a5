"""Words go after their time: 30 days after a campaign's last text its texts and replies are emptied (COMPLIANCE.md).
The words of opt-outs and people who have been idle for a year go in the same purge.

What stays are states, outcomes, totals and the keyed hash of the number: tallies and "has this person been texted
lately" go on being right. A text that somebody must still decide on, or that may still go out, is kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select, update

from outreach.calls.models import LIVE, TEST, CallLeg, CallSession
from outreach.core.runtime import Runtime
from outreach.messaging.models import Conversation, Gate, Message, Reply
from outreach.messaging.restored_models import FoundText
from outreach.messaging.sign_ups import purge_sign_ups
from outreach.messaging.states import BEFORE_POSTING
from outreach.people.upload_purge import purge_uploads
from outreach.privacy.erasure import IN_DOUBT
from outreach.privacy.idle import erase_idle
from outreach.privacy.ledger_words import purge_ledger_words, seal_plain_words

KEPT: Final = timedelta(days=30)
CHUNK: Final = 500
OPEN: Final = (*BEFORE_POSTING, *IN_DOUBT)
"""A text in one of these states may go out yet, or somebody must look at it."""


class Purged(NamedTuple):
    """How many texts and replies were emptied, uploads and unconfirmed sign-ups deleted, opt-outs left without their
    words, and people erased.
    """

    texts: int
    replies: int
    uploads: int
    sign_ups: int
    opt_outs: int
    people: int


def purge(runtime: Runtime) -> Purged:
    """Empty and delete what was kept for its time. May be killed and run again; 500 rows a transaction."""
    now, real_now = runtime.clock.now(), runtime.clock.real_now()
    over = _over(runtime, now)
    old = func.coalesce(Message.posted_at, Message.not_before) <= now - KEPT
    texts = _empty(
        runtime,
        Message.__table__,
        or_(Message.gate_id.in_(over), (Gate.kind != "wave") & old) & Message.state.not_in(OPEN),
    )
    heard = Reply.received_at <= real_now - KEPT
    replies = _empty(runtime, Reply.__table__, heard & or_(Reply.gate_id.is_(None), Reply.gate_id.in_(over)))
    call: Any = CallSession.__table__
    tested = (call.c.source == TEST) & (call.c.asked_at <= now - KEPT)
    _empty(runtime, call, or_(call.c.gate_id.in_(over), tested) & call.c.state.not_in(LIVE))
    _forget_whom(runtime, over)
    conversation: Any = Conversation.__table__
    _empty(runtime, conversation, conversation.c.handed_at <= real_now - KEPT)  # notes for whoever should answer
    seal_plain_words(runtime)
    with runtime.db.transaction() as tx:  # what the carrier had before a restore: nobody says it again so late
        tx.execute(delete(FoundText).where(FoundText.created_at <= real_now - KEPT))
    opt_outs = purge_ledger_words(runtime, real_now - KEPT)
    uploads, sign_ups = purge_uploads(runtime), purge_sign_ups(runtime)
    return Purged(texts, replies, uploads, sign_ups, opt_outs, erase_idle(runtime))


def purge_words(runtime: Runtime) -> int:
    """The same as a step of upkeep; how many texts, replies, opt-outs and people were emptied."""
    done = purge(runtime)
    return done.texts + done.replies + done.opt_outs + done.people


def _over(runtime: Runtime, now: datetime) -> list[int]:
    """Campaigns' gates whose last text went out so long ago, and in which nothing waits."""
    # All at once: asked of each gate, every message would be read for each.
    recent = select(Message.gate_id).where(or_(Message.state.in_(OPEN), Message.posted_at > now - KEPT))
    query = select(Gate.id).where(Gate.kind == "wave", Gate.created_at <= now - KEPT, Gate.id.not_in(recent))
    with runtime.db.snapshot() as session:
        return list(session.execute(query).scalars())


def _forget_whom(runtime: Runtime, over: list[int]) -> None:
    """Whom a captain was put through to goes as well; that there was such a call stays."""
    calls = select(CallSession.id).where(CallSession.gate_id.in_(over), CallSession.state.not_in(LIVE))
    with runtime.db.transaction() as tx:
        whom = CallLeg.member_id.is_not(None), CallLeg.session_id.in_(calls)
        tx.execute(update(CallLeg).where(*whom).values(member_id=None))


def _empty(runtime: Runtime, table: Any, which: ColumnElement[bool]) -> int:
    query = (
        select(table.c.id)
        .where(table.c.id > bindparam("after"), table.c.sealed.is_not(None), which)
        .order_by(table.c.id)
        .limit(CHUNK)
    )
    if table is Message.__table__:
        query = query.join(Gate, Gate.id == table.c.gate_id)
    after, emptied = 0, 0
    while True:
        with runtime.db.snapshot() as session:
            ids = list(session.execute(query, {"after": after}).scalars())
        if not ids:
            return emptied
        with runtime.db.transaction() as tx:
            tx.execute(update(table).where(table.c.id.in_(ids)).values(sealed=None))
        after, emptied = ids[-1], emptied + len(ids)
