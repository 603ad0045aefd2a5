"""Everybody answers a blast within minutes, while staff work in the inbox with a real browser.

Afterwards our rows are held against the carrier's books: each text of a person is one reply row, and the tallies are
what the phones' own threads add up to, by labels that were given to the personas' words here, by hand.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page
from sqlalchemy import func, select

from outreach.bench.crowd import Crowd
from outreach.bench.ground import UNREACHABLE, Ground, ground, machine
from outreach.bench.heard_stops import link_for, quantile
from outreach.bench.scene import draft, launch_draft, set_scene
from outreach.bench.waiting import drained
from outreach.messaging.models import Reply
from outreach.rehearsal.personas import DIGITS, STOPS, WORDS
from outreach.stage.processes import Processes
from outreach.story.ledger import differences
from outreach.story.play import Launched
from outreach.tallies.campaign import campaign_tally
from tests.pictures.camera import browsing, chromium, sign_in

LATENCY_MS: Final = 20.0
THREADS: Final = 64
WEIGHTS: Final = {
    "stop": 20, "report_digit": 260, "report_words": 220, "script": 120, "call": 80, "help": 60, "free_text": 180,
    "spanish": 60,
}  # fmt: skip
"""Persona -> share per 1,000: all of them answer. A blast of which 3 % opt out is halted, so fewer do."""
LABELS: Final = {
    **dict(zip(DIGITS, ("spoke", "voicemail", "mailbox_full", "no_answer", "refused"), strict=True)),
    **dict(
        zip(
            WORDS,
            ("voicemail", "spoke", "mailbox_full", "no_answer", "busy", "refused", "voicemail", "spoke", "no_answer"),
            strict=True,
        )
    ),
}
"""What a reader takes the personas' reports to say."""
PAGES_EVERY: Final = 0.5
USABLE_MS: Final = 2_000.0
"""A page that takes longer to stand there, all processes on two cores, is not called usable."""


@dataclass(slots=True)
class Seen:
    """What the browser saw: milliseconds of each kind of page, and what went wrong."""

    took: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    """The first page stands there, or none ever will: a browser takes its time to start."""

    def note(self, what: str, began: float) -> None:
        self.took.setdefault(what, []).append((time.perf_counter() - began) * 1000)
        self.begun.set()

    def as_json(self) -> dict[str, Any]:
        return {
            what: {
                "opened": len(times), "p50_ms": round(quantile(times, 0.5)), "p99_ms": round(quantile(times, 0.99)),
                "max_ms": round(max(times)),
            }
            for what, times in sorted(self.took.items())
        }  # fmt: skip


