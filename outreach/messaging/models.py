"""Texts and everything that is heard about them.

Nothing but the folder changes a message's state after ``posting``; what the carrier and people say is appended
as ``event`` rows. Times named ``real`` are the machine's; the others are domain time.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class Gate(Base):
    """What messages pass through: open, paused or closed. Each wave has one; so have a group's answers and sign-ups."""

    __tablename__ = "gate"

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    kind: Mapped[str] = mapped_column(String(16))  # wave, answers, sign_up, reconfirm, follow_up, reminder, thanks
    tactic: Mapped[str | None] = mapped_column(String(24))  # of a wave's campaign: what its texts ask people to do
    event_at: Mapped[datetime | None]  # when what they ask people to come to begins: nobody is asked how it went before
    state: Mapped[str] = mapped_column(String(8))  # open, paused, closed
    # Why it is not open: organizer, stand_down, or what halted it.
    reason: Mapped[str | None] = mapped_column(String(64))
    baseline: Mapped[dict[str, int] | None] = mapped_column(JSON)  # ``gates.Baseline`` of the last resumption
    # Gates to which a person must not have replied when this one's text goes out: it reminds the silent.
    unless_replied: Mapped[list[int] | None] = mapped_column(JSON)
    # Of a gate that is paced to an office: until when its texts may leave (domain time); null: it is not paced.
    sends_until: Mapped[datetime | None]
    woken_at: Mapped[datetime | None]  # real: when upkeep last asked a worker to send for it
    created_at: Mapped[datetime]


class GateText(Base):
    """The text of a gate in one language, frozen when the gate opens, with the values that are not personal. Of these
    only an office's number changes afterwards, when it is put right (``calls.offices``).

    ``variant`` is a, and b where two texts are tried against each other.
    """

    __tablename__ = "gate_text"

    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    variant: Mapped[str] = mapped_column(String(1), primary_key=True, default="a", server_default="a")
    template: Mapped[str] = mapped_column(Text)
    values: Mapped[dict[str, str]] = mapped_column(JSON)


PARKED = datetime(2999, 1, 1, tzinfo=UTC)
"""``not_before`` of a text that waits for the pace of its gate: it never comes, so nothing but the pacer lets it go."""
LEASED = "state in ('claimed', 'posting')"
IS_LEASED = text(f"message.{LEASED}")
"""Word for word what the index says: without it a query for one of the two reads every message."""


class Message(Base):
    """One text to one person."""

    __tablename__ = "message"
    __table_args__ = (
        Index(None, "number_hash"),
        Index(
            "ix_message_planned",
            "gate_id",
            "id",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
        Index(
            "ix_message_held",
            "not_before",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "ix_message_held_by_gate",
            "gate_id",
            "not_before",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "ix_message_leased",
            "lease_until",
            sqlite_where=text(LEASED),
            postgresql_where=text(LEASED),
        ),
        Index(
            "ix_message_check",
            "next_check_at",
            sqlite_where=text("next_check_at is not null"),
            postgresql_where=text("next_check_at is not null"),
        ),
        Index(
            "ix_message_review",
            "gate_id",
            sqlite_where=text("state = 'needs_review'"),
            postgresql_where=text("state = 'needs_review'"),
        ),
        # A recipient has one first message, and a message is sent again once at most.
        Index(
            "uq_message_recipient_id_first",
            "recipient_id",
            unique=True,
            sqlite_where=text("retry_of is null"),
            postgresql_where=text("retry_of is null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"))
    # The owner's key of whom this is for; a plain number, because messaging knows no recipients.
    recipient_id: Mapped[int | None]
    retry_of: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    decision: Mapped[str | None] = mapped_column(String(8))  # what a person chose in review: sent, again, left
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    # campaign, answer, script, confirmation, test, opt_in, reconfirm; ask_report, remind_report, pledge;
    # captain, captain_again, reminder, thanks
    kind: Mapped[str] = mapped_column(String(16))
    # The campaign's gate that an answer or a follow-up is about: it goes out by another one. A plain number.
    about_gate_id: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(2))
    variant: Mapped[str | None] = mapped_column(String(1))  # a or b where two texts are tried; else null
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # {to, body}, once it was rendered
    not_before: Mapped[datetime]
    asked_at: Mapped[datetime | None]  # domain time of the text that this answers; null: it has no such limit
    posted_at: Mapped[datetime | None]  # domain time of the commit after which the POST may begin
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]  # real
    carrier_sid: Mapped[str | None] = mapped_column(String(34), unique=True)
    error_code: Mapped[int | None]
    checks: Mapped[int] = mapped_column(default=0)  # reconciliation look-ups done
    next_check_at: Mapped[datetime | None]


