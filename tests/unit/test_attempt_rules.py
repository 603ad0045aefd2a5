"""Lock-out, one-time codes and recovery codes: strangers keep nobody out, guesses are bounded, a code works once."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.accounts import attempt_rules as rules
from outreach.accounts import authenticators
from outreach.accounts.attempt_rules import CODE, CONFIRM, DEVICE, NETWORK, PAIR, Patience
from outreach.accounts.attempts import Origin, Scope, code_scopes, confirm_scopes, password_scopes
from outreach.accounts.authenticators import STEP_SECONDS, matching_step, step_of
from outreach.core.crypto import Vault

VAULT = Vault({"a": bytes(32)}, b"i" * 32)
NOW = datetime(2026, 12, 1, 17, tzinfo=UTC)
DAY = timedelta(days=1)
OWNER, NAME = 7, "ana"
HOME = "192.0.2.1"
KNOWN = Origin(HOME, "their browser", frozenset({OWNER}))
networks = st.sampled_from([HOME, "unknown", "2001:db8::/64", "2001:db8:0:1::/64", "198.51.100.7", "203.0.113.9"])
strangers = st.builds(
    Origin, networks, st.sampled_from([None, "their browser", "another"]), st.frozensets(st.integers(8, 12), max_size=3)
)
"""Whoever has not signed in to the account: no browser of theirs knows its owner, for its cookie is signed."""
pauses = st.lists(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=30)), min_size=1, max_size=8)
patiences = st.sampled_from([DEVICE, PAIR, NETWORK, CODE, CONFIRM])


class Counts:
    """The table of ``attempts`` when every try is wrong."""

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[int, datetime, datetime]] = {}

    def opens(self, scopes: Sequence[Scope], now: datetime) -> datetime:
        """When the next try is taken."""
        return max([now, *(self.rows[one.key][2] for one in scopes if one.key in self.rows)])

    def fail(self, scopes: Sequence[Scope], now: datetime) -> bool:
        """A try; False when it was refused, which counts for nothing."""
        if self.opens(scopes, now) > now:
            return False
        failures: dict[bytes, int] = {}
        for scope in scopes:
            before, last, _ = self.rows.get(scope.key, (0, now, now))
            failures[scope.key] = 1 if last <= now - rules.FORGET else before + 1
        against = max((failures[one.key] for one in scopes if one.patience is None), default=0)
        for key, patience in scopes:
            wait = timedelta(0)
            if patience is not None:
                real = rules.under_pressure(patience, against) if patience is PAIR else patience
                wait = rules.wait_after(real, failures[key])
            self.rows[key] = (failures[key], now, now + wait)
        return True


def most_in_a_day(tries: Sequence[datetime]) -> int:
    return max((sum(last - DAY < at <= last for at in tries) for last in tries), default=0)


@given(who=strangers, name=st.sampled_from([NAME, "bob", "ana\0x", ""]), user=st.sampled_from([OWNER, 8, None]))
def test_nothing_that_a_stranger_fails_at_touches_a_browser_that_the_account_knows(
    who: Origin, name: str, user: int | None
) -> None:
    kept = {one.key for scopes in (password_scopes, code_scopes) for one in scopes(VAULT, NAME, OWNER, KNOWN)}
    user = OWNER if name == NAME else None if user == OWNER else user
    theirs = {one.key for one in (*password_scopes(VAULT, name, user, who), *code_scopes(VAULT, name, user or 0, who))}
    assert not kept & theirs
    assert not kept & {one.key for one in confirm_scopes(VAULT, OWNER)}


@given(failed=st.lists(st.tuples(networks, pauses), max_size=8))
def test_a_network_from_which_nobody_has_failed_has_a_try_whatever_others_do(
    failed: list[tuple[str, list[timedelta]]],
) -> None:
    counts, now = Counts(), NOW
    for network, waits in failed:
        for wait in [*waits, *[timedelta(0)] * 30]:
            now += wait
            counts.fail(password_scopes(VAULT, NAME, OWNER, Origin(network)), now)
    fresh = Origin("192.0.2.200")
    assert counts.fail(password_scopes(VAULT, NAME, OWNER, fresh), now)
    assert counts.fail(password_scopes(VAULT, NAME, OWNER, KNOWN), now)


@pytest.mark.parametrize(
    ("patience", "most"), [(PAIR, 40), (CODE, 45), (CONFIRM, 40), (DEVICE, 115), (NETWORK, 145)], ids=str
)
@given(waits=pauses, greedy=st.integers(0, 40))
def test_guesses_of_a_day_are_bounded_however_they_are_spaced(
    patience: Patience, most: int, waits: list[timedelta], greedy: int
) -> None:
    made: list[datetime] = []
    counts, scope, now = Counts(), (Scope(b"key", patience),), NOW
    rhythm = cycle([*[timedelta(0)] * greedy, *waits])
    while now < NOW + 3 * DAY and len(made) < 4 * most:
        if counts.fail(scope, now):
            made.append(now)
        now = counts.opens(scope, now) + next(rhythm)
    assert most_in_a_day(made) <= most


@given(where=st.lists(networks, min_size=1, max_size=6))
def test_codes_of_one_account_are_bounded_over_all_networks_together(where: list[str]) -> None:
    made: list[datetime] = []
    counts, now = Counts(), NOW
    for network in cycle(where):
        scopes = code_scopes(VAULT, NAME, OWNER, Origin(network))
        now = counts.opens(scopes, now)
        if now >= NOW + DAY:
            break
        if counts.fail(scopes, now):
            made.append(now)
    assert len(made) <= 45, "of a million codes, of which three are right"


@given(patience=patiences, failures=st.integers(0, 10_000), against=st.integers(0, 100_000))
def test_a_wait_grows_up_to_its_longest_and_pressure_leaves_one_try(
    patience: Patience, failures: int, against: int
) -> None:
    wait, longer = rules.wait_after(patience, failures), rules.wait_after(patience, failures + 1)
    assert timedelta(0) <= wait <= longer <= patience.longest
    assert (wait == timedelta(0)) == (failures <= patience.free)
    pressed = rules.under_pressure(patience, against)
    assert 1 <= pressed.free <= patience.free
    assert rules.wait_after(pressed, failures) >= wait
    assert rules.wait_after(pressed, 1) == timedelta(0)


@given(
    seed=st.binary(min_size=20, max_size=20),
    given_codes=st.lists(st.tuples(st.integers(0, 100), st.integers(-4, 4)), min_size=1, max_size=25),
)
def test_a_code_is_taken_once_near_its_time_and_never_one_from_before_it(
    seed: bytes, given_codes: list[tuple[int, int]]
) -> None:
    app, now, last = pyotp.TOTP(b32encode(seed).decode()), NOW, step_of(NOW) - 10
    for seconds, skew in given_codes:
        now += timedelta(seconds=seconds)
        step = step_of(now) + skew
        code = app.at(step * STEP_SECONDS)
        taken = matching_step(app.secret, f"{code[:3]} {code[3:]}", now, last)
        if taken is None:
            assert abs(skew) > 1 or step <= last
        else:
            assert app.at(taken * STEP_SECONDS) == code
            assert abs(taken - step_of(now)) <= 1
            assert taken > last
            assert matching_step(app.secret, code, now, taken) is None, "again"
            last = taken


@given(typed=st.text(max_size=8) | st.text("0123456789 ٣²", max_size=8))
def test_what_is_no_six_digits_is_no_code(typed: str) -> None:
    digits = "".join(typed.split())
    if not (len(digits) == 6 and digits.isascii() and digits.isdecimal()):
        assert matching_step("A" * 32, typed, NOW, 0) is None


@given(
    code=st.text(authenticators.ALPHABET, min_size=10, max_size=10),
    other=st.text(authenticators.ALPHABET, min_size=10, max_size=10),
    users=st.tuples(st.integers(1, 99), st.integers(1, 99)),
)
def test_a_recovery_code_is_its_owners_however_it_is_typed(code: str, other: str, users: tuple[int, int]) -> None:
    kept = authenticators._recovery_hash(VAULT, users[0], code)
    for typed in (code.upper(), f"{code[:5]}-{code[5:]}", f" {code[:5]} {code[5:]}\n"):
        assert authenticators._recovery_hash(VAULT, users[0], typed) == kept
    assert (authenticators._recovery_hash(VAULT, users[0], other) == kept) == (code == other)
    assert (authenticators._recovery_hash(VAULT, users[1], code) == kept) == (users[0] == users[1])
