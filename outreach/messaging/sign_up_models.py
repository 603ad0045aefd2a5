"""Who has filled in the sign-up page and not yet said yes by text, and what bounds how often the page is used."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base


class SignUp(Base):
    """Somebody typed this number into a group's page. No consent: whoever typed it need not be its owner.

    It goes when the owner answers, or when it expires. Times are domain time.
    """

    __tablename__ = "sign_up"
    __table_args__ = (
        UniqueConstraint("group_id", "number_hash"),
        Index(None, "number_hash"),
        Index(None, "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"))
    number_hash: Mapped[bytes] = mapped_column(LargeBinary(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # {phone, first_name}
    zip: Mapped[str | None] = mapped_column(String(5))
    language: Mapped[str] = mapped_column(String(2))
    wording: Mapped[str] = mapped_column(Text)  # the words beside the box that was ticked
    # The text that asks for a yes; null where none may go out, and only a text of the owner's own accord confirms.
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignUpWatch(Base):
    """That a group's sign-up page was used as if to make us text, and who has looked at it. Times are real.

    Until somebody looks, the page asks people to text JOIN; where there is no row, or it was looked at, it is a form.
    """

    __tablename__ = "sign_up_watch"

    group_id: Mapped[int] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    tripped_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    looked_by: Mapped[str | None] = mapped_column(String(120))


class SignUpTry(Base):
    """One use of a sign-up page, under a keyed hash of an address, a group, or numbers' first six digits; or a yes to
    a group's question, under another. Kept for a day.
    """

    __tablename__ = "sign_up_try"
    __table_args__ = (Index(None, "who", "at"), Index(None, "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[bytes] = mapped_column(LargeBinary(16))
    at: Mapped[datetime]  # real time
