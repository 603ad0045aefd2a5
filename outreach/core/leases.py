"""Leases in the database: one holder at a time, by real time, with a fencing token."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import String, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from outreach.core.db import Base, Database, Transaction


class Lease(Base):
    """Who may do a thing that only one process may do."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    token: Mapped[str] = mapped_column(String(32))
    until: Mapped[datetime]  # real


class Bookmark(Base):
    """How far something that is read in order has been read, by real time."""

    __tablename__ = "bookmark"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]


def new_token() -> str:
    """A fencing token: 128 random bits in hex."""
    return secrets.token_hex(16)


def acquire(db: Database, name: str, token: str, now: datetime, seconds: float) -> bool:
    """Take or renew the lease; False while another token holds it. ``now`` is real time."""
    until = now + timedelta(seconds=seconds)
    try:
        with db.transaction() as tx:
            # One that ends far in the future was taken before the machine's clock was set back: nobody holds it.
            ended = or_(Lease.token == token, Lease.until <= now, Lease.until > now + timedelta(seconds=10 * seconds))
            mine = update(Lease).where(Lease.name == name, ended)
            if tx.execute(mine.values(token=token, until=until)).rowcount:  # type: ignore[attr-defined]
                return True
            if tx.get(Lease, name) is not None:
                return False
            tx.execute(insert(Lease).values(name=name, token=token, until=until))
            return True
    except IntegrityError:  # somebody else made the row in the same moment
        return False


_RENEW = (
    update(Lease)
    .where(Lease.name == bindparam("its_name"), Lease.token == bindparam("its_token"), Lease.until > bindparam("now"))
    .values(until=bindparam("then"))
)


def renew(tx: Transaction, name: str, token: str, now: datetime, seconds: float) -> bool:
    """Hold on to a lease within a transaction, which then commits only what its holder did; False: it was lost."""
    asked = {"its_name": name, "its_token": token, "now": now, "then": now + timedelta(seconds=seconds)}
    return bool(tx.connection().execute(_RENEW, asked).rowcount)


def release(db: Database, name: str, token: str, now: datetime) -> None:
    """Give the lease back early, so that the next holder need not wait."""
    with db.transaction() as tx:
        tx.execute(update(Lease).where(Lease.name == name, Lease.token == token).values(until=now))


def wait_for(session: Session, name: str) -> None:
    """Lock the lease row whoever holds it: until this transaction ends its holder writes nothing under it."""
    session.execute(select(Lease.name).where(Lease.name == name).with_for_update())


def hold(session: Session, name: str, token: str) -> bool:
    """Lock the lease row in this transaction; False when the token is no longer the holder's."""
    row = session.execute(select(Lease.token).where(Lease.name == name).with_for_update()).scalar_one_or_none()
    return row == token