def run(kind: str, replies: int, picture: Path | None = None) -> dict[str, Any]:
    """A wave of so many people on this kind of database; the figures, with ``ok``. Raises BenchError, StageError."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="outreach-wave-") as data,
        Processes(Path(data)) as processes,
        ground(kind, processes, latency_ms=LATENCY_MS) as at,
    ):
        scene = set_scene(at.alone)
        Crowd(at.alone, scene.group_id).gather(replies, "Everybody")
        at.tell_carrier("personas", {"weights": WEIGHTS, "calls": UNREACHABLE})
        at.start("web", "worker", "upkeep", threads=THREADS)
        campaign_id = draft(at.alone, scene, "Everybody")
        link = f"{at.env['PUBLIC_BASE_URL']}/enter/{link_for(at, scene.group_id)}"
        with staff_at_work(link, picture) as seen:
            launched = launch_draft(at.runtime, scene, campaign_id)
            drained_in = drained(at, launched, at.carrier)
        found = _compare(at, launched)
    ok = (
        not found["wrong"] and not seen.wrong and found["replies"] >= replies and {"list", "thread"} <= seen.took.keys()
    )
    return {
        **machine(), "database": kind, "people": replies, **found, "inbox": seen.as_json(), "troubles": seen.wrong[:20],
        "usable": ok and all(quantile(times, 0.99) <= USABLE_MS for times in seen.took.values()),
        "drained_in": round(drained_in, 1), "seconds": round(time.monotonic() - began, 1), "ok": ok,
    }  # fmt: skip


@contextmanager
def staff_at_work(link: str, picture: Path | None) -> Iterator[Seen]:
    """Somebody who opens the list, and the thread that waits first, over and over, within the block."""
    seen, stop = Seen(), threading.Event()
    worker = threading.Thread(target=_begin, args=(link, seen, stop, picture), name="staff")
    worker.start()
    seen.begun.wait()
    try:
        yield seen
    finally:
        stop.set()
        worker.join()


def _begin(link: str, seen: Seen, stop: threading.Event, picture: Path | None) -> None:
    try:
        _work(link, seen, stop, picture)
    finally:
        seen.begun.set()


def _work(link: str, seen: Seen, stop: threading.Event, picture: Path | None) -> None:
    binary = chromium()
    if binary is None:
        seen.wrong.append("no Chromium on this machine")
        return
    site = link.rpartition("/enter/")[0]
    with browsing(binary) as browser:
        context = browser.new_context(locale="en", storage_state=sign_in(browser, link))
        page = context.new_page()
        page.on(
            "response",
            lambda answer: seen.wrong.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None,
        )
        while not stop.wait(PAGES_EVERY):
            try:
                _round(page, site, seen)
            except BrowserError as error:
                seen.wrong.append(str(error).partition("\n")[0])
        if picture is not None:
            page.goto(f"{site}/inbox/")
            page.screenshot(path=str(picture), full_page=True)
        context.close()


def _round(page: Page, site: str, seen: Seen) -> None:
    """The list; then the thread that waits first."""
    began = time.perf_counter()
    page.goto(f"{site}/inbox/")
    page.locator("h1").wait_for()
    seen.note("list", began)
    links = page.locator("main a[href*='/inbox/']")
    hrefs = links.evaluate_all("all => all.map(each => each.getAttribute('href'))")
    thread = next((href for href in hrefs if href.rpartition("/")[2].isdigit()), None)
    if thread:
        began = time.perf_counter()
        page.goto(f"{site}{thread}")
        page.locator("h1").wait_for()
        seen.note("thread", began)


def _compare(at: Ground, launched: Launched) -> dict[str, Any]:
    """Our replies and tallies beside what the carrier's phones say."""
    wrong = differences(at.alone, launched.wave_id, at.carrier.ledger())
    threads = _threads(at.env["TWILIO_BASE_URL"])
    texts = {sid: body for thread in threads for sid, body in thread}
    with at.alone.db.snapshot() as session:
        stored = Counter(session.execute(select(Reply.carrier_sid).where(Reply.channel == "text")).scalars())
        ours = dict(session.execute(select(Reply.intent, func.count()).group_by(Reply.intent)).tuples().all())
        tally = campaign_tally(session, launched.group_id, launched.campaign_id, at.alone.clock)
    wrong["not_stored"] += len(texts.keys() - stored.keys())
    wrong["not_sent"] += len(stored.keys() - texts.keys())
    wrong["stored_twice"] += sum(count - 1 for count in stored.values())
    expected = _expected(threads)
    wrong["replies_in_tally"] += abs(tally.replies - len(texts))
    wrong["opted_out_in_tally"] += abs(tally.opted_out - expected["opted_out"])
    for outcome in set(LABELS.values()) | set(tally.reports):
        wrong[f"{outcome}_in_tally"] += abs(tally.reports.get(outcome, 0) - expected[outcome])
    return {"replies": len(texts), "intents": ours, "reports": dict(tally.reports), "wrong": dict(+wrong)}


def _threads(carrier: str) -> list[list[tuple[str, str]]]:
    """Of each phone, sid and body of what its owner texted, oldest first."""
    with requests.Session() as http:
        http.trust_env = False
        answer = http.get(f"{carrier}/_rehearsal/phones", params={"limit": 1_000_000}, timeout=300)
        answer.raise_for_status()
        phones = answer.json()["phones"]
    return [[(each["sid"], each["body"]) for each in phone["thread"] if each["side"] == "phone"] for phone in phones]


def _expected(threads: Iterable[Iterable[tuple[str, str]]]) -> Mapping[str, int]:
    """A person counts once, by the last outcome they reported."""
    found: Counter[str] = Counter()
    for thread in threads:
        said = [body for _, body in thread]
        found["opted_out"] += any(body in STOPS for body in said)
        reported = [LABELS[body] for body in said if body in LABELS]
        found.update(reported[-1:])
    return found
