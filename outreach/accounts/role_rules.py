"""Who may give which role, and to whom somebody may do something. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

RANKS: Final = {"staff": 1, "organizer": 2, "admin": 3, "instance": 4}
ADMINS: Final = ("admin", "instance")
"""Roles that run their group."""
CODE_FROM: Final = "organizer"
"""From this role on an authenticator app is demanded."""
INSTANCE: Final = ("instance",)
PASSWORD, CODE = "password", "code"
"""What somebody may owe."""


class Standing(NamedTuple):
    """A user as the rules see one. ``gets_in``: active, and able to sign in by themselves."""

    user_id: int
    role: str
    gets_in: bool


def ranks(role: str, least: str) -> bool:
    """Whether somebody of this role may do what asks for ``least``; an unknown role may nothing."""
    return RANKS.get(role, 0) >= RANKS[least]


def may_give(giver: str, role: str) -> bool:
    """Whether somebody of role ``giver`` may give ``role``: admins up to their own, nobody above it."""
    return role in RANKS and ranks(giver, "admin") and ranks(giver, role)


def roles_to_give(giver: str) -> list[str]:
    """What may be given, the least first."""
    return [role for role in RANKS if may_give(giver, role)]


def may_act_on(actor: str, target: str) -> bool:
    """Whether an admin may change, reset or deactivate somebody: of their own rank or below."""
    return target in RANKS and ranks(actor, "admin") and ranks(actor, target)


def is_last(others: Sequence[Standing], role: str, now: str | None, kind: Sequence[str] = ADMINS) -> bool:
    """Whether a change from ``role`` to ``now`` (None: deactivated) leaves nobody of these roles who gets in.

    ``others``: everybody else of the group, or of the instance where ``kind`` is instance admins.
    """
    ends = role in kind and now not in kind
    return ends and not any(one.role in kind and one.gets_in for one in others)


def owed(role: str, *, has_password: bool, has_code: bool, rehearsal: bool, demanded: str | None = None) -> str | None:
    """What somebody must set before they may do anything else: PASSWORD, CODE, or None.

    ``demanded`` is what their way in asks for (a one-time link in production asks for everything anew).
    """
    if rehearsal:
        return None
    if demanded == PASSWORD or not has_password:
        return PASSWORD
    if ranks(role, CODE_FROM) and (demanded == CODE or not has_code):
        return CODE
    return None
