"""The rehearsal in which the numbers fly: everything that handles a number handles them, with logs at DEBUG."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests
from redis import Redis
from sqlalchemy import func, select

from outreach.bench.crowd import number as e164_of
from outreach.canaries import CanaryError
from outreach.canaries.commands import Commands
from outreach.canaries.flock import CONSENT, WORDS, broken_file, contact_file, spelled
from outreach.canaries.stumbles import refusing, tracebacks, wait_for_traceback
from outreach.canaries.visitor import Visitor
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.runtime import Runtime, open_runtime
from outreach.escalations.models import Wave
from outreach.messaging.models import Message, Reply
from outreach.people.models import Constituent, ContactList, ListMembership
from outreach.stage.instance import database_url
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes
from outreach.stage.redis import start_redis
from outreach.stage.site import Site, start_site
from outreach.story.__main__ import DEMO_OFFICIALS
from outreach.story.ledger import CarrierControl
from outreach.story.play import Launched, wait_for_the_end
from outreach.tallies.campaign import campaign_tally

GROUP: Final = "Canary Watch"
LIST: Final = "Neighbors"
BY_PAGE: Final = "By the page"
BROUGHT: Final = 20
"""So many come in by the site's import page, in a file with broken rows; the others by command."""
TALKERS: Final = 5
"""So many people text each of ``WORDS``."""
SENDER_THREADS: Final = 16
SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Flown:
    """What happened, so that silence means something."""

    texted: int
    delivered: int
    replies: int
    opted_out: int
    tracebacks: dict[str, int]


def start(data_dir: Path, processes: Processes, seed: int, speed: float) -> Site:
    """A site of its own, whatever the environment names, that logs everything and keeps its temporary files here."""
    temporary = data_dir.absolute() / "tmp"
    temporary.mkdir(mode=0o700, parents=True, exist_ok=True)
    redis = start_redis(data_dir / "redis", processes)  # its socket lies outside, where paths are short
    os.environ.update(TMPDIR=str(temporary), OUTREACH_LOG_LEVEL="DEBUG", GRANIAN_LOG_LEVEL="debug")
    os.environ.pop("DATABASE_URL", None)  # a command would go there
    own = {"REDIS_URL": redis, "DATABASE_URL": database_url(data_dir)}
    clock = str(coming_tuesday_ten(Clock.real_now(), speed))
    return start_site(
        processes, data_dir, port=free_port(), clock=clock, seed=seed, sender_threads=SENDER_THREADS, environ=own
    )


