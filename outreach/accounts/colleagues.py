"""The people of a group: roles, resetting, taking out. Nobody goes whom a group or the instance cannot do without."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from outreach.accounts import authenticators, invitations, sign_ins
from outreach.accounts.audit import record_audit
from outreach.accounts.invitations import Actor
from outreach.accounts.links import close_ways_in, ensure_group
from outreach.accounts.models import Group, User
from outreach.accounts.role_rules import ADMINS, INSTANCE, RANKS, Standing, is_last, may_act_on, may_give
from outreach.accounts.sign_in_models import Authenticator, SignIn
from outreach.core.db import Transaction
from outreach.core.errors import BadInputError, ConflictError, NotFoundError


def users_of(session: Session, group_id: int) -> Sequence[Any]:
    """A group's users by name, deactivated ones last: id, name, role, sign_in_name, has_password, has_code, seen_at,
    deactivated_at.
    """
    seen = select(func.max(SignIn.seen_at)).where(SignIn.user_id == User.id).correlate(User).scalar_subquery()
    query = (
        select(
            User.id, User.name, User.role, User.sign_in_name, User.password_hash.is_not(None).label("has_password"),
            Authenticator.id.is_not(None).label("has_code"), seen.label("seen_at"), User.deactivated_at,
        )
        .outerjoin(Authenticator, Authenticator.user_id == User.id)
        .where(User.group_id == group_id)
        .order_by(User.deactivated_at.is_not(None), User.name)
    )  # fmt: skip
    return session.execute(query).all()


def user_named(session: Session, group_id: int, name: str) -> int:
    """The id of a group's active user with this name, or name to sign in with. Raises NotFoundError."""
    wanted = name.strip().casefold()
    rows = [row for row in users_of(session, group_id) if row.deactivated_at is None]
    for row in rows:
        if wanted in {row.name.casefold(), row.sign_in_name}:
            return int(row.id)
    raise NotFoundError("user_unknown", name=name, names=", ".join(row.name for row in rows))


def change_role(tx: Transaction, actor: Actor, user_id: int, role: str, now: datetime, *, rehearsal: bool) -> None:
    """Give a role; it ends their sessions. Raises NotFoundError, BadInputError, ConflictError."""
    if role not in RANKS:
        raise BadInputError("role_unknown", roles=", ".join(RANKS))
    _lock_admins(tx)
    user = _target(tx, actor, user_id)
    if not may_give(actor.role, role):
        raise BadInputError("role_above")
    if user.role == role:
        return
    _require_others(tx, user, role, rehearsal=rehearsal)
    record_audit(
        tx, group_id=user.group_id, actor=actor.name, action="role_changed", subject=f"users:{user_id}", at=now,
        was=user.role, role=role,
    )  # fmt: skip
    invitations.revoke_made_by(tx, user, role, actor.name, now)
    tx.execute(update(User).where(User.id == user_id).values(role=role))
    sign_ins.end_all(tx, user_id, now, by=actor.name)


def deactivate(tx: Transaction, actor: Actor, user_id: int, now: datetime, *, rehearsal: bool) -> None:
    """They get in no more, from their next request on; what they did stays. Raises NotFoundError, ConflictError."""
    _lock_admins(tx)
    user = _target(tx, actor, user_id)
    _require_others(tx, user, None, rehearsal=rehearsal)
    close_ways_in(tx, user_id, now)
    invitations.revoke_made_by(tx, user, None, actor.name, now)
    values = {"deactivated_at": now, "password_hash": None, "sign_in_name": None}
    tx.execute(update(User).where(User.id == user_id).values(values))
    authenticators.remove(tx, user_id)
    record_audit(
        tx, group_id=user.group_id, actor=actor.name, action="user_deactivated", subject=f"users:{user_id}", at=now
    )
    sign_ins.end_all(tx, user_id, now, by=actor.name)


def reset(tx: Transaction, actor: Actor, user_id: int, now: datetime) -> str:
    """Password, app, sessions and unused links of a colleague go; the token of an invitation to set all anew.

    Raises NotFoundError.
    """
    user = _target(tx, actor, user_id)
    close_ways_in(tx, user_id, now)
    tx.execute(update(User).where(User.id == user_id).values(password_hash=None, password_at=now))
    authenticators.remove(tx, user_id)
    record_audit(tx, group_id=user.group_id, actor=actor.name, action="user_reset", subject=f"users:{user_id}", at=now)
    sign_ins.end_all(tx, user_id, now, by=actor.name)
    return invitations.make(tx, actor, user.group_id, role=user.role, meant_for=user.name, user_id=user_id, now=now)


