"""``python -m outreach.story``, which ``scripts/run.py`` becomes: set-up, site, story."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from config.settings import Settings
from outreach.accounts.links import first_admin, make_login_link
from outreach.carrier.base import CarrierError, Unreachable
from outreach.carrier.twilio import TwilioCarrier
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.errors import OutreachError, halt_sentence
from outreach.core.logs import set_up_logs
from outreach.core.runtime import Runtime, open_runtime
from outreach.escalations.models import Recipient
from outreach.officials.openstates import parse_officials
from outreach.stage import StageError
from outreach.stage.instance import DEFAULT_DATA_DIR
from outreach.stage.processes import Processes
from outreach.stage.site import Keeper, Site, lock_directory, start_site
from outreach.story.ledger import CarrierControl, differences
from outreach.story.play import SEED, Launched, bring_people, play, set_the_scene, wait_for_the_end
from outreach.tallies.campaign import CampaignTally, campaign_tally
from outreach.tallies.reads import PUBLIC_STATES

log = structlog.get_logger(__name__)

DEMO_OFFICIALS = Path(__file__).parent.parent.parent / "config" / "demo" / "officials.csv"
SPEED_ONCE = 60.0
LEFT_FOR_YOU = 60
"""People whom the story does not text."""


class Parser(argparse.ArgumentParser):
    """Says a usage error also as JSON, where the caller reads that."""

    def error(self, message: str) -> NoReturn:
        """Exit code 2."""
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": {"code": "usage", "message": message}}) + "\n")
        super().error(message)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line of CONTRACTS.md."""
    parser = Parser(
        prog="scripts/run.py",
        description="Sets up what is missing, starts the site with a simulated carrier, and plays the story: a meeting "
        "fails, a campaign is launched, people are texted and answer. No real phone is ever reached.",
    )
    parser.add_argument("--once", action="store_true", help="play the story without keeping the site up, then exit")
    parser.add_argument("--recipients", type=_count, default=1000, metavar="N", help="people in the story (1000)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"another seed, another story ({SEED})")
    parser.add_argument("--port", type=int, metavar="P", help="the site's port (8000, or a free one)")
    parser.add_argument("--data-dir", type=Path, default=DEFAULT_DATA_DIR, metavar="D", help="default: var/")
    parser.add_argument("--officials", type=Path, default=DEMO_OFFICIALS, metavar="FILE", help="OpenStates CSV or YAML")
    parser.add_argument("--no-story", action="store_true", help="only start the site")
    parser.add_argument("--json", action="store_true", help="with --once: one JSON object on the last line of stdout")
    parser.add_argument("--settle", type=float, default=5.0, metavar="S",
                        help="with your own carrier: seconds without news that end it (5)")  # fmt: skip
    parser.add_argument("--sender-threads", type=_count, default=32, metavar="N", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number from 1 up")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 reconciles (or the site was stopped), 1 does not, 2 usage or set-up."""
    chosen = options(arguments)
    os.umask(0o077)
    set_up_logs("story", logging.WARNING)
    say = Console(stderr=True)
    try:
        with lock_directory(chosen.data_dir), Processes(chosen.data_dir) as processes:
            return run(chosen, processes, say)
    except KeyboardInterrupt:
        return 130
    except (OutreachError, OSError, SQLAlchemyError) as error:
        code = error.code if isinstance(error, OutreachError) else type(error).__name__
        text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        if chosen.json:
            sys.stdout.write(json.dumps({"error": {"code": code, "message": text}}) + "\n")
        say.print(f"The rehearsal could not be played. {text}", markup=False, highlight=False)
        return 2


def run(chosen: argparse.Namespace, processes: Processes, say: Console) -> int:
    """Start the site, play, and either report or stay."""
    speed = SPEED_ONCE if chosen.once else 1.0
    if not chosen.no_story:  # a file that nobody can read is told before anything starts
        next(parse_officials(chosen.officials, Clock.real_now().date()), None)
    say.print("Starting the site ...")
    site = start_site(
        processes,
        chosen.data_dir,
        port=chosen.port,
        clock=os.environ.get("REHEARSAL_CLOCK")
        or (lambda latest: str(coming_tuesday_ten(Clock.real_now(), speed, latest))),
        seed=chosen.seed,
        sender_threads=chosen.sender_threads,
        before=require_carrier,
    )
    runtime = open_runtime(site.settings)
    group_id = set_the_scene(runtime)
    if not chosen.once:
        _welcome(runtime, group_id, site, say)
    if chosen.no_story:
        _stay(processes)
    launched = play(runtime, group_id, officials=chosen.officials, recipients=chosen.recipients, seed=chosen.seed)
    if not chosen.once:  # the story's people have had their text today: somebody must be left for a first try
        bring_people(runtime, group_id, LEFT_FOR_YOU, chosen.seed, "Town hall sign-ups")
    carrier = CarrierControl(site.carrier_url) if site.carrier_url else None
    _watch(runtime, launched, carrier, processes, chosen, say)
    report, halted = _report(runtime, launched, carrier)
    _show(report, halted, chosen, say)
    if not chosen.once:
        if report["unknown"]:
            say.print("An unknown text may or may not have arrived: it is looked up after 2, 10 and 30 minutes.")
        say.print(f"The site stays up at {site.settings.public_base_url}. Ctrl-C stops it.", highlight=False)
        _stay(processes)
    return 0 if report["reconciles"] else 1


def require_carrier(settings: Settings) -> None:
    """A carrier of one's own must be there: a story would wait for it for ever. Raises StageError."""
    if not os.environ.get("TWILIO_BASE_URL"):
        return
    carrier = TwilioCarrier(settings)
    try:
        next(carrier.list_to(settings.twilio_from_number or "", Clock.real_now()), None)
    except Unreachable:
        raise StageError("story_carrier_unreachable", url=settings.twilio_base_url) from None
    except CarrierError as error:  # it is there; what it refuses, the run will show
        log.warning("carrier_answers_with_an_error", error=str(error))


def _welcome(runtime: Runtime, group_id: int, site: Site, say: Console) -> None:
    with runtime.db.transaction() as tx:
        token = make_login_link(tx, first_admin(tx, group_id), runtime.clock.real_now())
    address = site.settings.public_base_url
    say.print(
        f"The site is up at {address}\nSign in once with {address}/enter/{token}", highlight=False, soft_wrap=True
    )


def _stay(processes: Processes) -> None:
    """Until Ctrl-C, or until a process dies."""
    pause, keeper = threading.Event(), Keeper(processes)
    while not pause.wait(1.0):
        keeper.check()


def _watch(
    runtime: Runtime,
    launched: Launched,
    carrier: CarrierControl | None,
    processes: Processes,
    chosen: argparse.Namespace,
    say: Console,
) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=say, transient=True) as progress:
        texted = progress.add_task("texted", total=chosen.recipients)
        heard = progress.add_task("delivered", total=chosen.recipients)

        def show(tally: CampaignTally) -> None:
            waiting = tally.states["planned"] + tally.states["held"]
            progress.update(texted, total=tally.recipients or chosen.recipients, completed=tally.recipients - waiting)
            progress.update(
                heard,
                total=tally.recipients or chosen.recipients,
                completed=tally.states["delivered"],
                description=f"delivered ({tally.replies} replies, {tally.opted_out} opted out)",
            )

        wait_for_the_end(
            runtime,
            launched,
            carrier,
            settle=chosen.settle,
            show=show,
            check=Keeper(processes).check,
            look_ups=chosen.once,
        )


def _report(runtime: Runtime, launched: Launched, carrier: CarrierControl | None) -> tuple[dict[str, Any], str | None]:
    """The story's last line, and why its campaign was halted, if it was."""
    seconds = round(time.monotonic() - launched.started, 2)
    with runtime.db.snapshot() as session:
        tally = campaign_tally(session, launched.group_id, launched.campaign_id, runtime.clock)
        recipients = session.execute(
            select(func.count()).select_from(Recipient).where(Recipient.wave_id == launched.wave_id)
        ).scalar_one()
    wrong = differences(runtime, launched.wave_id, carrier.ledger()) if carrier else {}
    report = {
        "recipients": recipients,
        **{state: tally.states[state] for state in PUBLIC_STATES},
        "replies": tally.replies,
        "opted_out": tally.opted_out,
        "reports": tally.reports,
        "carrier": carrier.summary() if carrier else None,
        "reconciles": not wrong and recipients == sum(tally.states.values()),
        "seconds": seconds,
        **({"differences": dict(wrong)} if wrong else {}),
    }
    return report, tally.reason


def _show(report: dict[str, Any], halted: str | None, chosen: argparse.Namespace, say: Console) -> None:
    if halted:
        say.print(halt_sentence(halted), highlight=False)
    for name, value in report.items():
        say.print(f"{name.replace('_', ' '):>14}  {value}", highlight=False)
    if chosen.once and chosen.json:
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
