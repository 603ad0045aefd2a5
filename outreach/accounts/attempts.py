"""Counting what failed, before it is known whether it fails: tries sent side by side cannot get ahead of the count.

A try is counted in each of its keys, then made, then taken back if it was right. Keys are keyed hashes: the table tells
nobody's name and no address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from outreach.accounts import attempt_rules as rules
from outreach.accounts.session_rules import SKEW
from outreach.accounts.sign_in_models import SignInCount
from outreach.core.crypto import Vault
from outreach.core.db import Transaction
from outreach.core.errors import ConflictError

KEPT: Final = timedelta(days=2)
NO_WAIT: Final = timedelta(0)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from. ``device`` is the id in the browser's cookie, ``knows`` the users who signed in there."""

    network: str
    device: str | None = None
    knows: frozenset[int] = frozenset()


class Scope(NamedTuple):
    """A key to count by. ``patience`` None: counted, and never waited for."""

    key: bytes
    patience: rules.Patience | None


class TryLaterError(ConflictError):
    """Too many failures; ``seconds`` says how long to wait. The try was neither made nor counted."""

    def __init__(self, seconds: int) -> None:
        super().__init__("sign_in_wait", seconds=seconds)
        self.seconds = seconds


class Try(NamedTuple):
    """A try that was counted: its keys, and how many have failed in the closest of them by now."""

    keys: tuple[bytes, ...]
    failures: int


def password_scopes(vault: Vault, account: str, user_id: int | None, origin: Origin) -> tuple[Scope, ...]:
    """What a password is counted by; ``account`` is the folded name, whether somebody has it or not."""
    if origin.device is not None and user_id in origin.knows:
        return (Scope(_key(vault, "device", account, origin.device), rules.DEVICE),)
    wide = rules.wide_network(origin.network)
    return (
        Scope(_key(vault, "pair", account, origin.network), rules.PAIR),
        Scope(_key(vault, "account", account), None),
        Scope(_key(vault, "network", wide), rules.NETWORK),
    )


def code_scopes(vault: Vault, account: str, user_id: int, origin: Origin) -> tuple[Scope, ...]:
    """What a code is counted by: as a password, and by the account."""
    before = password_scopes(vault, account, user_id, origin)
    return before if len(before) == 1 else (*before, Scope(_key(vault, "code", account), rules.CODE))


def confirm_scopes(vault: Vault, sign_in_id: int) -> tuple[Scope, ...]:
    """What a password given again is counted by: the session, for nobody else can ask in it."""
    return (Scope(_key(vault, "confirm", str(sign_in_id)), rules.CONFIRM),)


def begin_try(tx: Transaction, scopes: Sequence[Scope], now: datetime) -> Try:
    """Count a try as failed in every scope. Raises TryLaterError while any of them waits: roll back then.

    In the order of their keys, so that two at once do not wait for each other for ever.
    """
    failures = {scope.key: _count(tx, scope, now) for scope in sorted(scopes, key=lambda one: one.key)}
    against = max((failures[scope.key] for scope in scopes if scope.patience is None), default=0)
    for scope in scopes:
        if scope.patience is not None:
            patience = rules.under_pressure(scope.patience, against) if scope.patience is rules.PAIR else scope.patience
            wait = rules.wait_after(patience, failures[scope.key])
            if wait > NO_WAIT:
                tx.execute(update(SignInCount).where(SignInCount.key == scope.key).values(opens_at=now + wait))
    return Try(tuple(failures), failures[scopes[0].key])


def take_back(tx: Transaction, tried: Try, now: datetime) -> None:
    """It was right, so it was no failure. No key waited when it began, so none waits now."""
    fewer = case((SignInCount.failures > 0, SignInCount.failures - 1), else_=0)
    values = {"failures": fewer, "opens_at": now - SKEW}
    tx.execute(update(SignInCount).where(SignInCount.key.in_(tried.keys)).values(values))


def forget(tx: Transaction, scopes: Sequence[Scope], now: datetime) -> None:
    """They are in: what failed in the closest key is forgotten, and what nobody has touched for days is deleted.

    What failed against the network or the account stays: one right password says nothing of the others' tries.
    """
    tx.execute(delete(SignInCount).where((SignInCount.key == scopes[0].key) | (SignInCount.last_at <= now - KEPT)))


def _count(tx: Transaction, scope: Scope, now: datetime) -> int:
    """One more failure, unless the key waits. The row stays locked until the transaction ends.

    A key that does not wait is open since a while: a try that began a moment earlier, or on a server whose clock is
    behind, comes to it after this one.
    """
    insert = (sqlite if tx.is_sqlite else postgresql).insert(SignInCount)
    fresh = insert.values(key=scope.key, failures=1, last_at=now, opens_at=now - SKEW)
    more = fresh.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "failures": case((SignInCount.last_at <= now - rules.FORGET, 1), else_=SignInCount.failures + 1),
            "last_at": now,
        },
        where=SignInCount.opens_at <= now,
    ).returning(SignInCount.failures)
    failures: int | None = tx.execute(more).scalar()
    if failures is None:
        opens = tx.execute(select(SignInCount.opens_at).where(SignInCount.key == scope.key)).scalar_one()
        raise TryLaterError(max(1, -int((now - opens).total_seconds() // 1)))
    return failures


def _key(vault: Vault, *parts: str) -> bytes:
    return vault.text_hash("sign-in\0" + "\0".join(parts))
