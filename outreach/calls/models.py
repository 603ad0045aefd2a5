"""A call that somebody asked for, and its legs to offices, or to somebody of a captain's branch.

Times named real are the machine's; the others are domain time.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

LIVE = ("waiting", "placing", "unknown", "placed", "talking")
"""States of a session that is not over: a number has one at most."""
TEST = "test"
"""The source of a call that an organizer has made to hear a draft, and in its document the words of it."""
CAPTAIN, MEMBER = "captain", "member"
"""Sources of a phone tree's calls: a captain is asked to lead, and one is put through to somebody of their branch."""
IS_LIVE = "state in ('waiting', 'placing', 'unknown', 'placed', 'talking')"
GOES_ON = text(f"call_session.{IS_LIVE}")
"""Word for word what the index says: a query for some of them that leaves it out reads every session there was."""


class CallSession(Base):
    """One call with a constituent, from the asking to its end.

    States: ``waiting -> placing -> placed -> talking -> ended``, with ``unknown`` (created, answer lost), ``refused``
    (the carrier would not), ``canceled`` (nobody was called). ``ending``: the carrier's last status, or why not.
    """

    __tablename__ = "call_session"
    __table_args__ = (
        Index(None, "number_hash"),
        Index(None, "gate_id", "id"),
        Index("uq_call_session_live", "number_hash", unique=True, sqlite_where=text(IS_LIVE),
              postgresql_where=text(IS_LIVE)),
        Index("ix_call_session_live", "not_before", sqlite_where=text(IS_LIVE), postgresql_where=text(IS_LIVE)),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    gate_id: Mapped[int] = mapped_column(ForeignKey("gate.id"))  # of the campaign
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes | None] = mapped_column(
        LargeBinary
    )  # {to, known, said}, until its words go; of a test also {once, test}, of a tree's {captain} or {member}
    language: Mapped[str] = mapped_column(String(2))
    source: Mapped[str] = mapped_column(String(8))  # reply, page, dial_in, later, test, captain, member
    state: Mapped[str] = mapped_column(String(8))
    ending: Mapped[str | None] = mapped_column(String(16))
    # Where the call is (``flow.Place``), and the number of its next turn.
    stage: Mapped[str] = mapped_column(String(8))
    line: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    step: Mapped[int] = mapped_column(default=0)
    office_ids: Mapped[list[int]] = mapped_column(JSON)  # the offices, in the order of trying them
    carrier_sid: Mapped[str | None] = mapped_column(String(34))
    heard_sequence: Mapped[int] = mapped_column(default=-1)  # of the last status that was heard
    asked_at: Mapped[datetime]
    not_before: Mapped[datetime]
    lease_until: Mapped[datetime | None]  # real: when nothing heard by then means that nothing will be
    ended_at: Mapped[datetime | None]
    minutes: Mapped[int] = mapped_column(default=0, server_default="0")  # begun, and counted as spent


class CallLeg(Base):
    """One office that a caller was put through to, or somebody of a captain's branch: ``member_id``, until words go.

    ``status`` is the carrier's word, ``outcome`` the person's (``config/tactics.toml``), ``answer`` what the office
    said on the policy: yes, no, would_not_say.
    """

    __tablename__ = "call_leg"
    __table_args__ = (
        UniqueConstraint("session_id", "number"),
        Index("ix_call_leg_open", "office_id", sqlite_where=text("ended_at is null"),
              postgresql_where=text("ended_at is null")),
        Index("ix_call_leg_member_id", "member_id", sqlite_where=text("member_id is not null"),
              postgresql_where=text("member_id is not null")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("call_session.id"))
    number: Mapped[int]  # of the step at which it was dialled
    office_id: Mapped[int | None] = mapped_column(ForeignKey("office.id"))
    member_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    carrier_sid: Mapped[str | None] = mapped_column(String(34))
    status: Mapped[str | None] = mapped_column(String(16))
    seconds: Mapped[int | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    answer: Mapped[str | None] = mapped_column(String(16))
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    minutes: Mapped[int] = mapped_column(default=0, server_default="0")  # begun, and counted as spent
