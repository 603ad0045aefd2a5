"""``scripts/drill.py``: everything that an operator may have to do, in the middle of one blast, then the books.

Told to end (SIGTERM), every process ends by itself in order. Some are killed. A backup is made, the field key is
changed, more texts go out and people write, then the database is lost and the backup comes back. Campaigns go on when
they are resumed; words whose time has come are purged; the old key is taken away. In the end the carrier's ledger and
the database must reconcile, nobody may have been texted twice or after a STOP, and nothing may be left in doubt.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import requests
from sqlalchemy import exists, select
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from outreach.chaos import ChaosError
from outreach.chaos.__main__ import DATABASES, Parser, directory, say, write
from outreach.chaos.books import Carrier, read_ours
from outreach.chaos.experiment import PEOPLE, SENDER_THREADS, Deadline, Plan, settle, start, still_waiting
from outreach.chaos.storm import AWAY, look, numbers_in_turn
from outreach.chaos.verdict import count
from outreach.core.db import Database
from outreach.core.errors import OutreachError
from outreach.core.logs import set_up_logs
from outreach.core.runtime import Runtime, open_runtime
from outreach.messaging.gates import resume_gate
from outreach.messaging.models import Event, Gate, Message, MessageAttempt
from outreach.messaging.restored_models import FoundText
from outreach.privacy.keys import keys_in_use
from outreach.stage import commands
from outreach.stage.processes import Processes
from outreach.stage.site import lock_directory
from outreach.stage.watchdog import members, signal_all
from outreach.story.__main__ import DEMO_OFFICIALS
from outreach.story.ledger import CarrierControl, differences
from outreach.story.play import SEED, Launched, play, set_the_scene
from outreach.tallies.campaign import campaign_tally

OURS: Final = ("web", "worker", "importer", "upkeep")
GRACE_SECONDS: Final = {"web": 30.0, "worker": 45.0, "importer": 45.0, "upkeep": 45.0}
"""``stop_grace_period`` of compose.yaml: whoever takes longer is killed there."""
LATENCY_MS: Final = 1000.0
BLAST_SECONDS: Final = 30.0
"""So long the sending takes at least, from the first restart on: something must be left for each step to disturb."""
STOPS: Final = (("STOP", 0.1), ("ya no me escriban", 0.9), ("please take me off your list", 0.95))
"""Words, and whose: by their place in the order of sending. The first of them has the text, the others have not."""


@dataclass
class Drill:
    """What the drill holds; ``told`` becomes its report."""

    processes: Processes
    data_dir: Path
    env: dict[str, str]
    runtime: Runtime
    launched: Launched
    carrier_url: str
    numbers: list[str]
    deadline: Deadline
    stop_sids: set[str] = field(default_factory=set)
    told: dict[str, Any] = field(default_factory=dict)

    def wait_until_sent(self, share: float) -> None:
        """Until so many of the recipients have had their turn. Raises ChaosError when that does not come."""
        while True:
            self.deadline.check()
            try:
                work = look(self.runtime, self.launched.gate_id)
                with self.runtime.db.snapshot() as session:
                    planned = len(
                        session.execute(select(Message.id).where(Message.gate_id == self.launched.gate_id)).all()
                    )
            except AWAY:
                continue
            if work.gate != "open":
                raise ChaosError("chaos_halted", state=work.gate, count=0)
            if planned >= len(self.numbers) and planned - work.waiting >= share * planned:
                return
            time.sleep(0.2)

    def end_all(self) -> dict[str, Any]:
        """SIGTERM to every process at once, as an orchestrator does: how each ended, the rows that they held on to
        (``claimed``), and the POSTs that nobody knows the end of (``posting``).
        """
        began = time.monotonic()
        for name in OURS:
            self.processes.kill(name, signal.SIGTERM)
        ended: dict[str, Any] = {}
        for name in OURS:
            try:
                code = self.processes.wait(name, max(0.1, began + GRACE_SECONDS[name] - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise ChaosError("drill_not_ended", name=name, seconds=GRACE_SECONDS[name]) from None
            ended[name] = {"code": code, "seconds": round(time.monotonic() - began, 2)}
        claimed = look(self.runtime, self.launched.gate_id).claimed
        heard = exists().where(Event.attempt_id == MessageAttempt.id)  # upkeep has ended too: nobody has folded it yet
        silent = (
            select(Message.id)
            .join(MessageAttempt, MessageAttempt.message_id == Message.id)
            .where(Message.state == "posting", Message.kind == "campaign", MessageAttempt.closed.is_(False), ~heard)
        )
        with self.runtime.db.snapshot() as session:
            posting = len(session.execute(silent).all())
        return {**ended, "claimed": claimed, "posting": posting}

    def start_all(self) -> None:
        """All of them again, with the settings as they are now."""
        for name in OURS:
            self.processes.stop(name)
        self.processes.start(
            commands.web(int(self.env["PORT"]), self.env, workers=1), commands.worker(self.env, SENDER_THREADS),
            commands.importer(self.env), commands.upkeep(self.env),
        )  # fmt: skip

    def reopen(self) -> None:
        """A runtime with the settings as they are now."""
        self.runtime.db.dispose()
        self.runtime = open_runtime(Settings.from_mapping(self.env))

    def outreach(self, *arguments: str) -> dict[str, Any]:
        """Run a command as an operator does; its JSON. Raises ChaosError when it fails."""
        argv = [sys.executable, "-P", "-c", "from outreach.cli import main; main()", *arguments, "--json"]
        done = subprocess.run(argv, env={**os.environ, **self.env}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ChaosError("drill_command", command=" ".join(arguments), output=(done.stdout + done.stderr)[-2000:])
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def somebody_stops(self) -> None:
        """People opt out, who must not be texted by what comes back either."""
        for words, place in STOPS:
            number = self.numbers[int(place * len(self.numbers))]
            with requests.Session() as http:
                http.trust_env = False
                answer = http.post(
                    f"{self.carrier_url}/_rehearsal/phones/{number}/reply", json={"body": words}, timeout=30
                )
            answer.raise_for_status()
            self.stop_sids.add(answer.json()["sid"])


def run(
    plan: Plan, data_dir: Path, processes: Processes, show: Callable[[str], None] = say, *, short: bool = False
) -> dict[str, Any]:
    """The whole drill, or without its kills and the last restart; its report. Raises OutreachError."""
    show("Starting the site ...")
    site = start(plan, data_dir, processes)
    assert site.carrier_url is not None  # noqa: S101  no foreign one was given
    runtime = open_runtime(site.settings)
    Carrier(site.carrier_url).prepare(LATENCY_MS, 0, PEOPLE)
    launched = play(
        runtime, set_the_scene(runtime), officials=DEMO_OFFICIALS, recipients=plan.recipients, seed=plan.seed
    )
    numbers = numbers_in_turn(runtime, launched.group_id, plan.recipients)
    deadline = Deadline(300.0 + 0.5 * plan.recipients)
    drill = Drill(processes, data_dir, dict(site.env), runtime, launched, site.carrier_url, numbers, deadline)
    deadline.waiting = lambda: still_waiting(drill.runtime, launched)
    long = (told_to_end, killed, lost, brought_back, purged, old_key_taken_away)
    for step in (told_to_end, lost, brought_back, purged) if short else long:
        show(f"{time.monotonic() - launched.started:6.1f} s  {(step.__doc__ or '').splitlines()[0]}")
        step(drill)
    show("Waiting for the rest of the blast and the look-ups ...")
    settle(drill.runtime, launched, CarrierControl(site.carrier_url), deadline.check)
    try:
        return report(drill, round(time.monotonic() - launched.started, 2))
    finally:
        drill.runtime.db.dispose()


def told_to_end(drill: Drill) -> None:
    """A backup is made; then every process is told to end, and started again with a new key before the old one."""
    drill.wait_until_sent(0.1)
    drill.told["backup"] = drill.outreach("backup", str(drill.data_dir / "drill.backup"))["counts"]["message"]
    fresh = f"drill-2:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    drill.env["FIELD_ENCRYPTION_KEYS"] = f"{fresh},{drill.env['FIELD_ENCRYPTION_KEYS']}"
    drill.env["OUTREACH_SENDER_RATE"] = f"{len(drill.numbers) / BLAST_SECONDS:g}"
    drill.told["terminated"] = drill.end_all()
    drill.start_all()
    drill.reopen()


def killed(drill: Drill) -> None:
    """The worker with its work-horse, the web server and upkeep are killed."""
    drill.wait_until_sent(0.25)
    for name in ("worker", "web", "upkeep"):
        session = drill.processes.pid(name)
        drill.processes.kill(name)
        signal_all(members(session), signal.SIGKILL)
        drill.processes.restart(name)


def lost(drill: Drill) -> None:
    """More goes out, people write, what protects them is copied, and the database is lost."""
    drill.wait_until_sent(0.4)
    drill.somebody_stops()
    drill.wait_until_sent(0.5)
    drill.told["protections"] = drill.outreach("backup", str(drill.data_dir / "drill.protections"), "--protections")[
        "counts"
    ]
    drill.end_all()
    drill.runtime.db.dispose()
    lose(drill.env["DATABASE_URL"])


def brought_back(drill: Drill) -> None:
    """The backup is restored, catches up with the carrier, and somebody resumes the campaign."""
    given = ("--protections", str(drill.data_dir / "drill.protections"))
    drill.told["restored"] = drill.outreach("restore", str(drill.data_dir / "drill.backup"), *given)
    drill.start_all()
    drill.reopen()
    with drill.runtime.db.transaction() as tx:
        state = tx.execute(select(Gate.state, Gate.reason).where(Gate.id == drill.launched.gate_id)).one()
        drill.told["gate_after_restore"] = ":".join(str(part) for part in state)
        resume_gate(tx, drill.launched.gate_id)


def purged(drill: Drill) -> None:
    """Words are purged, and everything is sealed anew."""
    drill.wait_until_sent(0.7)
    drill.told["purged"] = drill.outreach("purge")
    drill.outreach("keys", "rotate")
    under = keys_in_use(drill.runtime)
    old = drill.env["FIELD_ENCRYPTION_KEYS"].split(",")[1]
    drill.told["under_old_key"] = sum(counts[old.partition(":")[0]] for counts in under.values())


def old_key_taken_away(drill: Drill) -> None:
    """The old key is taken out of the settings."""
    drill.env["FIELD_ENCRYPTION_KEYS"] = drill.env["FIELD_ENCRYPTION_KEYS"].partition(",")[0]
    drill.end_all()
    drill.start_all()
    drill.reopen()


def lose(database_url: str) -> None:
    """The database is gone, as after a disk that died."""
    database = Database(database_url)
    if database.is_sqlite:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database.url.database}{suffix}").unlink(missing_ok=True)
        return
    with database.connection() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
        connection.commit()
    database.dispose()


def report(drill: Drill, seconds: float) -> dict[str, Any]:
    """The drill's last line."""
    carrier, launched = Carrier(drill.carrier_url), drill.launched
    ours = read_ours(drill.runtime, launched.wave_id, drill.numbers)
    with drill.runtime.db.snapshot() as session:
        found = set(session.execute(select(FoundText.carrier_sid).where(FoundText.message_id.is_(None))).scalars())
    # Follow-ups that went out after the backup: their rows are lost with it, and the texts are known all the same.
    ours = replace(ours, message_sids=ours.message_sids | found)
    counted = count(carrier.entries(), ours, carrier.stoppers(), drill.stop_sids)
    wrong = differences(drill.runtime, launched.wave_id, CarrierControl(drill.carrier_url).ledger())
    with drill.runtime.db.snapshot() as session:
        tally = campaign_tally(session, launched.group_id, launched.campaign_id, drill.runtime.clock)
    sums = counted["recipients"] == sum(tally.states.values())
    return {
        **counted,
        "reconciles": not wrong and sums and counted["duplicates"] == 0,
        "seconds": seconds,
        "conditions": {
            "states": {state: number for state, number in tally.states.items() if number},
            "differences": dict(wrong),
            "texts_of_lost_rows": len(found),
            **drill.told,
        },
    }


