"""Tens of thousands of webhooks that must be refused, beside their parents that must be taken.

A parent's mutants are sent before it, so that what is taken of them leaves a row under the parent's own MessageSid. In
the end the database must hold the parents, every word of theirs, and nothing else.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select

from outreach.bench.ground import bare_ground, machine
from outreach.core.runtime import Runtime
from outreach.messaging.models import Event, Reply
from outreach.messaging.render import printable
from outreach.stage.processes import Processes
from tests.oracles.webhook_mutants import KINDS, Kind, is_genuine
from tests.oracles.webhook_parents import Parent, Sent, Site, parents
from tests.oracles.webhook_wire import Heard, Line, no_http

Ask = Callable[[Sent], Heard]
Row = tuple[str, str, str, str]
"""text, MessageSid, sender, words; or report, MessageSid, attempt, status and code."""
THREADS = 4
OURS = "+14805550100"
MOST = 64
"""Mutants of one kind that a parent has; fewer where there are no more."""


@dataclass(slots=True)
class Found:
    """What came of them."""

    parents: list[Parent] = field(default_factory=list)
    mutants: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Mutants that were taken, answers in the 500s, parents that were not taken, replays answered twice."""
    accepted: int = 0
    broken: int = 0
    parents_accepted: int = 0
    controls: int = 0
    controls_accepted: int = 0
    replays: int = 0
    replays_answered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, sent: Sent, heard: Heard) -> None:
        """What a mutant got."""
        with self._lock:
            self.mutants[kind] += 1
            self.statuses[heard.status] += 1
            self.accepted += heard.accepted
            self.broken += heard.status >= 500
            if heard.accepted or heard.status >= 500:
                self.wrong.append(f"{heard.status} {kind}: {sent.wire()[:1_500]!r}")

    def note_parent(self, parent: Parent, first: Heard, others: list[Heard], again: Heard) -> None:
        """What the parent got, the same written otherwise, and the same once more."""
        with self._lock:
            self.parents.append(parent)
            self.parents_accepted += first.accepted
            self.controls += len(others)
            self.controls_accepted += sum(heard.accepted for heard in others)
            self.replays += 1
            self.replays_answered += b"<Message" in again.body or not again.accepted
            if not (first.accepted and all(heard.accepted for heard in others)):
                self.wrong.append(f"{first.status} {[each.status for each in others]} genuine: {dict(parent.form)}")


def mutants_of(parent: Parent, dice: random.Random, kinds: Mapping[str, Kind], most: int) -> Iterator[tuple[str, Sent]]:
    """Some of every kind, none of them twice, none that says what its parent says."""
    for name, kind in kinds.items():
        every = list({each.wire(): each for each in kind(parent, dice)}.values())
        dice.shuffle(every)
        yield from ((name, each) for each in every[:most] if not is_genuine(parent, each))


def try_parent(
    ask: Ask, parent: Parent, dice: random.Random, found: Found, kinds: Mapping[str, Kind], most: int
) -> None:
    """Send a parent's mutants, then the parent, then the same again in other ways."""
    for name, mutant in mutants_of(parent, dice, kinds, most):
        found.note(name, mutant, ask(mutant))
    first = ask(parent.sent())
    others = [ask(each) for each in parent.others(dice)]
    found.note_parent(parent, first, others, ask(parent.sent()))


def rows_differ(runtime: Runtime, sent: list[Parent]) -> list[str]:
    """What the database holds beside the parents, or lacks of them."""
    wanted = Counter(_row_of(parent) for parent in sent)
    with runtime.db.snapshot() as session:
        texts = session.execute(select(Reply.carrier_sid, Reply.sealed)).all()
        reports = session.execute(
            select(Event.carrier_sid, Event.attempt_id, Event.key, Event.error_code).where(Event.kind == "status")
        ).all()
    opened = ((sid, runtime.vault.open(sealed or b"", "reply")) for sid, sealed in texts)
    kept: Counter[Row] = Counter(("text", sid, words["from"], words["body"]) for sid, words in opened)
    kept.update(("report", str(sid), str(attempt), f"{key}{code or ''}") for sid, attempt, key, code in reports)
    return [f"lost {each}" for each in wanted - kept] + [f"stored {each}" for each in kept - wanted]


def _row_of(parent: Parent) -> Row:
    form = parent.form
    if parent.is_text:
        return "text", form["MessageSid"], form["From"], printable(form.get("Body", ""))
    attempt = parent.path.rpartition("/")[2]
    return "report", form["MessageSid"], attempt, form["MessageStatus"] + form.get("ErrorCode", "")


def site_of(runtime: Runtime) -> Site:
    """The site that this runtime's settings make."""
    settings = runtime.settings
    token = settings.twilio_auth_token.get_secret_value()
    return Site(settings.public_base_url, settings.twilio_account_sid, token, settings.twilio_from_number or OURS)


def run(kind: str, wanted: int, seed: int) -> dict[str, Any]:
    """So many mutants against a served site with a database of this kind; the figures, with ``ok``."""
    with (
        tempfile.TemporaryDirectory(prefix="outreach-hooks-") as logs,
        Processes(Path(logs)) as processes,
        bare_ground(kind, processes) as at,
    ):
        at.start("web")
        _wait_for(at.env["PUBLIC_BASE_URL"])
        began = time.monotonic()
        found = Found()
        every = parents(site_of(at.alone), random.Random(seed))
        lock = threading.Lock()

        def work(number: int) -> None:
            dice = random.Random(f"{seed} {number}")
            with Line(at.env["PUBLIC_BASE_URL"]) as line:
                while found.mutants.total() < wanted:
                    with lock:
                        parent = next(every)
                    try_parent(line.hear, parent, dice, found, {**KINDS, "no http": no_http}, MOST)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        differ = rows_differ(at.alone, found.parents)
    return {"database": kind, **figures(found, differ), "seconds": round(time.monotonic() - began, 1),
            "conditions": machine()}  # fmt: skip


def figures(found: Found, differ: list[str]) -> dict[str, Any]:
    """The numbers, and the first few of what is wrong."""
    wrong = [*found.wrong, *differ]
    answers = {
        "mutants": found.mutants.total(),
        "kinds": dict(found.mutants),
        "accepted": found.accepted,
        "answers_in_the_500s": found.broken,
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
        "parents": len(found.parents),
        "parents_accepted": found.parents_accepted,
        "controls": found.controls,
        "controls_accepted": found.controls_accepted,
        "replays": found.replays,
        "replays_answered": found.replays_answered,
        "rows_that_differ": len(differ),
        "wrong": wrong[:10],
    }
    answers["ok"] = not wrong and bool(found.parents) and not (found.accepted or found.broken or found.replays_answered)
    return answers


def _wait_for(url: str) -> None:
    with requests.Session() as http:
        http.trust_env = False
        for _ in range(300):
            try:
                if http.get(f"{url}/healthz", timeout=2).ok:
                    return
            except requests.ConnectionError:
                pass
            threading.Event().wait(0.1)
    raise RuntimeError("the site does not come up")
