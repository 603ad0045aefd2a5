"""The account: do the keys fit, is it active and paid for, and may it text and call the United States."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from outreach.carrier.account import AccountState
from outreach.carrier.base import Ambiguous, Misconfigured, Rejected, Unreachable
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding

HOME: Final = "US"
LOW: Final = 20.0
"""Of the account's currency: some 1,500 texts of one segment."""
INACTIVE: Final = 20005


def look_at_account(held: Examined) -> Iterator[Finding]:
    """Must be the first look at the carrier."""
    try:
        state = held.account.state()
    except Misconfigured as error:
        outcome = "inactive" if error.code == INACTIVE else "keys"
        yield finding("carrier.account", outcome, code=error.code, state="suspended")
        return
    except (Unreachable, Ambiguous) as error:
        yield finding("carrier.account", "away", error=type(error).__name__.lower())
        return
    yield judge_account(state)


def judge_account(state: AccountState) -> Finding:
    """Whether it may send to everybody."""
    if state.status != "active":
        return finding("carrier.account", "inactive", state=state.status)
    return finding("carrier.account", "trial" if state.kind == "Trial" else "ok")


def look_at_balance(held: Examined) -> Iterator[Finding]:
    """What is left to send with. A subaccount shows none: its owner's counts."""
    try:
        left, currency = held.account.balance()
    except (Rejected, Misconfigured) as error:
        yield finding("carrier.balance", "not_shown", code=error.code)
        return
    yield judge_balance(left, currency)


def judge_balance(left: float, currency: str) -> Finding:
    """Prepaid; an account that is billed afterwards shows less than nothing and is fine, so that only warns."""
    outcome = "empty" if left <= 0 else "low" if left < LOW else "ok"
    return finding("carrier.balance", outcome, left=f"{left:.2f}", currency=currency)


def look_at_permissions(held: Examined) -> Iterator[Finding]:
    """Geo permissions: texts, then calls."""
    try:
        yield finding("carrier.texts", "ok" if held.account.may_text(HOME) else "off")
    except (Rejected, Misconfigured) as error:
        yield finding("carrier.texts", "not_shown", code=error.code)
    yield judge_calls(*held.account.may_call(HOME))


def judge_calls(ordinary: bool, costly: bool) -> Finding:
    """``costly``: numbers that fraud is made with may be called as well; we never do."""
    if not ordinary:
        return finding("carrier.calls", "off")
    return finding("carrier.calls", "costly" if costly else "ok")
