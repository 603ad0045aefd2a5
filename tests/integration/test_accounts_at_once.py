"""Two at the same time, on both databases: a code enters once, an invitation makes one user, failures are all counted.

Each race is made to happen: both have looked before either writes. SQLite lets one of them write at a time, and the
other waits before it looks; there the wait for both ends by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pyotp
import pytest
from sqlalchemy import func, select

from outreach.accounts import attempts, authenticators, colleagues, entering, invitations, sign_ins
from outreach.accounts.attempts import Origin, TryLaterError
from outreach.accounts.entering import HalfIn
from outreach.accounts.invitations import Actor, Entered
from outreach.accounts.links import make_login_link, use_login_link
from outreach.accounts.models import AuditEvent, User
from outreach.accounts.passwords import Passwords
from outreach.accounts.sign_in_models import RecoveryCode, SignIn, SignInCount
from outreach.core.errors import OutreachError
from outreach.core.runtime import Runtime
from tests.integration.test_accounts import CHEAP, SECRET, join

HERE: Final = Origin("192.0.2.1")
BOTH: Final = 0.3
"""Seconds for which one waits for the other, where the database has not let that one so far."""
PATIENCE: Final = 20.0


class Meeting:
    """Where two wait for each other."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)

    def wait(self) -> None:
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(BOTH)


