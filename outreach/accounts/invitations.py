"""Invitations: a link that is shown once, good once and for seven days, and can be revoked. Nobody mails it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import exists, false, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from outreach.accounts import entering, sign_ins
from outreach.accounts.acting import NOBODY
from outreach.accounts.audit import record_audit
from outreach.accounts.links import NAME_LENGTH, close_ways_in
from outreach.accounts.models import Group, User
from outreach.accounts.passwords import Passwords, check_password, check_sign_in_name, look_alike
from outreach.accounts.role_rules import INSTANCE, may_give
from outreach.accounts.sign_in_models import Invitation
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError
from outreach.core.runtime import Runtime

VALID_FOR: Final = timedelta(days=7)


class Actor(NamedTuple):
    """Who does it. The server's own command line may do what an instance admin of every group may."""

    group_id: int
    name: str
    role: str


class Offered(NamedTuple):
    """An invitation as whoever holds its link sees it. ``sign_in_name`` is set where the user has one already."""

    invitation_id: int
    group: str
    role: str
    meant_for: str
    user_id: int | None
    sign_in_name: str | None


class Entered(NamedTuple):
    """Who has accepted, and the token of their session."""

    user_id: int
    token: str


def invite(tx: Transaction, actor: Actor, *, role: str, meant_for: str, now: datetime) -> str:
    """A token for somebody new in the actor's group. Raises BadInputError."""
    meant_for = meant_for.strip()
    if not may_give(actor.role, role):
        raise BadInputError("role_above")
    if not 1 <= len(meant_for) <= NAME_LENGTH:
        raise BadInputError("invitation_for_whom", longest=NAME_LENGTH)
    return make(tx, actor, actor.group_id, role=role, meant_for=meant_for, user_id=None, now=now)


def make(
    tx: Transaction, actor: Actor, group_id: int, *, role: str, meant_for: str, user_id: int | None, now: datetime
) -> str:
    """An invitation's token; one for a user takes the place of that user's others, and of their sign-in links."""
    if user_id is not None:
        close_ways_in(tx, user_id, now)
    token = secrets.token_urlsafe(32)
    row = Invitation(
        group_id=group_id, user_id=user_id, role=role, meant_for=meant_for, token_hash=sign_ins.token_hash(token),
        invited_by=actor.name, created_at=now, expires_at=now + VALID_FOR, accepted_at=None, revoked_at=None,
    )  # fmt: skip
    tx.add(row)
    tx.flush()
    record_audit(
        tx, group_id=group_id, actor=actor.name, action="invited", subject=f"invitation:{row.id}", at=now, role=role,
        user=user_id,
    )  # fmt: skip
    return token


def open_invitations(session: Session, group_id: int, now: datetime) -> Sequence[Any]:
    """Those of a group that still open something, the newest first: id, meant_for, role, invited_by, expires_at."""
    columns = (Invitation.id, Invitation.meant_for, Invitation.role, Invitation.invited_by, Invitation.expires_at)
    own = (Invitation.group_id == group_id, *_open(now))
    return session.execute(select(*columns, Invitation.user_id).where(*own).order_by(Invitation.id.desc())).all()


