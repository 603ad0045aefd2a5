"""What a captain may do by the link of their page: see how their people stand, and be put through to one of them.

The link names a step and whether its captain or their backup holds it; it is told to nobody before they said yes.
Whoever has it learns first names and no numbers, and a call rings the captain's own phone, in the captain's hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from config import table
from outreach.calls.asking import live_session
from outreach.calls.models import MEMBER
from outreach.calls.subject import goes_on, is_open
from outreach.calls.tree_calls import MOST_BY_CAPTAIN, Leader, asked_today, begin
from outreach.core.db import Transaction
from outreach.core.errors import NotFoundError
from outreach.core.runtime import Runtime
from outreach.escalations.won import what_was_won
from outreach.messaging.page_links import number_of, token_for
from outreach.people.consent import is_suppressed, lock_owner
from outreach.people.lookup import known_of
from outreach.people.models import Constituent
from outreach.people.quiet_hours import window_anywhere
from outreach.people.zones import parse_zones_key
from outreach.phone_tree.branch_reads import branch_of
from outreach.phone_tree.models import TreeRun, TreeSeat, TreeStep

PATH: Final = "/t/"
PURPOSE: Final = "captain page"

Status = Literal["open", "erased", "stopped", "won", "over", "expired"]
Call = Literal["may", "ringing", "hours", "often", "paused", "no"]
"""Whether a captain can be called now: they may; their phone rings already; not at this hour; not so often; the tree is
paused; not here."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was followed, and whether it still opens anything.

    ``seats``: of the captains whose branches they hold or have joined. ``zones``: the key of their own.
    """

    number: int
    status: Status
    run: TreeRun
    person_id: int
    number_hash: bytes
    seats: tuple[int, ...]
    language: str
    zones: str


def token_of(step_id: int, *, backup: bool) -> int:
    """The number that stands in a link."""
    return step_id * 2 + backup


def page_address(runtime: Runtime, step_id: int, *, backup: bool) -> str:
    """The whole address of the page, for a text."""
    return f"{runtime.settings.public_base_url}{PATH}{token_for(runtime, token_of(step_id, backup=backup), PURPOSE)}"


def open_page(session: Session, runtime: Runtime, token: str) -> Opened | None:
    """Follow a link; None where we never sent it. Changes nothing."""
    number = number_of(runtime, token, PURPOSE)
    return None if number is None else _opened(session, number, runtime.clock.now())


def _opened(session: Session, number: int, now: datetime) -> Opened | None:
    step_id, backup = divmod(number, 2)
    step = session.get(TreeStep, step_id)
    if step is None:
        return None
    run, seat = session.get_one(TreeRun, step.run_id), session.get_one(TreeSeat, step.seat_id)
    person_id = step.backup_id if backup else seat.constituent_id
    number_hash = step.backup_hash if backup else step.number_hash
    if person_id is None or number_hash is None:
        return None
    seats = _held(session, run.id, number_hash)
    if not seats:
        return None
    person = session.get_one(Constituent, person_id)
    if person.erased_at is not None or person.number_hash != number_hash:
        return Opened(number, "erased", run, person_id, number_hash, (), "en", "")
    status: Status = "open"
    if person.number_bad_at is not None or is_suppressed(session, number_hash, run.group_id):
        status = "stopped"
    elif not goes_on(session, run.gate_id):
        status = "won" if what_was_won(session, run.gate_id) else "over"
    elif now > run.started_at + timedelta(days=table("phone_tree")["page_days"]):
        status = "expired"
    return Opened(number, status, run, person_id, number_hash, seats, person.language, person.zones)


def _held(session: Session, run_id: int, number_hash: bytes) -> tuple[int, ...]:
    """The captains' seats of the branches that somebody holds, or came to help with."""
    joined = TreeStep.joined_at.is_not(None)
    query = select(TreeStep.seat_id).where(
        TreeStep.run_id == run_id,
        or_(
            and_(TreeStep.number_hash == number_hash, or_(TreeStep.confirmed_by == "captain", joined)),
            and_(TreeStep.backup_hash == number_hash, or_(TreeStep.confirmed_by == "backup", joined)),
        ),
    )
    return tuple(session.execute(query.order_by(TreeStep.id)).scalars())


def can_call(session: Session, runtime: Runtime, opened: Opened) -> Call:
    """Whether the captain can be called now."""
    now = runtime.clock.now()
    if opened.status != "open" or not runtime.settings.twilio_from_number:
        return "no"
    if live_session(session, opened.number_hash):
        return "ringing"
    if not is_open(session, opened.run.gate_id):
        return "paused"
    if not window_anywhere(parse_zones_key(opened.zones), now).open:
        return "hours"
    return "often" if asked_today(session, opened.number_hash, now) >= MOST_BY_CAPTAIN else "may"


def call_member(runtime: Runtime, token: str, seat_id: int) -> Opened | None:
    """Ring the captain, to put them through to somebody of their branch; where that cannot be now, nothing is done.

    Raises NotFoundError for a seat that is not below them.
    """
    number = number_of(runtime, token, PURPOSE)
    with runtime.db.transaction() as tx:
        opened = None if number is None else _locked(tx, number, runtime.clock.now())
        if opened is None or opened.status != "open":
            return opened
        member = next((one for one in branch_of(tx, runtime, opened.run, opened.seats) if one.seat_id == seat_id), None)
        if member is None:
            raise NotFoundError("tree_node_unknown")
        known: Any = known_of(tx, runtime.vault, opened.person_id)
        if member.call == "may" and known.get("phone") and can_call(tx, runtime, opened) == "may":
            leader = Leader(
                opened.person_id, opened.run.group_id, opened.number_hash, opened.language, known["phone"]
            )  # fmt: skip
            begin(tx, runtime, leader, opened.run.gate_id, MEMBER, member.constituent_id)
        return opened


def _locked(tx: Transaction, number: int, now: datetime) -> Opened | None:
    """The link, looked at behind its person's lock: a STOP or an erasure that has committed is seen."""
    opened = _opened(tx, number, now)
    if opened is None:
        return None
    lock_owner(tx, opened.number_hash)
    tx.expire_all()
    return _opened(tx, number, now)