class Process(Passwords):
    """What another process has: its own turn at hashing. It waits for the other before it hashes or verifies."""

    def __init__(self, before: Callable[[], object]) -> None:
        super().__init__(passes=1, memory_kib=8)
        self._before = before

    def hash(self, password: str) -> str:
        self._before()
        return super().hash(password)

    def verify(self, kept: str | None, password: str) -> bool:
        self._before()
        return super().verify(kept, password)


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave, or the code of its error."""
    found: list[Any] = [None] * len(acts)

    def run(index: int) -> None:
        try:
            found[index] = acts[index]()
        except OutreachError as error:
            found[index] = error.code

    racers = [threading.Thread(target=run, args=(index,)) for index in range(len(acts))]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(PATIENCE)
    return found


def count(runtime: Runtime, *which: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).where(*which)).scalar_one()


def failures(runtime: Runtime) -> Sequence[int]:
    with runtime.db.snapshot() as session:
        return session.execute(select(SignInCount.failures).order_by(SignInCount.failures)).scalars().all()


def half_in(runtime: Runtime, user: int) -> HalfIn:
    half = entering.check_password(runtime, CHEAP, "ana", SECRET, HERE)
    assert half is not None
    assert half.user_id == user
    return half


@pytest.mark.parametrize("kind", ["code", "recovery"])
def test_a_code_given_twice_at_once_enters_once(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    user, now = join(runtime, group, "ana"), runtime.clock.real_now()
    app = pyotp.TOTP(pyotp.random_base32())
    with runtime.db.transaction() as tx:
        codes = authenticators.enrol(tx, runtime.vault, user, app.secret, app.at(now), now)
    typed = codes[0] if kind == "recovery" else app.at(now.timestamp() + authenticators.STEP_SECONDS)
    half, met, looked = half_in(runtime, user), Meeting(), authenticators.matching_step

    def look(*given: Any) -> int | None:
        found = looked(*given)
        met.wait()
        return found

    monkeypatch.setattr(authenticators, "matching_step", look)
    before = count(runtime, SignIn.user_id == user)
    entered = at_once(*[lambda: entering.finish(runtime, half, HERE, "", typed)] * 2)
    assert sorted(token is None for token in entered) == [False, True], entered
    assert count(runtime, SignIn.user_id == user) == before + 1
    assert count(runtime, RecoveryCode.user_id == user, RecoveryCode.used_at.is_not(None)) == (kind == "recovery")


def test_a_session_that_ended_while_its_password_was_given_is_nobody_elses(runtime: Runtime, group: int) -> None:
    eve, now = join(runtime, group, "eve", "staff"), runtime.clock.real_now()
    ana = join(runtime, group, "ana", "admin")
    with runtime.db.transaction() as tx:
        token = sign_ins.start(tx, eve, now, device="", confirmed=True, how="password")
        mine = sign_ins.find(tx, token, now, rehearsal=True)
    assert mine is not None

    def ends() -> None:
        """From another browser of theirs; and another person signs in, whose session gets its id on SQLite."""
        with runtime.db.transaction() as tx:
            sign_ins.end_all(tx, eve, now)
        with runtime.db.transaction() as tx:
            sign_ins.start(tx, ana, now, device="", confirmed=False, how="password")

    [heard] = at_once(lambda: entering.confirm(runtime, Process(ends), eve, mine.sign_in_id, SECRET))
    assert heard == "sign_in_ended"


def test_a_reset_between_password_and_session_lets_nobody_in(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, counted = join(runtime, group, "ana"), attempts.code_scopes
    half = half_in(runtime, user)

    def reset_meanwhile(*given: Any) -> Any:
        with runtime.db.transaction() as tx:
            colleagues.reset(tx, Actor(group, "tester", "instance"), user, runtime.clock.real_now())
        return counted(*given)

    monkeypatch.setattr(attempts, "code_scopes", reset_meanwhile)
    assert entering.finish(runtime, half, HERE, "", None) is None
    assert count(runtime, SignIn.user_id == user) == 0


def test_an_invitation_accepted_twice_at_once_makes_one_user(runtime: Runtime, group: int) -> None:
    now, met = runtime.clock.real_now(), Meeting()
    with runtime.db.transaction() as tx:
        token = invitations.invite(tx, Actor(group, "tester", "instance"), role="staff", meant_for="Ana", now=now)
    before = count(runtime, User.group_id == group)

    def accept(name: str) -> Entered:
        given = {"name": name, "sign_in_name": name, "password": SECRET, "device": ""}
        return invitations.accept(runtime, Process(met.wait), token, **given)

    entered = at_once(lambda: accept("ana"), lambda: accept("bob"))
    assert entered.count("invitation_over") == 1, entered
    assert count(runtime, User.group_id == group) == before + 1
    assert count(runtime, SignIn.id > 0) == 1
    assert count(runtime, AuditEvent.action == "invitation_accepted") == 1


def test_two_wrong_passwords_at_once_count_two_and_two_right_ones_none(runtime: Runtime, group: int) -> None:
    user = join(runtime, group, "ana")

    def give(password: str) -> list[Any]:
        met = Meeting()
        return at_once(
            *[lambda: entering.check_password(runtime, Process(met.wait), "ana", password, HERE) for _ in range(2)]
        )

    assert give("wrong wrong wrong") == [None, None]
    assert failures(runtime) == [2, 2, 2]  # with this network, of the account, of the network
    assert all(isinstance(one, HalfIn) for one in give(SECRET))
    assert failures(runtime) == [2, 2, 2]
    for _ in range(7):  # more than are free to fail
        half_in(runtime, user)
    assert failures(runtime) == [2, 2, 2]


def test_a_try_that_is_under_way_is_counted_already(runtime: Runtime, group: int) -> None:
    """Guesses sent side by side do not get ahead of the count: what the sixth does the seventh is told at once."""
    join(runtime, group, "ana")
    for _ in range(5):
        assert entering.check_password(runtime, CHEAP, "ana", "wrong wrong wrong", HERE) is None
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    slow = threading.Thread(
        target=entering.check_password, args=(runtime, Process(hold), "ana", "wrong wrong wrong", HERE)
    )
    slow.start()
    assert begun.wait(PATIENCE)
    with pytest.raises(TryLaterError):
        entering.check_password(runtime, CHEAP, "ana", SECRET, HERE)
    go_on.set()
    slow.join(PATIENCE)
    assert failures(runtime) == [6, 6, 6], "what was refused was not counted"


def test_an_admin_who_enters_by_a_link_while_they_are_taken_out_is_out(runtime: Runtime, group: int) -> None:
    user, now, used = join(runtime, group, "ana", role="admin"), runtime.clock.real_now(), threading.Event()
    with runtime.db.transaction() as tx:
        token = make_login_link(tx, user, now)

    def enter() -> str:
        with runtime.db.transaction() as tx:
            assert use_login_link(tx, token, now) is not None
            used.set()
            time.sleep(BOTH)  # the other waits for the link by then
            return sign_ins.start(tx, user, now, device="", confirmed=False, how="link")

    def take_out() -> None:
        assert used.wait(PATIENCE)
        with runtime.db.transaction() as tx:
            colleagues.deactivate(tx, Actor(group, "tester", "instance"), user, now, rehearsal=True)

    at_once(enter, take_out)
    with runtime.db.snapshot() as session:
        assert session.get_one(User, user).deactivated_at is not None
    assert count(runtime, SignIn.user_id == user) == 0


def test_two_admins_who_demote_each_other_at_once_leave_one(
    runtime: Runtime, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [join(runtime, group, name, "instance") for name in ("ana", "bob")]
    met, looked, now = Meeting(), colleagues._target, runtime.clock.real_now()

    def look(*given: Any) -> User:
        met.wait()
        return looked(*given)

    monkeypatch.setattr(colleagues, "_target", look)

    def demote(user: int) -> None:
        with runtime.db.transaction() as tx:
            colleagues.change_role(tx, Actor(group, "x", "instance"), user, "staff", now, rehearsal=False)

    done = at_once(*[lambda user=user: demote(user) for user in people])
    assert [one for one in done if one is not None] == ["last_admin"], done
    assert count(runtime, User.id.in_(people), User.role == "instance") == 1


def test_a_server_whose_clock_is_behind_takes_tries_as_well(runtime: Runtime, group: int) -> None:
    scopes = attempts.password_scopes(runtime.vault, "ana", None, HERE)
    ahead = runtime.clock.real_now()
    for now in (ahead, ahead - timedelta(minutes=4)):
        with runtime.db.transaction() as tx:
            tried = attempts.begin_try(tx, scopes, now)
        with runtime.db.transaction() as tx:
            attempts.take_back(tx, tried, now)
    assert failures(runtime) == [0, 0, 0]
