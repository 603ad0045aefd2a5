"""What segments are made of: tags and districts, and the segments that a group has saved.

Names of tags and of segments are sealed: a stolen database does not say who is tagged with what. A keyed hash, bound
to the group, finds a name again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class Tag(Base):
    """A tag of a group. ``sealed`` holds {"name"}; ``name_hash`` is ``facets.tag_hash``."""

    __tablename__ = "tag"
    __table_args__ = (UniqueConstraint("group_id", "name_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class ConstituentTag(Base):
    """Who has which tag."""

    __tablename__ = "constituent_tag"
    __table_args__ = (Index(None, "constituent_id"),)

    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    constituent_id: Mapped[int] = mapped_column(ForeignKey("constituent.id", ondelete="CASCADE"), primary_key=True)


class District(Base):
    """A named set of ZIPs that a group keeps."""

    __tablename__ = "district"
    __table_args__ = (UniqueConstraint("group_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name: Mapped[str] = mapped_column(String(120))
    zips: Mapped[list[str]] = mapped_column(JSON)  # five digits each, sorted
    created_at: Mapped[datetime]


class Segment(Base):
    """A saved segment. ``sealed``: {"name", "expression"} as written (``people.segments``).

    ``expression`` is the same with the ids of tags and the hashes of cities, which the database is asked with.
    """

    __tablename__ = "segment"
    __table_args__ = (UniqueConstraint("group_id", "name_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    name_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expression: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_by: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
