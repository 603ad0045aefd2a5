"""Constituents, their lists, the consent ledger and suppression.

The blind index of a number (``number_hash``, 16 bytes) joins these tables: consent and suppression must
outlive the constituent's row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base

NOT_ERASED = "erased_at is null"


class Constituent(Base):
    """A person of one group. ``sealed`` holds phone, names, city, external id and tags.

    Of an erased one only the row is left, which texts and recipients refer to: its document is empty, its hash is
    chance, and it is in no list. Whoever counts or lists people leaves those out (``erased_at``).
    """

    __tablename__ = "constituent"
    __table_args__ = (
        UniqueConstraint("group_id", "number_hash"),
        Index(None, "number_hash"),
        # Who has been idle is found from the oldest change on.
        Index(
            "ix_constituent_idle",
            "updated_at",
            sqlite_where=text(NOT_ERASED),
            postgresql_where=text(NOT_ERASED),
        ),
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
    import_id: Mapped[int | None]  # the import that wrote this row last
    erased_at: Mapped[datetime | None]  # domain time, as are the two before


class ContactList(Base):
    """A named list that an import filled."""

    __tablename__ = "contact_list"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    import_id: Mapped[int | None]  # the import that made it
    is_members: Mapped[bool] = mapped_column(default=False, server_default=false())  # the group's own (``members``)


class ListMembership(Base):
    """Who is in which list."""

    __tablename__ = "list_membership"
    __table_args__ = (Index(None, "constituent_id"),)

    list_id: Mapped[int] = mapped_column(ForeignKey("contact_list.id"), primary_key=True)
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id"), primary_key=True)
    import_id: Mapped[int | None]  # the import that put them there


IMPORTED = "import_id is not null"
WORDS_OF_OPT_OUT = "kind = 'opt_out' and sealed is not null"
WORDS_IN_PLAIN = "source <> 'import' and wording is not null"


class ConsentEvent(Base):
    """One entry of a group's consent ledger; never changed, never deleted before the number itself.

    What the person said themselves is sealed, for people put numbers and names into such texts. ``wording`` is the
    organizers': what an import declared, which later imports compare.
    """

    __tablename__ = "consent_event"
    __table_args__ = (
        Index(None, "number_hash", "group_id"),  # a STOP asks for the number in every group
        Index("ix_consent_event_import", "import_id", sqlite_where=text(IMPORTED), postgresql_where=text(IMPORTED)),
        Index(
            "ix_consent_event_words",
            "at",
            sqlite_where=text(WORDS_OF_OPT_OUT),
            postgresql_where=text(WORDS_OF_OPT_OUT),
        ),
        Index(
            "ix_consent_event_plain",
            "id",
            sqlite_where=text(WORDS_IN_PLAIN),
            postgresql_where=text(WORDS_IN_PLAIN),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    import_id: Mapped[int | None]
    voided_at: Mapped[datetime | None]  # real time: the import that said so was undone, and it counts no more
    kind: Mapped[str] = mapped_column(String(16))  # granted, refused, opt_out, opt_in
    source: Mapped[str] = mapped_column(String(16))  # import, reply, page, staff
    wording: Mapped[str | None] = mapped_column(Text)  # the import's declaration, with the cell that decided
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # {words}: the exact words, until those of an opt-out go
    recorded_by: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]  # real time: the ledger orders what people did


class Suppression(Base):
    """A number that must not be texted or called: by everybody (group null) or by one group.

    Sources: person (they said so), pending (a possible opt-out waits for staff), carrier (21610), import, staff.
    """

    __tablename__ = "suppression"
    __table_args__ = (
        Index(None, "number_hash"),
        Index("ix_suppression_import", "import_id", sqlite_where=text(IMPORTED), postgresql_where=text(IMPORTED)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("groups.id"))
    source: Mapped[str] = mapped_column(String(16))
    import_id: Mapped[int | None]
    at: Mapped[datetime]  # real time
    lifted_at: Mapped[datetime | None]
    lifted_reason: Mapped[str | None] = mapped_column(Text)


class Upload(Base):
    """A contact file from its upload to the import of it, and what the import did.

    States: receiving, reading, refused, waiting, importing, imported, undoing, undone, canceled. The file itself stands
    in ``UploadPart`` until somebody has decided. Columns named ``import_id`` hold the id of one of these rows, without
    a foreign key: millions of rows would ask for it one by one.
    """

    __tablename__ = "upload"
    __table_args__ = (Index(None, "group_id", "state"), Index(None, "created_at"), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary(16))  # keyed: the same file is known again, and nothing else is
    size: Mapped[int]  # bytes
    file_name: Mapped[str] = mapped_column(String(200))
    list_name: Mapped[str] = mapped_column(String(120))
    list_id: Mapped[int | None]
    consent: Mapped[str | None] = mapped_column(Text)  # what was declared for everybody in the file
    header: Mapped[list[str] | None] = mapped_column(JSON)
    choices: Mapped[dict[str, str] | None] = mapped_column(JSON)  # column -> field, where a person has corrected us
    rows: Mapped[int]
    rows_done: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what an import would do; from its start what it did
    problems: Mapped[list[Any] | None] = mapped_column(JSON)  # the first of them: row, column, code
    problem_count: Mapped[int]
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # code and details, where the file cannot be imported so
    through: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # the last number hash that is imported
    created_by: Mapped[str] = mapped_column(String(120))
    confirmed_by: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime]  # real time, as are the next
    changed_at: Mapped[datetime]
    imported_at: Mapped[datetime | None]


class UploadPart(Base):
    """A piece of a contact file, packed and sealed."""

    __tablename__ = "upload_part"
    __table_args__ = (UniqueConstraint("upload_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"))
    number: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ImportChange(Base):
    """A constituent as they were before an import changed them."""

    __tablename__ = "import_change"
    __table_args__ = (UniqueConstraint("import_id", "constituent_id"), Index(None, "constituent_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("upload.id"))
    constituent_id: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    zip: Mapped[str | None] = mapped_column(String(5))
    language: Mapped[str] = mapped_column(String(2))
    zones: Mapped[str] = mapped_column(Text)
    consented_at: Mapped[datetime | None]
    before: Mapped[int | None]  # the import that wrote the row before