def faults_of(told: Mapping[str, Any]) -> list[str]:
    """Why the drill is not good enough; empty when it is. Pure."""
    reasons = [
        f"{name} is {told[name]}, not 0" for name in ("duplicates", "lost", "posts_after_stop", "unknown") if told[name]
    ]
    if not told["reconciles"]:
        reasons.append("the database and the carrier's books do not reconcile")
    ended = told["conditions"]["terminated"]
    reasons += [f"{name} ended with {ended[name]['code']}" for name in OURS if ended[name]["code"] != 0]
    reasons += [f"{ended[name]} rows were left {name} by a SIGTERM" for name in ("claimed", "posting") if ended[name]]
    if told["conditions"]["under_old_key"]:
        reasons.append("documents are under the old key still")
    if not told["conditions"]["restored"]["caught_up"]["booked"]:
        reasons.append("nothing had gone out since the backup: the restore has proven nothing")
    if told["conditions"]["gate_after_restore"] != "paused:restored":
        reasons.append("the campaign went on by itself after the restore")
    return reasons


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; ends the process with code 2 for one that asks for nothing."""
    parser = Parser(prog="scripts/drill.py", description=(__doc__ or "").partition("\n\n")[2], allow_abbrev=False)
    parser.as_json = "--json" in arguments
    parser.add_argument("--recipients", type=int, default=600, metavar="M", help="people in the blast (600)")
    parser.add_argument("--database", choices=DATABASES, default="sqlite", help="a new one of this kind (sqlite)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"another seed, other people ({SEED})")
    parser.add_argument("--speed", type=float, default=60.0, help=argparse.SUPPRESS)
    parser.add_argument("--data-dir", type=Path, metavar="D", help="keep database and logs there (removed)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 all is well; 1 it is not, or the drill did not come to its end; 2 usage or set-up."""
    chosen = options(arguments)
    os.umask(0o077)
    set_up_logs("drill", logging.ERROR)
    plan = Plan(0, chosen.recipients, chosen.database, chosen.seed, chosen.speed)
    try:
        with directory(chosen.data_dir) as data_dir, lock_directory(data_dir), Processes(data_dir) as processes:
            told = run(plan, data_dir, processes)
    except (OutreachError, OSError, SQLAlchemyError) as error:
        code = error.code if isinstance(error, OutreachError) else type(error).__name__
        say(str(error))
        if chosen.json:
            write({"error": {"code": code, "message": str(error)}})
        return 1 if isinstance(error, ChaosError) else 2
    reasons = faults_of(told)
    for name, value in told.items():
        say(f"{name:>17}  {value}")
    for reason in reasons:
        say(f"NOT GOOD: {reason}")
    if chosen.json:
        write(told)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
