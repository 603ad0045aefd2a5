"""A phone tree at work while workers are killed: whom the carrier's ledger says it reached, held against our tree.

Who leads, who cannot and who stays silent is drawn here and pinned to numbers at the carrier; the text that somebody
must have got, and got once, is read from the carrier's ledger.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
from sqlalchemy import or_, select

from outreach.bench.crowd import Crowd, number
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.scene import BY, draft, set_scene
from outreach.bench.waiting import is_folded
from outreach.chaos.targets import Reviver, Targets
from outreach.messaging.models import Message
from outreach.people.models import Constituent
from outreach.phone_tree.branches import Placed
from outreach.phone_tree.editing import grow_tree, nodes_of
from outreach.phone_tree.models import LIVE, TreeRun, TreeStep
from outreach.phone_tree.reads import RunView, view_run
from outreach.phone_tree.running import start_run
from outreach.stage.processes import Processes

SPEED: Final = 60.0
LATENCY_MS: Final = 20.0
PATIENCE_SECONDS: Final = 600
REACH: Final = 0.95
DENIES: Final = 0.05
"""Of the captains who do not lead, those who say so."""
BREAKS: Final = (30005, 21614)
"""The carrier's codes of a phone that takes no text."""
MEMBERS: Final = {"delivered": 760, "stop": 25, "report_digit": 60, "script": 25, "help": 20, "free_text": 30,
                  "spanish": 20, "undelivered_30003": 30, "undelivered_30005": 15, "refused_21614": 15}  # fmt: skip


