"""Threads between a group and a number: which of them wait for a person, and how urgently."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import case, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from outreach.core.db import Transaction
from outreach.core.hot import Hot
from outreach.messaging.models import Conversation

PERHAPS_OPTED_OUT, UNMATCHED, TO_READ, NO_HURRY, DONE = 0, 1, 2, 3, 9
RANKS: Final = {PERHAPS_OPTED_OUT: "possible_opt_out", UNMATCHED: "unmatched", TO_READ: "to_read", NO_HURRY: "no_hurry"}
"""How urgently a thread waits, most urgent first; DONE waits no more."""

_ANSWERED_ANYWHERE: Final = frozenset({"opt_in", "help", "language", "wrong_number"})
_ANSWERED_IN_A_CAMPAIGN: Final = frozenset({"report", "script", "call", "pledge"})
_SHORT_WORDS: Final = frozenset({"confirm", "deny", "decline"})


def rank_of(intent: str, rule: str, *, matched: bool) -> int:
    """How urgently a text waits for a person. ``matched``: it answers a campaign. Pure."""
    if intent == "possible_opt_out":
        return PERHAPS_OPTED_OUT
    if intent == "opt_out" or intent in _ANSWERED_ANYWHERE or rule == "tapback":
        return DONE
    if not matched:
        return UNMATCHED
    if intent in _ANSWERED_IN_A_CAMPAIGN:
        return DONE
    return NO_HURRY if intent in _SHORT_WORDS else TO_READ


def note_reply(
    tx: Transaction, *, group_id: int, number_hash: bytes, intent: str, rule: str, matched: bool, at: datetime
) -> None:
    """A text came (real time): its thread waits as urgently as its most urgent text, since the first that was so.

    A STOP ends the waiting.
    """
    rank = rank_of(intent, rule, matched=matched)
    said = {"group_id": group_id, "number_hash": number_hash, "rank": rank, "waits_since": at, "last_reply_at": at}
    _noting(tx.is_sqlite, ends=intent == "opt_out").run(tx, said)


def was_answered(tx: Transaction, group_id: int, number_hash: bytes) -> None:
    """A short word was for the machine after all: its thread waits no more, unless for something more urgent."""
    thread = Conversation.group_id == group_id, Conversation.number_hash == number_hash
    tx.execute(update(Conversation).where(*thread, Conversation.rank == NO_HURRY).values(rank=DONE))


@cache
def _noting(sqlites: bool, *, ends: bool) -> Hot:
    insert: Any = (sqlite if sqlites else postgresql).insert(Conversation)
    new = insert.excluded
    calmest = DONE if ends else case((Conversation.rank < new.rank, Conversation.rank), else_=new.rank)
    # Whoever writes again keeps their place in the queue; more urgent than before, the thread joins another one.
    anew = or_(Conversation.rank == DONE, Conversation.rank > new.rank)
    since = new.waits_since if ends else case((anew, new.waits_since), else_=Conversation.waits_since)
    return Hot(
        insert.on_conflict_do_update(
            index_elements=["group_id", "number_hash"],
            set_={"rank": calmest, "waits_since": since, "last_reply_at": new.last_reply_at},
        )
    )