def revoke(tx: Transaction, actor: Actor, invitation_id: int, now: datetime) -> None:
    """Its link opens nothing any more. Again, it changes nothing. Raises NotFoundError for another group's."""
    found = tx.execute(
        select(Invitation).where(Invitation.id == invitation_id, Invitation.group_id == actor.group_id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFoundError("invitation_unknown")
    if found.accepted_at is None and found.revoked_at is None:
        _revoke(tx, found, actor.name, now)


def revoke_made_by(tx: Transaction, inviter: User, role: str | None, by: str, now: datetime) -> None:
    """Open invitations that somebody has made and could not make as ``role`` (None: taken out) open nothing any more.

    Who is taken out may have kept the link of one, and would come back by it. Names are told apart within a group, so
    one of another group is theirs where nobody there has their name: who runs the site invites first admins.
    """
    theirs = exists().where(User.group_id == Invitation.group_id, User.name == Invitation.invited_by)
    own = or_(
        Invitation.group_id == inviter.group_id,
        ~theirs if inviter.role in INSTANCE and role not in INSTANCE else false(),
    )
    for row in tx.execute(select(Invitation).where(Invitation.invited_by == inviter.name, own, *_open(now))).scalars():
        if role is None or row.group_id != inviter.group_id or not may_give(role, row.role):
            _revoke(tx, row, by, now)


def _revoke(tx: Transaction, row: Invitation, by: str, now: datetime) -> None:
    row.revoked_at = now
    record_audit(
        tx, group_id=row.group_id, actor=by, action="invitation_revoked", subject=f"invitation:{row.id}", at=now
    )


def offered(session: Session, token: str, now: datetime) -> Offered | None:
    """What a token offers; None when it is unknown, used, revoked or too old."""
    row: Any = session.execute(
        select(
            Invitation.id, Group.name.label("group"), Invitation.role, Invitation.meant_for, Invitation.user_id,
            User.sign_in_name,
        )
        .join(Group, Group.id == Invitation.group_id)
        .outerjoin(User, User.id == Invitation.user_id)
        .where(Invitation.token_hash == sign_ins.token_hash(token), User.deactivated_at.is_(None), *_open(now))
    ).one_or_none()  # fmt: skip
    return None if row is None else Offered(*row)


def accept(
    held: Runtime, passwords: Passwords, token: str, *, name: str, sign_in_name: str, password: str, device: str
) -> Entered:
    """Make the account, or set it anew, and sign it in. Of two at once one wins.

    Raises BadInputError, BusyError, and ConflictError when the invitation opens nothing any more. The names are not
    asked for where the user has a name to sign in with.
    """
    now = held.clock.real_now()
    with held.db.snapshot() as session:
        offer = offered(session, token, now)
    if offer is None:
        raise ConflictError("invitation_over")
    name = offer.meant_for if offer.sign_in_name else name.strip()
    if not look_alike(name) or len(name) > NAME_LENGTH:
        raise BadInputError("name_missing", longest=NAME_LENGTH)
    entry = offer.sign_in_name or check_sign_in_name(sign_in_name)
    kept = check_password(password, entry, name)
    with passwords.turn():
        hashed = passwords.hash(kept)
    try:
        with held.db.transaction() as tx:
            return _accept(tx, token, name, entry, hashed, now, device)
    except IntegrityError:  # somebody took the name between our look and our write
        raise BadInputError("sign_in_name_taken") from None


def _accept(tx: Transaction, token: str, name: str, entry: str, hashed: str, now: datetime, device: str) -> Entered:
    won = (
        update(Invitation)
        .where(Invitation.token_hash == sign_ins.token_hash(token), *_open(now))
        .values(accepted_at=now)
        .returning(Invitation.id)
    )
    invitation_id = tx.execute(won).scalar()
    if invitation_id is None:
        raise ConflictError("invitation_over")
    row = tx.get_one(Invitation, invitation_id)
    if row.user_id is not None:
        close_ways_in(tx, row.user_id, now)
    user = tx.get(User, row.user_id) if row.user_id is not None else None
    if user is not None and user.deactivated_at is not None:
        raise ConflictError("invitation_over")
    if user is None or user.sign_in_name is None:
        if entering.is_taken(tx, entry):
            raise BadInputError("sign_in_name_taken")
        _require_own_name(tx, row.group_id, name, user.id if user else None)
    if user is None:
        user = User(group_id=row.group_id, name=name, role=row.role, created_at=now)
        tx.add(user)
        tx.flush()
    elif user.sign_in_name is None:
        user.name = name
    user.sign_in_name, user.password_hash, user.password_at = entry, hashed, now
    row.user_id = user.id
    tx.flush()
    record_audit(
        tx, group_id=row.group_id, actor=user.name, action="invitation_accepted", subject=f"users:{user.id}", at=now,
        invitation=invitation_id, role=user.role,
    )  # fmt: skip
    sign_ins.end_all(tx, user.id, now)
    return Entered(user.id, sign_ins.start(tx, user.id, now, device=device, confirmed=True, how="invitation"))


def _require_own_name(session: Session, group_id: int, name: str, user_id: int | None) -> None:
    """Names tell the people of a group apart in the book, also where capitals, blanks or what nobody sees differ."""
    others = session.execute(select(User.name).where(User.group_id == group_id, User.id != (user_id or 0))).scalars()
    if look_alike(name) in {look_alike(one) for one in (*NOBODY, *others)}:
        raise BadInputError("name_taken")


def _open(now: datetime) -> tuple[Any, ...]:
    return (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > now)