def run(kind: str, people: int, silent: float, kills: int, seed: int, speed: float = SPEED) -> dict[str, Any]:
    """A tree of so many people, a share of its captains silent; the figures, with ``ok``. Raises OutreachError."""
    began, draws = time.monotonic(), random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="outreach-tree-") as data,
        Processes(Path(data)) as processes,
        ground(kind, processes, latency_ms=LATENCY_MS, speed=speed) as at,
    ):
        scene = set_scene(at.alone)
        list_id = Crowd(at.alone, scene.group_id).gather(people, "Everybody")
        with at.alone.db.transaction() as tx:
            tree = grow_tree(tx, at.alone, scene.group_id, "City", lists=[list_id], by=BY)
        nodes = _nodes(at, tree.id)
        personas = _personas(at, nodes, people, silent, draws)
        at.tell_carrier("personas", {"weights": MEMBERS, "numbers": personas})
        at.start("web", "worker", "upkeep")
        with _killed(at, processes, kills, draws) as struck:
            campaign_id = draft(at.alone, scene, "Everybody")
            with at.runtime.db.transaction(durable=True) as tx:
                launched = start_run(tx, at.runtime, scene.group_id, tree.id, campaign_id, by=BY)
            _until_over(at, launched.id, struck)
        view = _view(at, launched.id)
        found = _compare(at, view, _everybody(at))
    return {
        **machine(), "database": kind, "people": people, "captains": sum(node.parent is None for node in nodes),
        "silent_captains": sum(persona == "delivered" for persona in personas.values()), "kills": dict(struck.fell),
        **found, "total": view.as_json()["total"], "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _nodes(at: Ground, tree_id: int) -> list[Placed]:
    with at.alone.db.snapshot() as session:
        return nodes_of(session, tree_id)


def _everybody(at: Ground) -> dict[int, str]:
    """Person -> number."""
    with at.alone.db.snapshot() as session:
        rows = session.execute(select(Constituent.id, Constituent.sealed))
        return {row.id: str(at.alone.vault.open(row.sealed, "constituent")["phone"]) for row in rows}


def _personas(at: Ground, nodes: Sequence[Placed], people: int, silent: float, draws: random.Random) -> dict[str, str]:
    """What each captain does; members and backups do as the weights say, and some backups lead."""
    numbers = _everybody(at)
    captains = [node for node in nodes if node.parent is None]
    quiet = set(draws.sample(range(len(captains)), round(len(captains) * silent)))
    personas = {}
    for place, node in enumerate(captains):
        leads = "leads_not" if draws.random() < DENIES else "leads"
        personas[numbers[node.person]] = "delivered" if place in quiet else leads
        if node.backup is not None and draws.random() < 1 / 2:
            personas[numbers[node.backup]] = "leads"
    assert set(numbers.values()) == {number(index) for index in range(people)}
    return personas


class Struck:
    """Kills so far, by target."""

    def __init__(self, targets: Targets, kills: int, draws: random.Random) -> None:
        self._targets, self._left, self._draws = targets, kills, draws
        self._next = time.monotonic() + 1
        self.fell: Counter[str] = Counter()

    def maybe(self) -> None:
        """Kill a worker or its work-horse when it is time."""
        if self._left and time.monotonic() >= self._next:
            target = self._draws.choice(("worker", "workhorse", "upkeep"))
            if self._targets.there(target) and self._targets.kill(target):
                self.fell[target] += 1
                self._left -= 1
                self._next = time.monotonic() + self._draws.uniform(0.5, 2.5)


@contextmanager
def _killed(at: Ground, processes: Processes, kills: int, draws: random.Random) -> Iterator[Struck]:
    reviver = Reviver(processes, 2 * kills + 10)
    with reviver.at_work():
        yield Struck(Targets(processes, at.env["REDIS_URL"], reviver.coming_up), kills, draws)
        reviver.wait_for_all(reviver.check)


def _until_over(at: Ground, run_id: int, struck: Struck) -> None:
    """Until every branch is decided, every text is reported on and every answer folded."""
    deadline, quiet_since = time.monotonic() + PATIENCE_SECONDS, None
    while time.monotonic() < deadline:
        struck.maybe()
        if _is_over(at, run_id):
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > 3:
                return
        else:
            quiet_since = None
        time.sleep(0.2)
    raise TimeoutError(f"the tree is not over after {PATIENCE_SECONDS} s: {_view(at, run_id).as_json()['total']}")


def _is_over(at: Ground, run_id: int) -> bool:
    with at.alone.db.snapshot() as session:
        run = session.get_one(TreeRun, run_id)
        live = select(TreeStep.id).where(TreeStep.run_id == run_id, TreeStep.state.in_(LIVE)).limit(1)
        open_ = ("planned", "claimed", "held", "posting", "unknown", "accepted", "sent")
        mine = or_(Message.gate_id == run.gate_id, Message.about_gate_id == run.gate_id)
        texts = select(Message.id).where(mine, Message.state.in_(open_)).limit(1)
        if session.execute(live).first() or session.execute(texts).first():
            return False
    return at.carrier.idle() and is_folded(at)


def _view(at: Ground, run_id: int) -> RunView:
    with at.alone.db.snapshot() as session:
        return view_run(session, session.get_one(TreeRun, run_id), at.alone.clock.now())


def _compare(at: Ground, view: RunView, numbers: Mapping[int, str]) -> dict[str, Any]:
    """Our tree beside the carrier's ledger."""
    with requests.Session() as http:
        http.trust_env = False
        lines = http.get(f"{at.env['TWILIO_BASE_URL']}/_rehearsal/ledger", timeout=120).text.splitlines()
    rows = [json.loads(line) for line in lines]
    accepted = [row for row in rows if row["kind"] == "create" and row["sid"]]
    broken = {row["to"] for row in rows if row["error_code"] in BREAKS}
    ended = broken | {row["to"] for row in accepted if row["status"] == "undelivered"}
    delivered = {row["to"] for row in accepted if row["status"] == "delivered"}
    texts = Counter((row["to"], row["body_sha256"]) for row in accepted if row["status"] != "undelivered")
    captains = {numbers[one.constituent_id] for one in view.people if one.step is not None}
    asked = _asked_again(at, view.run)
    creates = Counter(row["to"] for row in accepted if row["status"] != "undelivered")
    wrong: Counter[str] = Counter()
    wrong["doubled"] = sum(count - 1 for count in texts.values())
    wrong["members_texted_twice"] = sum(
        count > 1 for to, count in creates.items() if to not in captains and to not in asked
    )
    reachable = reached = unclear = 0
    for one in view.people:
        to = numbers[one.constituent_id]
        reachable += to not in broken and one.why != "opted_out"
        reached += to in delivered
        wrong["status"] += (one.status == "reached") != (to in delivered) and not one.answered
        wrong["unexplained"] += one.status in ("waiting", "sent")
        unclear += one.state == "needs_review"
        wrong["missed_without_cause"] += one.status == "missed" and to not in ended and one.state != "needs_review"
    share = round(reached / reachable, 4) if reachable else 0.0
    found = {name: count for name, count in wrong.items() if count}
    return {
        "reachable": reachable, "reached": reached, "share": share, "needs_review": unclear, "wrong": found,
        "routed_around": view.total.routed_around, "ok": not found and share >= REACH,
    }  # fmt: skip


def _asked_again(at: Ground, run: TreeRun) -> set[str]:
    """Numbers of backups that had their own text in the run before they were asked."""
    with at.alone.db.snapshot() as session:
        again = select(Message.sealed).where(Message.about_gate_id == run.gate_id, Message.kind == "captain_again")
        opened = [at.alone.vault.open(sealed, "message") for sealed in session.execute(again).scalars() if sealed]
    return {str(document["to"]) for document in opened}
