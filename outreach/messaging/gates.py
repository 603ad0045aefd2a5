"""Gates: what messages pass through. Other features open, pause and close them only through these use cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NotRequired, TypedDict

import structlog
from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from outreach.core.clock import Clock
from outreach.core.db import Database, Job, Transaction
from outreach.core.errors import ConflictError
from outreach.core.hot import Hot
from outreach.messaging.events import append, delta
from outreach.messaging.models import IS_LEASED, Event, Gate, GateText, Message, Tally
from outreach.messaging.reminder_models import REMINDER
from outreach.messaging.restored import require_caught_up
from outreach.messaging.states import BEFORE_POSTING, public_state

log = structlog.get_logger(__name__)

CHUNK = 500
TAKEN = ("accepted", "sent", "delivered", "undelivered")
SEND_BATCH = "workers.messaging.send_batch"

PERSONAL = frozenset({"answers", "sign_up"})
"""Kinds of gates for people who wait for a text because they asked for one: they come first."""
NEVER_PAUSED = PERSONAL | {"reconfirm", "follow_up", "thanks", REMINDER}
"""Kinds that nobody pauses, for no page would resume them: what the carrier refuses is tried again."""
STAND_DOWN: Final = "stand_down"
"""The reason of the gates of campaigns that were stood down: paused for the minute of undo, then closed."""
UNUSUAL: Final = "unusual"
"""The reason of gates that were halted because they are so unlike their group: an admin lets them go on."""
ORGANIZER: Final = "organizer"
"""The reason of gates that a person has paused or closed."""
PERSONAL_GATE = Hot(
    select(Gate.id)
    .where(Gate.group_id == bindparam("group"), Gate.kind == bindparam("kind"))
    .order_by(Gate.id)
    .limit(1)
)


class Baseline(TypedDict):
    """Where a gate stood when it was resumed: its last event, and its counters. What breakers count begins there.

    ``looked``: 1 where it had been halted as unusual, and an admin has let it go on.
    """

    event: int
    texted: int
    opted_out: int
    looked: NotRequired[int]


NOTHING: Baseline = {"event": 0, "texted": 0, "opted_out": 0}


def open_gate(
    tx: Transaction,
    *,
    group_id: int,
    kind: str,
    texts: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
    clock: Clock,
    second: Mapping[str, str] | None = None,
    unless_replied: Sequence[int] = (),
    tactic: str | None = None,
    event_at: datetime | None = None,
) -> Gate:
    """A new open gate; per language its template, and the values that are the same for everybody.

    ``second``: another template per language, to be tried against the first. ``unless_replied``: nobody who has
    replied to one of these gates gets its text. ``tactic``: what a campaign's texts ask people to do; ``event_at``:
    when that begins, where it is an event.
    """
    gate = Gate(
        group_id=group_id, kind=kind, tactic=tactic, event_at=event_at, state="open",
        unless_replied=list(unless_replied) or None, created_at=clock.now(),
    )  # fmt: skip
    tx.add(gate)
    tx.flush()
    for variant, templates in (("a", texts), ("b", second or {})):
        for language, template in templates.items():
            said = dict(values[language])
            tx.add(GateText(gate_id=gate.id, language=language, variant=variant, template=template, values=said))
    return gate


def answers_gate(tx: Transaction, group_id: int, clock: Clock) -> int:
    """The gate through which a group answers people; made when it is first needed."""
    return _personal_gate(tx, group_id, "answers", clock)


def sign_up_gate(tx: Transaction, group_id: int, clock: Clock) -> int:
    """The gate through which a group asks numbers of its sign-up page; made when it is first needed."""
    return _personal_gate(tx, group_id, "sign_up", clock)


def follow_up_gate(tx: Transaction, group_id: int, clock: Clock) -> int:
    """The gate by which a group comes back to people; made when it is first needed. What a follow-up is about is
    another gate, its campaign's, and that one decides whether it may go (``slices``)."""
    return _personal_gate(tx, group_id, "follow_up", clock)


def reminder_gate(tx: Transaction, group_id: int, clock: Clock) -> int:
    """The gate by which a group reminds its own members; made when it is first needed."""
    return _personal_gate(tx, group_id, REMINDER, clock)


def _personal_gate(tx: Transaction, group_id: int, kind: str, clock: Clock) -> int:
    found = PERSONAL_GATE.value(tx, {"group": group_id, "kind": kind})
    return found or open_gate(tx, group_id=group_id, kind=kind, texts={}, values={}, clock=clock).id


def counts_of(session: Session, gate_id: int) -> dict[str, int]:
    """The folded counters of a gate; names without a row are missing."""
    rows = session.execute(select(Tally.name, Tally.count).where(Tally.gate_id == gate_id))
    return dict(rows.all())


def texted(counts: Mapping[str, int]) -> int:
    """How many texts the carrier has taken, by a gate's counters."""
    return sum(counts.get(name, 0) for name in TAKEN)


def gate_state(tx: Transaction, gate_id: int) -> str:
    """open, paused or closed."""
    return tx.execute(select(Gate.state).where(Gate.id == gate_id)).scalar_one()


def pause_gate(tx: Transaction, gate_id: int, reason: str) -> bool:
    """Stop new slices at once. False when it was not open, or is one of NEVER_PAUSED."""
    kind = tx.execute(select(Gate.kind).where(Gate.id == gate_id)).scalar()
    return kind not in NEVER_PAUSED and _move(tx, gate_id, "open", "paused", reason)