class Rehearsal:
    """One run over a site that is up."""

    def __init__(self, site: Site, data_dir: Path, processes: Processes, say: Callable[[str], None]) -> None:
        assert site.carrier_url is not None  # noqa: S101  no foreign one was given
        self._carrier_url = site.carrier_url
        self._processes, self._say = processes, say
        self._data_dir = data_dir
        self._commands = Commands(data_dir)
        self._visitor = Visitor(site.settings.public_base_url)
        self._runtime: Runtime = open_runtime(site.settings)
        self._http = requests.Session()
        self._http.trust_env = False

    def fly(self, numbers: list[str], outside: Path) -> Flown:
        """Bring these numbers in, text them, let them answer, and stumble. ``outside``: where contact files lie."""
        self._say(f"Bringing {len(numbers):,} people in ...")
        self._bring(numbers, outside)
        self._visitor.sign_in(self._commands.run("login-link").strip())
        self._bring_by_page(numbers[:BROUGHT])
        launched = self._launch()
        self._say("The blast is on; the worker stumbles, and so does the site; somebody looks around ...")
        self._stumble("worker", "message_attempt", lambda: None)
        self._stumble("web", "reply", lambda: self._text(0, spelled(WORDS[2], numbers[1])))
        self._stumble("web", "upload", lambda: self._visitor.bring("more.csv", contact_file(numbers[:50]), LIST))
        self._look_around(numbers, launched.campaign_id)
        self._wait_for_the_end(launched)  # before people talk: so many opt-outs at once would halt the campaign
        self._say("People text numbers ...")
        self._talk(numbers)
        self._wait_for_the_end(launched)
        self._ask_for_files(launched.campaign_id, numbers)
        return self._what_flew(launched)

    def _wait_for_the_end(self, launched: Launched) -> None:
        wait_for_the_end(
            self._runtime, launched, CarrierControl(self._carrier_url),
            settle=5, show=lambda _: None, check=self._processes.check, look_ups=False,
        )  # fmt: skip

    def _bring(self, numbers: list[str], outside: Path) -> None:
        self._commands.run("group", "add", GROUP)
        self._commands.ask("officials", "import", str(DEMO_OFFICIALS))
        people, broken = outside / "people.csv", outside / "broken.csv"
        people.write_bytes(contact_file(numbers))
        broken.write_bytes(broken_file(numbers[:BROUGHT]))
        self._commands.ask("constituents", "import", str(broken), "--list", "Broken", "--dry-run")
        done = self._commands.ask("constituents", "import", str(people), "--list", LIST, "--consent", CONSENT)
        if done["new"] != len(numbers):
            raise CanaryError("canary_not_imported", new=done["new"], wanted=len(numbers))

    def _bring_by_page(self, numbers: list[str]) -> None:
        self._visitor.confirm(self._visitor.bring("broken.csv", broken_file(numbers), BY_PAGE))
        wait_until(lambda: self._members(BY_PAGE) > 0, "the import of the file brought by the page")
        self._visitor.bring("left.csv", contact_file(numbers), "Nobody decides on this one")

    def _members(self, list_name: str) -> int:
        query = (
            select(func.count())
            .select_from(ListMembership)
            .join(ContactList, ContactList.id == ListMembership.list_id)
            .where(ContactList.name == list_name)
        )
        with self._runtime.db.snapshot() as session:
            return session.execute(query).scalar_one()

    def _launch(self) -> Launched:
        official = self._commands.ask("officials", "list")["officials"]
        with_phone = next(one["id"] for one in official if any(office["phone"] for office in one["offices"]))
        met = self._commands.ask(
            "meeting", "record", "--official", str(with_phone), "--outcome", "declined", "--answer", "5=no:writing"
        )
        campaign = str(met["campaign_id"])
        self._commands.ask("campaign", "edit", campaign, "--list", LIST)
        self._commands.ask("forecast", campaign)
        started, at = time.monotonic(), self._runtime.clock.real_now()
        wave_id = self._commands.ask("campaign", "launch", campaign)["wave"]
        with self._runtime.db.snapshot() as session:
            wave = session.get_one(Wave, wave_id)
        return Launched(wave.group_id, wave.campaign_id, wave.id, wave.gate_id, started, at)

    def _stumble(self, process: str, table: str, act: Callable[[], object]) -> None:
        log = self._processes.log(process)
        before = tracebacks(log)
        with refusing(self._runtime.db, table):
            act()
            wait_for_traceback(log, before, self._processes.check)

    def _talk(self, numbers: list[str]) -> None:
        """People answer with numbers in their words: somebody's of the list, not always their own."""
        for turn in range(TALKERS):
            for index, shape in enumerate(WORDS):
                which = (turn * len(WORDS) + index) % len(numbers)
                self._text(which, spelled(shape, numbers[(which + turn) % len(numbers)]))

    def _text(self, which: int, body: str) -> None:
        answer = self._http.post(
            f"{self._carrier_url}/_rehearsal/phones/{e164_of(which)}/reply", json={"body": body}, timeout=SECONDS
        )
        answer.raise_for_status()

    def _look_around(self, numbers: list[str], campaign_id: int) -> None:
        """Pages that are asked for with a number, or show people."""
        for index, shape in enumerate(("+1{a}{b}{c}", "({a}) {b}-{c}", "{a}.{b}.{c}", "{a}{b}{c}99")):
            self._visitor.search(spelled(shape, numbers[index]))
        self._visitor.search_without_session(spelled("{a}-{b}-{c}", numbers[4]))
        self._visitor.get(f"/people/?name={numbers[5]}")
        with self._runtime.db.snapshot() as session:
            person = session.execute(select(func.min(Constituent.id))).scalar_one()
        for path in ("/", "/people/", f"/people/{person}", "/inbox/", "/inbox/?view=all", "/review/", "/phones/"):
            self._visitor.get(path)
        for path in ("", "/live", "/people"):
            self._visitor.get(f"/campaigns/{campaign_id}{path}")

    def _ask_for_files(self, campaign_id: int, numbers: list[str]) -> None:
        """Commands whose output needs no number, some with a number in the reason that they note."""
        campaign, out = str(campaign_id), self._data_dir / "exports"
        out.mkdir(exist_ok=True)
        self._commands.ask("campaign", "tally", campaign)
        self._commands.ask("campaign", "why", campaign, "--reason", "opted_out")
        self._commands.ask(
            "export", "silence", campaign, "--reason-for-export", "canaries", "--out", str(out / "silence.csv")
        )
        why = f"the board of ({numbers[0][:3]}) {numbers[0][3:6]}-{numbers[0][6:]} asked"
        for name in ("people.csv", "people.xlsx"):
            self._commands.ask("export", "constituents", "--list", LIST, "--reason", why, "--out", str(out / name))
        self._commands.ask("constituents", "erase", f"+1{numbers[6]}", "--reason", why)
        self._commands.ask("keys", "show")
        self._commands.ask("purge")

    def _what_flew(self, launched: Launched) -> Flown:
        with self._runtime.db.snapshot() as session:
            tally = campaign_tally(session, launched.group_id, launched.campaign_id, self._runtime.clock)
            texted = select(func.count()).where(Message.gate_id == launched.gate_id, Message.carrier_sid.is_not(None))
            flown = Flown(
                session.execute(texted).scalar_one(),
                tally.states["delivered"],
                session.execute(select(func.count()).select_from(Reply)).scalar_one(),
                tally.opted_out,
                {name: tracebacks(self._processes.log(name)) for name in ("web", "worker", "upkeep")},
            )
        self._runtime.db.dispose()
        return flown


def plant_in_redis(redis: Redis, text: str) -> None:
    """A positive control, and a dump on disk that hides nothing by packing it."""
    redis.set("canary:control", text)
    redis.config_set("rdbcompression", "no")
    redis.save()


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Raises CanaryError when it does not come true."""
    pause, late = threading.Event(), time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > late:
            raise CanaryError("canary_late", what=what)
        pause.wait(POLL_SECONDS)