def reset_code(tx: Transaction, actor: Actor, user_id: int, now: datetime) -> None:
    """Only the app and its recovery codes go: they sign in by password and set up a new one. Raises NotFoundError."""
    user = _target(tx, actor, user_id)
    authenticators.remove(tx, user_id)
    record_audit(tx, group_id=user.group_id, actor=actor.name, action="code_reset", subject=f"users:{user_id}", at=now)
    sign_ins.end_all(tx, user_id, now, by=actor.name)


def groups_of(session: Session) -> Sequence[Any]:
    """Every group of the instance by name: id, name, created_at, admins (who can get in). Nothing else of them."""
    admins = (
        select(func.count())
        .where(
            User.group_id == Group.id, User.role.in_(ADMINS), User.deactivated_at.is_(None),
            User.password_hash.is_not(None),
        )
        .correlate(Group)
        .scalar_subquery()
    )  # fmt: skip
    return session.execute(
        select(Group.id, Group.name, Group.created_at, admins.label("admins")).order_by(Group.name)
    ).all()


def add_group(tx: Transaction, actor: Actor, name: str, at: datetime, now: datetime) -> int:
    """A new group, with an admin whom nobody is yet (``at``: domain time). Raises BadInputError."""
    if tx.execute(select(Group.id).where(func.lower(Group.name) == name.strip().lower())).scalar() is not None:
        raise BadInputError("group_taken")
    made = ensure_group(tx, name, at)
    record_audit(tx, group_id=made, actor=actor.name, action="group_added", subject=f"groups:{made}", at=now)
    return made


def invite_first_admin(tx: Transaction, actor: Actor, group_id: int, now: datetime) -> str:
    """A token for the first admin of a group. Raises NotFoundError, and ConflictError where an admin gets in already:
    from then on the group invites its people itself, and no instance admin can make themselves one of them.
    """
    if tx.get(Group, group_id) is None:
        raise NotFoundError("group_unknown", name=group_id, names="")
    others = _standing(tx, User.group_id == group_id, rehearsal=False)
    admins = [one for one in others if one.role in ADMINS]
    if any(one.gets_in for one in admins):
        raise ConflictError("group_has_admin")
    first = tx.get_one(User, min(one.user_id for one in admins))
    return invitations.make(tx, actor, group_id, role=first.role, meant_for=first.name, user_id=first.id, now=now)


def _target(tx: Transaction, actor: Actor, user_id: int) -> User:
    """An active user of the actor's group, not above them."""
    own = (User.id == user_id, User.group_id == actor.group_id, User.deactivated_at.is_(None))
    user = tx.execute(select(User).where(*own)).scalar_one_or_none()
    if user is None:
        raise NotFoundError("user_unknown", name=user_id, names="")
    if not may_act_on(actor.role, user.role):
        raise BadInputError("role_above")
    return user


def _lock_admins(tx: Transaction) -> None:
    """Of two admins who take each other's role at once, the second sees what the first has done.

    Sessions, which refer to these rows, may begin meanwhile: who enters by a link has locked it, and waits for nobody.
    """
    tx.execute(select(User.id).where(User.role.in_(ADMINS)).order_by(User.id).with_for_update(key_share=True))


def _require_others(tx: Transaction, user: User, role: str | None, *, rehearsal: bool) -> None:
    """Raises ConflictError when the group, or the instance, would have no admin left who gets in."""
    own = _standing(tx, User.group_id == user.group_id, rehearsal=rehearsal)
    if is_last([one for one in own if one.user_id != user.id], user.role, role):
        raise ConflictError("last_admin")
    every = _standing(tx, User.role.in_(INSTANCE), rehearsal=rehearsal)
    if is_last([one for one in every if one.user_id != user.id], user.role, role, INSTANCE):
        raise ConflictError("last_instance_admin")


def _standing(tx: Transaction, which: Any, *, rehearsal: bool) -> list[Standing]:
    """Active users; in a rehearsal nobody needs a password to get in."""
    rows = tx.execute(
        select(User.id, User.role, User.password_hash.is_not(None)).where(which, User.deactivated_at.is_(None))
    )
    return [Standing(user_id, role, rehearsal or bool(has_password)) for user_id, role, has_password in rows]
