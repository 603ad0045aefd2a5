"""Constituents, their lists, the consent ledger and suppression.

The blind index of a number (``number_hash``, 16 bytes) joins these tables: consent and suppression must
outlive the constituent's row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class Constituent(Base):
    """A person of one group. ``sealed`` holds phone, names, city, external id and tags."""

    __tablename__ = "constituent"
    __table_args__ = (
        UniqueConstraint("group_id", "number_hash"),
        Index(None, "number_hash"),
        Index(None, "group_id", "city_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    zip: Mapped[str | None] = mapped_column(String(5))
    # ``facets.city_hash``; empty: no city is known; null: city and tags are not indexed yet (``facets.index_facets``)
    city_hash: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    language: Mapped[str] = mapped_column(String(2), default="en")
    zones: Mapped[str] = mapped_column(Text)  # every IANA zone that number or ZIP could mean, comma-joined, sorted
    consented_at: Mapped[datetime | None]  # the newest grant in the ledger, kept here for the audience query
    number_bad_at: Mapped[datetime | None]
    number_bad_code: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ContactList(Base):
    """A named list that an import filled."""

    __tablename__ = "contact_list"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]


class ListMembership(Base):
    """Who is in which list."""

    __tablename__ = "list_membership"
    __table_args__ = (Index(None, "constituent_id"),)

    list_id: Mapped[int] = mapped_column(ForeignKey("contact_list.id"), primary_key=True)
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"), primary_key=True)


class ConsentEvent(Base):
    """One entry of a group's consent ledger; never changed, never deleted before the number itself."""

    __tablename__ = "consent_event"
    __table_args__ = (Index(None, "group_id", "number_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    kind: Mapped[str] = mapped_column(String(16))  # granted, refused, opt_out, opt_in
    source: Mapped[str] = mapped_column(String(16))  # import, reply, page, staff
    wording: Mapped[str | None] = mapped_column(Text)  # the exact words, or the import's declaration
    recorded_by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]  # real time: the ledger orders what people did


class Suppression(Base):
    """A number that must not be texted or called: by everybody (group null) or by one group.

    Sources: person (they said so), pending (a possible opt-out waits for staff), carrier (21610), import, staff.
    """

    __tablename__ = "suppression"
    __table_args__ = (Index(None, "number_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    source: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]  # real time
    lifted_at: Mapped[datetime | None]
    lifted_reason: Mapped[str | None] = mapped_column(Text)


class Upload(Base):
    """A contact file that waits for a person's yes or no. ``sealed`` holds the file, and goes when the upload ends."""

    __tablename__ = "upload"
    __table_args__ = (Index(None, "group_id", "state"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    file_name: Mapped[str] = mapped_column(String(200))
    list_name: Mapped[str] = mapped_column(String(120))
    consent: Mapped[str | None] = mapped_column(Text)  # what was declared for everybody in the file
    rows: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))  # waiting, importing, imported, canceled
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what the import did, once it is over
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]  # real time, as is the next
    changed_at: Mapped[datetime]
