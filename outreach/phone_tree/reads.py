"""What a run looks like at one moment: each person, and each level in numbers. Read from the rows themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from outreach.escalations.audience import IN, reason_clause
from outreach.messaging.models import Gate, Message, Reply
from outreach.messaging.states import BEFORE_POSTING
from outreach.people.models import Constituent
from outreach.phone_tree.models import PhoneTree, TreeRun, TreeSeat, TreeStep

Status = Literal["waiting", "sent", "reached", "missed", "excluded"]
REACHED: Final = ("delivered",)
NO_ANSWERS: Final = ("opt_out", "possible_opt_out", "wrong_number")
SENT: Final = ("posting", "unknown", "accepted", "sent")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a run. ``status``: waiting for their text, sent, reached (delivered, or they have answered), missed
    (it did not arrive), excluded (``why``: a reason of ``audience.REASONS``). ``step``: of a captain."""

    seat_id: int
    constituent_id: int
    parent_id: int | None
    level: int
    area: str | None
    status: Status
    why: str | None
    answered: bool
    step: TreeStep | None
    posted_at: datetime | None
    state: str | None
    """Of their text (``messaging.states``); None: they have none."""


@dataclass(slots=True)
class Level:
    """People of one level: ``people`` = waiting + sent + reached + missed + excluded. ``minutes``: domain time from the
    start of the run to the last text of the level so far, None before the first."""

    level: int
    people: int = 0
    waiting: int = 0
    sent: int = 0
    reached: int = 0
    missed: int = 0
    excluded: int = 0
    answered: int = 0
    captains: int = 0
    routed_around: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """A run at one moment of domain time; ``people`` in the order of an indented tree."""

    run: TreeRun
    tree: str
    state: str
    reason: str | None
    people: Sequence[Person]
    levels: Sequence[Level]
    at: datetime

    @property
    def total(self) -> Level:
        """All levels in one; ``level`` is -1."""
        every = Level(-1)
        for one in self.levels:
            for name in ("people", "waiting", "sent", "reached", "missed", "excluded", "answered", "captains",
                         "routed_around"):  # fmt: skip
                setattr(every, name, getattr(every, name) + getattr(one, name))
            every.reasons = dict(Counter(every.reasons) + Counter(one.reasons))
            if one.minutes is not None:
                every.minutes = max(every.minutes or 0.0, one.minutes)
        return every

    def as_json(self) -> dict[str, Any]:
        """As ``docs/cli.md`` shows it: no names and no numbers."""
        return {
            "run_id": self.run.id,
            "tree_id": self.run.tree_id,
            "tree": self.tree,
            "campaign_id": self.run.campaign_id,
            "channel": self.run.channel,
            "state": self.state,
            "reason": self.reason,
            "started_at": self.run.started_at.isoformat(),
            "finished_at": self.run.finished_at.isoformat() if self.run.finished_at else None,
            "at": self.at.isoformat(),
            "total": _level_json(self.total),
            "levels": [_level_json(one) for one in self.levels],
            "branches": [_branch_json(one, self.people) for one in self.people if one.step is not None],
        }


def view_run(session: Session, run: TreeRun, now: datetime) -> RunView:
    """A run's people and levels as of this snapshot, at a domain time."""
    gate = session.execute(select(Gate.state, Gate.reason).where(Gate.id == run.gate_id)).one()
    answered = exists().where(
        Reply.number_hash == TreeSeat.number_hash, Reply.gate_id == run.gate_id, Reply.intent.not_in(NO_ANSWERS)
    )
    rows = session.execute(
        select(TreeSeat, TreeStep, Message.state, Message.posted_at, reason_clause(now).label("why"),
               answered.label("answered"))
        .join(Constituent, Constituent.id == TreeSeat.constituent_id)
        .outerjoin(TreeStep, TreeStep.seat_id == TreeSeat.id)
        .outerjoin(Message, Message.id == TreeSeat.message_id)
        .where(TreeSeat.run_id == run.id)
        .order_by(TreeSeat.id)
    )  # fmt: skip
    people = []
    for seat, step, state, posted_at, why, has_answered in rows:
        status = status_of(state, why, answered=bool(has_answered))
        people.append(
            Person(
                seat.id, seat.constituent_id, seat.parent_id, seat.level, seat.area, status,
                _why(state, why) if status == "excluded" else None, bool(has_answered), step, posted_at, state,
            )
        )  # fmt: skip
    paused = run.state == "running" and gate.state == "paused"
    tree = session.execute(select(PhoneTree.name).where(PhoneTree.id == run.tree_id)).scalar_one()
    return RunView(
        run, tree, "paused" if paused else run.state, gate.reason if paused else None, list(_indented(people)),
        levels_of(people, run.started_at), now,
    )  # fmt: skip


def status_of(state: str | None, why: str, *, answered: bool) -> Status:
    """How somebody stands, by the state of their text (None: none yet) and what keeps them from having one. Pure."""
    if answered or state in REACHED:
        return "reached"
    if state == "suppressed" or (state is None and why != IN):
        return "excluded"
    if state is None or state in BEFORE_POSTING:
        return "waiting"
    return "sent" if state in SENT else "missed"


def _why(state: str | None, why: str) -> str:
    return "opted_out" if state == "suppressed" or why == IN else why


def levels_of(people: Sequence[Person], started_at: datetime) -> list[Level]:
    """The levels in numbers, from the top. Pure."""
    levels: dict[int, Level] = {}
    for one in people:
        level = levels.setdefault(one.level, Level(one.level))
        level.people += 1
        setattr(level, one.status, getattr(level, one.status) + 1)
        level.answered += one.answered
        if one.why:
            level.reasons[one.why] = level.reasons.get(one.why, 0) + 1
        if one.step is not None:
            level.captains += 1
            level.routed_around += one.step.reason is not None
        if one.posted_at is not None:
            level.minutes = max(level.minutes or 0.0, round((one.posted_at - started_at).total_seconds() / 60, 1))
    return [levels[number] for number in sorted(levels)]


def _indented(people: Sequence[Person]) -> Iterator[Person]:
    below: dict[int | None, list[Person]] = defaultdict(list)
    for one in people:
        below[one.parent_id].append(one)
    stack = below[None][::-1]
    while stack:
        one = stack.pop()
        yield one
        stack.extend(below[one.seat_id][::-1])


def _level_json(level: Level) -> dict[str, Any]:
    said = asdict(level)
    return said if level.level >= 0 else {name: value for name, value in said.items() if name != "level"}


def _branch_json(captain: Person, people: Sequence[Person]) -> dict[str, Any]:
    step = captain.step
    assert step is not None  # noqa: S101  it is a captain
    branch = [one for one in people if one.parent_id == captain.seat_id]
    counts = Counter(one.status for one in branch)
    return {
        "seat_id": captain.seat_id,
        "level": captain.level,
        "area": captain.area,
        "state": step.state,
        "reason": step.reason,
        "confirmed_by": step.confirmed_by,
        "joined_late": step.joined_at is not None,
        "people": len(branch),
        "answered": sum(one.answered for one in branch),
        **{name: counts[name] for name in ("waiting", "sent", "reached", "missed", "excluded")},
    }
