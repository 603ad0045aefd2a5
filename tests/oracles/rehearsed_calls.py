"""Everybody replies CALL: what phones and offices went through, held against our sessions, legs and tallies.

What a person told is read from the keys of their phone by rules that were written here, by hand.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import requests
from sqlalchemy import exists, func, select, update

from outreach.bench.crowd import Crowd
from outreach.bench.ground import Ground, ground, machine
from outreach.bench.scene import draft, launch_draft, set_scene
from outreach.bench.waiting import is_folded, until
from outreach.calls.models import LIVE, CallLeg, CallSession
from outreach.messaging.models import Reply
from outreach.officials.models import Office
from outreach.stage.processes import Processes
from outreach.tallies.campaign import campaign_tally

SPEED: Final = 20.0
"""Whoever asked is called within ten minutes of this clock, or not any more: of many the last one would come late, for
one worker places one call after the other, some 25 a second."""
PLACED_AT_LEAST: Final = 15.0
TEN_MINUTES: Final = 600.0
LATENCY_MS: Final = 20.0
PLACED_A_SECOND: Final = 100
EXTENSION: Final = "wwww7"
OUTCOMES: Final = {"1": "spoke", "2": "voicemail", "3": "mailbox_full", "4": "no_answer", "5": "refused"}
ANSWERS: Final = {"1": "yes", "2": "no", "3": "would_not_say"}
GIVES_UP_AFTER: Final = 3
Told = list[tuple[str, str | None, str | None]]
"""Of each office leg: the carrier's status, the outcome and the office's answer that were told."""


def run(kind: str, calls: int) -> dict[str, Any]:
    """So many people on this kind of database; the figures, with ``ok``. Raises BenchError, StageError."""
    began, speed = time.monotonic(), min(SPEED, TEN_MINUTES * PLACED_AT_LEAST / calls)
    with (
        tempfile.TemporaryDirectory(prefix="outreach-calls-") as data,
        Processes(Path(data)) as processes,
        ground(kind, processes, latency_ms=LATENCY_MS, speed=speed) as at,
    ):
        at.env["OUTREACH_CALL_RATE"] = str(PLACED_A_SECOND)
        scene = set_scene(at.alone)
        Crowd(at.alone, scene.group_id).gather(calls, "Everybody")
        with at.alone.db.transaction() as tx:
            tx.execute(update(Office).values(lines=calls, extension="7"))
        at.tell_carrier("personas", {"weights": {"call": 1}, "calls": DEFAULT_PARTIES})
        at.start("web", "worker", "upkeep")
        launched = launch_draft(at.runtime, scene, draft(at.alone, scene, "Everybody"))
        until(at, launched, lambda: _is_over(at, calls))
        legs = _ledger(at.env["TWILIO_BASE_URL"])
        found = _compare(at, legs)
        with at.alone.db.snapshot() as session:
            tally = campaign_tally(session, launched.group_id, launched.campaign_id, at.alone.clock)
            standing = select(Reply.outcome).where(Reply.outcome.is_not(None), Reply.superseded.is_(False))
            reported = Counter(str(outcome) for outcome in session.execute(standing).scalars())
        counted = Counter(dict(tally.reports))
        found["wrong"]["reports_in_tally"] = (reported - counted).total() + (counted - reported).total()
    wrong = {name: count for name, count in found.pop("wrong").items() if count}
    return {
        **machine(), "database": kind, "people": calls, **found, "reports": dict(tally.reports), "wrong": wrong,
        "seconds": round(time.monotonic() - began, 1), "ok": not wrong and found["calls"] >= calls * 0.95,
    }  # fmt: skip


DEFAULT_PARTIES: Final = {
    "people": {
        "weights": {
            "presses_1": 420, "repeats_then_1": 60, "opts_out_by_key": 20, "spanish_key": 60, "wrong_key": 30,
            "silent": 45, "machine": 120, "hangs_up_early": 50, "leaves_by_star": 40, "busy": 30, "no_answer": 100,
            "unreachable": 20,
        }
    },
    "offices": {"weights": {"answers": 1, "voicemail": 1, "busy": 1, "hangs_up": 1, "no_answer": 1}},
}  # fmt: skip


def _is_over(at: Ground, calls: int) -> bool:
    """Whether everybody has asked, and nobody is called any more."""
    with at.alone.db.snapshot() as session:
        asked = session.execute(select(func.count()).select_from(Reply).where(Reply.intent == "call")).scalar_one()
        live = session.execute(select(exists().where(CallSession.state.in_(LIVE)))).scalar()
        legs = session.execute(select(exists().where(CallLeg.status.is_(None)))).scalar()
    with requests.Session() as http:
        http.trust_env = False
        idle = http.get(f"{at.env['TWILIO_BASE_URL']}/_rehearsal/idle", timeout=30).json()
    return asked >= calls * 0.97 and not live and not legs and bool(idle["idle"]) and is_folded(at)


def _ledger(carrier: str) -> list[dict[str, Any]]:
    with requests.Session() as http:
        http.trust_env = False
        answer = http.get(f"{carrier}/_rehearsal/calls", timeout=300)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]


def _compare(at: Ground, legs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Our sessions and legs beside the carrier's."""
    ours = at.env["TWILIO_FROM_NUMBER"]
    parents = [leg for leg in legs if leg["parent_sid"] is None]
    children: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for leg in legs:
        if leg["parent_sid"] is not None:
            children[leg["parent_sid"]].append(leg)
    wrong: Counter[str] = Counter()
    with at.alone.db.snapshot() as session:
        every = session.execute(select(CallSession)).scalars().all()
        sessions = {one.carrier_sid: one for one in every if one.carrier_sid is not None}
        offices = set(session.execute(select(Office.phone)).scalars())
        mine: defaultdict[int, Told] = defaultdict(list)
        for row in session.execute(select(CallLeg).order_by(CallLeg.number)).scalars():
            mine[row.session_id].append((row.status or "", row.outcome, row.answer))
    called = Counter(leg["to"] for leg in parents)
    wrong["called_twice"] = sum(count - 1 for count in called.values())
    wrong["calls_nobody_asked_for"] = sum(leg["sid"] not in sessions for leg in parents)
    wrong["sessions_without_a_call"] = len(sessions.keys() - {leg["sid"] for leg in parents})
    wrong["supporters_shown"] = sum(leg["from"] != ours for leg in legs)
    wrong["errors"] = sum(bool(leg["errors"]) for leg in legs)
    endings: Counter[str] = Counter()
    for parent in parents:
        session_ = sessions.get(parent["sid"])
        if session_ is None:
            continue
        endings[session_.ending or session_.state] += 1
        wrong["endings"] += session_.ending != parent["status"]
        office_legs = children[parent["sid"]]
        wrong["other_lines"] += sum(leg["to"] not in offices for leg in office_legs)
        wrong["extensions"] += sum(leg["send_digits"] not in ("", EXTENSION) for leg in office_legs)
        expected = list(_told(parent["digits_pressed"], [leg["status"] for leg in office_legs]))
        wrong["legs"] += mine[session_.id] != expected
    return {
        "calls": len(parents), "office_legs": sum(map(len, children.values())), "endings": dict(endings),
        "wrong": wrong,
        "troubles": [
            {name: leg[name] for name in ("persona", "status", "digits_pressed", "documents", "errors")}
            for leg in legs if leg["errors"]
        ][:10],
        "not_called": Counter(one.ending for one in every if one.carrier_sid is None),
    }  # fmt: skip


def _told(keys: str, statuses: Sequence[str]) -> Iterator[tuple[str, str | None, str | None]]:
    """What was told of each office leg, by the keys in their order: 1 to go on, 1 to be connected, and then."""
    pressed = iter(keys.replace("*", ""))
    if statuses:
        for key in pressed:  # the greeting
            if key == "1":
                break
        for key in pressed:  # the script
            if key != "0":
                break
    for status in statuses:
        outcome = answer = None
        if status == "completed":
            outcome = _first(pressed, OUTCOMES)
            answer = _first(pressed, ANSWERS) if outcome == "spoke" else None
        yield status, outcome, answer


def _first(pressed: Iterator[str], keys: Mapping[str, str]) -> str | None:
    """The first key that means something; who presses others is asked again, three times at most."""
    for _, key in zip(range(GIVES_UP_AFTER), pressed, strict=False):
        if key in keys:
            return keys[key]
    return None
