"""What a group prepares before a meeting with an official: the plan, its checklist, requests for records, partners.

People who take part are constituents of the group, by id. Where one is erased, the column is emptied
(``plan_people.forget_people``); free text is about officials and their offices, as it is in meetings.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

AHEAD = "state = 'confirmed'"
TO_DO = "done_at is null"


class MeetingPlan(Base):
    """A meeting that is asked for or agreed. States: asked, confirmed, held, called_off, refused."""

    __tablename__ = "meeting_plan"
    __table_args__ = (
        Index(None, "group_id", "official_id"),
        # Reminders look for what begins soon.
        Index("ix_meeting_plan_ahead", "starts_at", sqlite_where=text(AHEAD), postgresql_where=text(AHEAD)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    state: Mapped[str] = mapped_column(String(12))
    staff_name: Mapped[str | None] = mapped_column(String(200))  # whom we meet in the official's place
    staff_role: Mapped[str | None] = mapped_column(String(120))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # {email, phone} of that person
    asked_for_at: Mapped[datetime | None]  # domain time, as is every time here
    starts_at: Mapped[datetime | None]  # once it is agreed
    minutes: Mapped[int]
    zone: Mapped[str] = mapped_column(String(40))
    place: Mapped[str] = mapped_column(Text)
    gather_place: Mapped[str] = mapped_column(Text)
    gather_minutes: Mapped[int]  # before it starts
    spokesperson_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    note_taker_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    facilitator_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))
    condition_kinds: Mapped[list[str]] = mapped_column(JSON)  # ``plans.CONDITIONS``
    conditions: Mapped[str] = mapped_column(Text)  # the same in their words
    audience: Mapped[str] = mapped_column(String(12))  # whose introduction we practise: ``agenda.AUDIENCES``
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"))  # what came of it
    version: Mapped[int]
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class PlanAttendee(Base):
    """A member who comes along."""

    __tablename__ = "plan_attendee"
    __table_args__ = (Index(None, "constituent_id"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("meeting_plan.id"), primary_key=True)
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"), primary_key=True)


class PlanContact(Base):
    """One try to get the meeting: on which day, with whom, and what they said. Never changed."""

    __tablename__ = "plan_contact"
    __table_args__ = (Index(None, "plan_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    plan_id: Mapped[int] = mapped_column(ForeignKey("meeting_plan.id"))
    on_day: Mapped[date]
    whom: Mapped[str] = mapped_column(String(200))
    said: Mapped[str] = mapped_column(Text)
    recorded_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class ChecklistItem(Base):
    """Something to do before a meeting (``plan_id``), or after one that brought a commitment (``meeting_id``)."""

    __tablename__ = "checklist_item"
    __table_args__ = (
        UniqueConstraint("plan_id", "key"),
        UniqueConstraint("meeting_id", "key"),
        Index("ix_checklist_item_due", "due_on", sqlite_where=text(TO_DO), postgresql_where=text(TO_DO)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("meeting_plan.id"))
    meeting_id: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"))
    key: Mapped[str | None] = mapped_column(String(40))  # ``config/meeting_checklist.toml``; null: the group's own
    words: Mapped[str | None] = mapped_column(String(300))  # of one of its own
    due_on: Mapped[date | None]
    due_by_hand: Mapped[bool]  # a meeting that moves does not move it
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))  # a member who does it
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))  # or somebody who signs in
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime]


class RecordsRequest(Base):
    """A request for public records. Its state follows from its days (``records.state_of``)."""

    __tablename__ = "records_request"
    __table_args__ = (Index(None, "group_id", "official_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    official_id: Mapped[int] = mapped_column(ForeignKey("official.id"))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("meeting_plan.id"))
    agency: Mapped[str] = mapped_column(String(200))
    asked_for: Mapped[str] = mapped_column(Text)
    how: Mapped[str] = mapped_column(String(12))  # ``records.WAYS``
    sent_on: Mapped[date | None]
    due_on: Mapped[date | None]
    received_on: Mapped[date | None]
    fee_cents: Mapped[int | None]
    document: Mapped[str] = mapped_column(String(200))  # its title
    kept_at: Mapped[str] = mapped_column(String(300))  # a link, or a shelf
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class PlanLine(Base):
    """A line of the agenda, or with ``policy`` (0: the law) a talking point."""

    __tablename__ = "plan_line"
    __table_args__ = (UniqueConstraint("plan_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("meeting_plan.id"))
    place: Mapped[int]  # in the order of the plan
    policy: Mapped[int | None]
    words: Mapped[str] = mapped_column(Text)
    minutes: Mapped[int | None]
    constituent_id: Mapped[int | None] = mapped_column(ForeignKey("constituent.id"))  # who speaks


class Partner(Base):
    """An organization that we work with. ``sealed``: {name, email, phone} of whom we talk to there."""

    __tablename__ = "coalition_partner"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(200))
    does: Mapped[str] = mapped_column(Text)
    together: Mapped[str] = mapped_column(Text)  # where we can work together
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class PlanPartner(Base):
    """A partner who is invited to a meeting."""

    __tablename__ = "plan_partner"
    __table_args__ = (Index(None, "partner_id"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("meeting_plan.id"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("coalition_partner.id"), primary_key=True)