def halt_gate(tx: Transaction, gate_id: int, reason: str, *, paused_too: bool = False) -> bool:
    """Pause by the machine's own decision, which somebody must see and mend; False when it was not open.

    ``paused_too``: also what is paused for another reason, or whoever may mend that would resume it as if nothing were.
    """
    halted = pause_gate(tx, gate_id, reason) or (paused_too and _move(tx, gate_id, "paused", "paused", reason))
    if halted:
        log.error("gate_halted", gate_id=gate_id, reason=reason)
    return halted


def resume_gate(tx: Transaction, gate_id: int) -> None:
    """Let messages through again. Raises ConflictError unless the gate was paused, and while a restored backup is
    catching up.
    """
    require_caught_up(tx)
    stood = select(Gate.reason, Gate.baseline).where(Gate.id == gate_id).with_for_update(key_share=True)
    reason, before = tx.execute(stood).one()
    if not _move(tx, gate_id, "paused", "open", None):
        raise ConflictError("gate_not_paused")
    counts = counts_of(tx, gate_id)
    last = tx.execute(select(func.max(Event.id))).scalar() or 0
    baseline: Baseline = {"event": last, "texted": texted(counts), "opted_out": counts.get("opted_out", 0)}
    if reason == UNUSUAL or (before or {}).get("looked"):
        baseline["looked"] = 1
    tx.execute(update(Gate).where(Gate.id == gate_id).values(baseline=baseline))
    tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))


def _move(tx: Transaction, gate_id: int, source: str, target: str, reason: str | None) -> bool:
    others = or_(Gate.reason.is_(None), Gate.reason != STAND_DOWN)  # what stands down only its undo sets going again
    statement = update(Gate).where(Gate.id == gate_id, Gate.state == source, others)
    return bool(tx.execute(statement.values(state=target, reason=reason).returning(Gate.id)).first())


def stand_gates_down(tx: Transaction, gate_ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    """Stop gates at once, as a pause does, and so that nobody resumes them; how each stood that was not closed."""
    standing = (
        select(Gate.id, Gate.state, Gate.reason)
        .where(Gate.id.in_(gate_ids), Gate.state != "closed")
        .order_by(Gate.id)
        .with_for_update(key_share=True)  # planning goes on meanwhile: what it plans waits like the rest
    )
    before = {row.id: (row.state, row.reason) for row in tx.execute(standing)}
    tx.execute(update(Gate).where(Gate.id.in_(before)).values(state="paused", reason=STAND_DOWN))
    return before


def stand_gates_up(tx: Transaction, before: Mapping[int, tuple[str, str | None]]) -> None:
    """Put gates back exactly as they stood, breakers' counts too; one that was closed meanwhile stays closed."""
    for gate_id, (state, reason) in sorted(before.items()):
        mine = update(Gate).where(Gate.id == gate_id, Gate.state == "paused", Gate.reason == STAND_DOWN)
        moved = tx.execute(mine.values(state=state, reason=reason).returning(Gate.id)).first()
        if moved and state == "open":
            tx.enqueue(Job("messaging", SEND_BATCH, (gate_id,)))


def close_gate(tx: Transaction, gate_id: int, reason: str) -> None:
    """Close for good: no slice passes after this has committed. ``cancel_messages`` then cancels the rows."""
    tx.execute(update(Gate).where(Gate.id == gate_id).values(state="closed", reason=reason))


def cancel_messages(db: Database, gate_id: int, clock: Clock) -> int:
    """Cancel, in short transactions, what a closed gate holds before its POST; how many messages that were.

    What a killed process leaves of them, ``sweep_closed`` finishes.
    """
    total = 0
    while canceled := cancel_chunk(db, gate_id, clock):
        total += canceled
    return total


def cancel_chunk(db: Database, gate_id: int, clock: Clock) -> int:
    """Cancel some of what a closed gate still holds before its POST; how many."""
    with db.transaction() as tx:
        chosen = (
            select(Message.id, Message.state)
            .where(Message.id.in_(_before_posting(tx, gate_id)), Message.state.in_(BEFORE_POSTING))
            .order_by(Message.id)
            .with_for_update()  # a slice that holds some of them is done in milliseconds
        )
        rows = tx.execute(chosen).all()
        ids = [row.id for row in rows]
        tx.execute(update(Message).where(Message.id.in_(ids)).values(state="canceled", lease_token=None))
        counts: dict[str, int] = {}
        for row in rows:
            counts[public_state(row.state)] = counts.get(public_state(row.state), 0) + 1
        at = clock.real_now()
        append(tx, [delta(gate_id, source, "canceled", count, at) for source, count in counts.items()])
        return len(ids)


def _before_posting(tx: Transaction, gate_id: int) -> list[int]:
    """Some of what a gate holds before its POST. Each state has an index: asked for all at once, every message there is
    would be read for each chunk.
    """
    for state in BEFORE_POSTING:
        chosen = select(Message.id).where(Message.gate_id == gate_id, Message.state == state).limit(CHUNK)
        if state == "claimed":
            chosen = chosen.where(IS_LEASED)
        if ids := list(tx.execute(chosen).scalars()):
            return ids
    return []