class MessageAttempt(Base):
    """One POST, or the one that may have happened. At most one is open per message."""

    __tablename__ = "message_attempt"
    __table_args__ = (
        Index(
            "uq_message_attempt_message_id_open",
            "message_id",
            unique=True,
            sqlite_where=text("closed is 0"),  # as SQLAlchemy says is_(False): otherwise no query would find the index
            postgresql_where=text("closed is false"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    begun_at: Mapped[datetime]  # real, microseconds: the commit of its slice
    body_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    closed: Mapped[bool] = mapped_column(Boolean, default=False)  # proven not sent, or decided by a person


TOLD = "(from_counter like 'report:%' or to_counter like 'report:%')"
"""Of an event: it moves what people report. Written as its index is, or no planner would find the index."""


class Event(Base):
    """Something heard, appended once and folded once. A repeat adds to ``seen`` and changes nothing else.

    kind ``result``: what the POST of an attempt gave, key = accepted, rejected, not_sent, unknown.
    kind ``status``: a carrier's report, sid = MessageSid, key = its status.
    kind ``delta``: ``count`` rows moved between two counters of a gate (either side may be null).
    """

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("kind", "sid", "key"),
        Index(
            "ix_event_unfolded",
            "id",
            sqlite_where=text("folded_at is null"),
            postgresql_where=text("folded_at is null"),
        ),
        Index("ix_event_told", "gate_id", sqlite_where=text(f"folded_at is null and {TOLD}"),
              postgresql_where=text(f"folded_at is null and {TOLD}")),
        Index(None, "attempt_id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    sid: Mapped[str | None] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(32))
    attempt_id: Mapped[int | None]
    gate_id: Mapped[int | None]
    carrier_sid: Mapped[str | None] = mapped_column(String(34))
    error_code: Mapped[int | None]
    from_counter: Mapped[str | None] = mapped_column(String(32))
    to_counter: Mapped[str | None] = mapped_column(String(32))
    count: Mapped[int] = mapped_column(default=1)
    retry_after: Mapped[float | None] = mapped_column(Float)  # real seconds until a not-sent message may try again
    received_at: Mapped[datetime]  # real
    folded_at: Mapped[datetime | None]
    seen: Mapped[int] = mapped_column(default=1)


def of_kind(kind: str) -> ColumnElement[bool]:
    """That an event is of this kind, said so that SQLite does not go by (kind, sid, key): those are all that ever were
    of it, and most are folded.
    """
    return Event.kind + "" == kind


class Reply(Base):
    """A text from a person, stored once by its MessageSid, and what we took it to mean.

    What somebody reports by a key in a call, or on a page, is a row too, without words: ``channel`` is keypad or page
    then, and ``carrier_sid`` names the leg of the call, or the page's link.
    """

    __tablename__ = "reply"
    __table_args__ = (
        Index(None, "number_hash", "gate_id"),
        Index(None, "gate_id", "intent"),
        Index(None, "gate_id", "id"),
        # Whether somebody has told us, however many texts they have sent.
        Index("ix_reply_told", "number_hash", sqlite_where=text("outcome is not null"),
              postgresql_where=text("outcome is not null")),
        # What people reported lately.
        Index("ix_reply_reported", "group_id", "received_at", sqlite_where=text("outcome is not null"),
              postgresql_where=text("outcome is not null")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    carrier_sid: Mapped[str] = mapped_column(String(34), unique=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    gate_id: Mapped[int | None] = mapped_column(ForeignKey("gate.id"))  # null: it matched no campaign
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # {from, body}, until its words go
    intent: Mapped[str] = mapped_column(String(24))
    # What its sender did, as one of the tactic's outcomes (``config/tactics.toml``); both null where nothing is told.
    tactic: Mapped[str | None] = mapped_column(String(24))
    outcome: Mapped[str | None] = mapped_column(String(16))
    # A later report of the same person in the same campaign counts in place of this one.
    superseded: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    channel: Mapped[str] = mapped_column(String(8), default="text", server_default="text")
    language: Mapped[str] = mapped_column(String(3))
    confidence: Mapped[float] = mapped_column(Float)
    rule: Mapped[str] = mapped_column(String(64))
    classifier: Mapped[str] = mapped_column(String(16))
    corrected_by: Mapped[str | None] = mapped_column(String(120))  # who changed intent or outcome by hand
    received_at: Mapped[datetime]  # real


class Conversation(Base):
    """A group's thread with one number: whether it waits, who takes care of it, and to whom it was handed.

    A claim ends by itself (``threads.holder_of``). ``sealed``: {"note"} of whoever handed it over.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("group_id", "number_hash"),
        Index(None, "group_id", "rank", "waits_since", "id"),
        Index(None, "group_id", "last_reply_at", "id"),
        Index(
            "ix_conversation_claimed",
            "group_id",
            "claimed_by",
            "rank",
            "waits_since",
            "id",
            sqlite_where=text("claimed_by is not null"),
            postgresql_where=text("claimed_by is not null"),
        ),
        Index(
            "ix_conversation_handed",
            "group_id",
            "handed_to",
            "rank",
            "waits_since",
            "id",
            sqlite_where=text("handed_to is not null"),
            postgresql_where=text("handed_to is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    rank: Mapped[int]  # how urgently it waits, lowest first (``conversations.RANKS``); DONE: it does not wait
    waits_since: Mapped[datetime]  # real: the first text that waits so urgently; where nothing waits, the last one
    last_reply_at: Mapped[datetime]  # real
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    claimed_at: Mapped[datetime | None]  # real: the holder's last act
    handed_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    handed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    handed_at: Mapped[datetime | None]  # real
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)


class Tally(Base):
    """Counters of a gate, written by the folder only."""

    __tablename__ = "tally"

    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int]


class Timeline(Base):
    """What was added to a gate's counters in each minute of domain time, written by the folder only."""

    __tablename__ = "timeline"

    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"), primary_key=True)
    minute: Mapped[int] = mapped_column(primary_key=True)  # minutes since 1970
    name: Mapped[str] = mapped_column(String(32), primary_key=True)  # delivered, replies, reports, opted_out
    count: Mapped[int]
