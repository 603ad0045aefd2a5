"""A campaign to measure with, made through the use cases: an official, a meeting that failed, a draft, a launch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select

from outreach.accounts.links import ensure_group
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.launch import launch_campaign
from outreach.escalations.planning import plan_wave
from outreach.messaging.gates import ORGANIZER, pause_gate
from outreach.messaging.models import Message
from outreach.officials.imports import import_officials
from outreach.officials.meetings import Answer, record_meeting
from outreach.officials.models import Office, Official
from outreach.story.play import Launched
from outreach.tallies.fold import fold

OFFICIALS = Path(__file__).parent.parent.parent / "config" / "demo" / "officials.csv"
BY = "bench"
LONG_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A group with an official whose office has a phone."""

    group_id: int
    official_id: int


def set_scene(runtime: Runtime) -> Scene:
    """Make both."""
    with runtime.db.transaction() as tx:
        group_id = ensure_group(tx, "People Power Valley", runtime.clock.now())
    import_officials(runtime, group_id, OFFICIALS, today=runtime.clock.now().date())
    with runtime.db.snapshot() as session:
        official_id = session.execute(
            select(Official.id)
            .join(Office, Office.official_id == Official.id)
            .where(Official.group_id == group_id, Office.phone.is_not(None))
            .order_by(Official.id)
            .limit(1)
        ).scalar_one()
    return Scene(group_id, official_id)


def draft(runtime: Runtime, scene: Scene, list_name: str) -> int:
    """A draft campaign for one list; its id."""
    with runtime.db.transaction() as tx:
        meeting = record_meeting(
            tx,
            runtime,
            scene.group_id,
            official_id=scene.official_id,
            held_on=runtime.clock.now().date(),
            outcome="declined",
            answers=[Answer(5, "no", "writing")],
            recorded_by=BY,
        )
        made = draft_from_meeting(tx, runtime, meeting)
        assert made is not None  # noqa: S101  a declined meeting always opens one
        edit_draft(tx, scene.group_id, made.id, lists=[list_name])
        return made.id


def launch(runtime: Runtime, scene: Scene, list_name: str) -> Launched:
    """Launch a campaign to one list. With a queue, a worker begins to plan it at once."""
    return launch_draft(runtime, scene, draft(runtime, scene, list_name))


def launch_draft(runtime: Runtime, scene: Scene, campaign_id: int) -> Launched:
    """Launch a draft."""
    started, at = time.monotonic(), runtime.clock.real_now()
    with runtime.db.transaction(durable=True) as tx:
        wave = launch_campaign(tx, runtime, scene.group_id, campaign_id)
    return Launched(scene.group_id, campaign_id, wave.id, wave.gate_id, started, at)


def launch_planned(alone: Runtime, scene: Scene, list_name: str) -> Launched:
    """The same, planned here and now; nobody is asked to send it."""
    launched = launch(alone, scene, list_name)
    plan_wave(alone, launched.wave_id, LONG_SECONDS)
    return launched


def shelve(runtime: Runtime, launched: Launched) -> None:
    """Nobody sends the rest of this campaign."""
    with runtime.db.transaction() as tx:
        pause_gate(tx, launched.gate_id, ORGANIZER)


def states(runtime: Runtime, launched: Launched) -> dict[str, int]:
    """How many messages of a campaign are in each state."""
    counting = select(Message.state, func.count()).where(Message.gate_id == launched.gate_id).group_by(Message.state)
    with runtime.db.snapshot() as session:
        return {row[0]: row[1] for row in session.execute(counting)}


def fold_all(runtime: Runtime, token: str) -> int:
    """Fold until nothing is left, under a lease that the caller holds; how many events that were."""
    total = 0
    while folded := fold(runtime.db, runtime.clock, token):
        total += folded
    return total
