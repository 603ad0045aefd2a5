"""``python -m tests.pictures``, which ``scripts/screenshots.py`` becomes: a site, the story, and a camera."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Error as BrowserError
from sqlalchemy.exc import SQLAlchemyError

from outreach.accounts.invitations import Actor, invite
from outreach.accounts.links import first_admin, make_login_link
from outreach.core.clock import Clock, coming_tuesday_ten
from outreach.core.errors import OutreachError
from outreach.core.logs import set_up_logs
from outreach.core.runtime import Runtime, open_runtime
from outreach.stage.keys import ROOT
from outreach.stage.ports import free_port
from outreach.stage.processes import Processes
from outreach.stage.site import start_site
from outreach.story.play import SEED, set_the_scene
from tests.pictures.camera import Camera, PictureError, browsing, chromium, sign_in
from tests.pictures.guides import GUIDES
from tests.pictures.pages import EMPTY, PLAYED, SIGNED_OUT
from tests.pictures.scene import WHO, play_the_scene

README_IMAGES = ROOT / "docs" / "images"
GUIDE_IMAGES = README_IMAGES / "guides"
SPEED = 60.0
"""Domain seconds in a real one: the timeline shows minutes, and the pictures are done before evening falls."""
OTHERS_SETTINGS = ("DATABASE_URL", "REDIS_URL", "TWILIO_BASE_URL", "TWILIO_OPT_OUT", "REHEARSAL_CLOCK")


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; ends the process with code 2 for one that asks for nothing."""
    parser = argparse.ArgumentParser(
        prog="scripts/screenshots.py",
        description="Starts a site of its own in a temporary directory, plays the story, and writes a picture of every "
        "page, in English and Spanish, 320 and 1280 pixels wide. Needs Chromium; reaches no real phone.",
        allow_abbrev=False,
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the pictures go (made when missing)")
    parser.add_argument("--readme", action="store_true",
                        help="only the README's pictures, into docs/images/ unless --out says otherwise")  # fmt: skip
    parser.add_argument("--guides", action="store_true",
                        help="only the guides', into docs/images/guides/ unless --out says otherwise")  # fmt: skip
    parser.add_argument("--recipients", type=int, default=200, metavar="N", help="people in the story (200)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"another seed, another story ({SEED})")
    chosen = parser.parse_args(arguments)
    if chosen.out is None and not chosen.readme and not chosen.guides:
        parser.error("say where the pictures go: --out DIR, --readme or --guides")
    if chosen.readme and chosen.guides:
        parser.error("--readme or --guides, one after the other")
    if not 20 <= chosen.recipients <= 10_000:
        parser.error("--recipients must be 20 to 10,000: fewer leave pages empty")
    return chosen


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 every picture was taken, 1 a page was not as it should be, 2 usage or set-up."""
    chosen = options(arguments)
    set_up_logs("pictures", logging.WARNING)
    binary = chromium()
    if binary is None:
        say("No Chromium on this machine. Debian: apt-get install chromium. Others: your system's package.")
        return 2
    for name in OTHERS_SETTINGS:  # this site is its own
        os.environ.pop(name, None)
    out: Path = chosen.out or (GUIDE_IMAGES if chosen.guides else README_IMAGES)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="outreach-pictures-") as data, Processes(Path(data)) as processes:
            taken = take_pictures(processes, Path(data), binary, out, chosen)
    except KeyboardInterrupt:
        return 130
    except (PictureError, BrowserError) as error:
        say(f"Not every picture was taken. {error}")
        return 1
    except (OutreachError, OSError, SQLAlchemyError) as error:
        say(f"No picture was taken. {error}")
        return 2
    say(f"{taken} pictures in {out}.")
    return 0


def take_pictures(processes: Processes, data: Path, binary: Path, out: Path, chosen: argparse.Namespace) -> int:
    """Start, play and photograph; how many pictures there are. Raises PictureError and what the site raises."""
    say("Starting the site ...")
    clock = str(coming_tuesday_ten(Clock.real_now(), SPEED))
    site = start_site(processes, data, port=free_port(), clock=clock, seed=chosen.seed)
    assert site.carrier_url is not None  # no carrier but its own was named
    runtime = open_runtime(site.settings)
    group_id = set_the_scene(runtime)
    address = site.settings.public_base_url
    try:
        with browsing(binary) as browser:
            camera = Camera(browser, address, out)
            session = sign_in(browser, f"{address}/enter/{new_link(runtime, group_id)}")
            if not chosen.readme and not chosen.guides:
                camera.take_all(SIGNED_OUT, {"invited": new_invitation(runtime, group_id)})
                camera.take_all(EMPTY, session=session)
            say("Playing the story ...")
            ids = play_the_scene(runtime, site.carrier_url, group_id, recipients=chosen.recipients, seed=chosen.seed)
            if chosen.readme:
                camera.take_for_readme([shot for shot in PLAYED if shot.readme], ids, session)
            elif chosen.guides:
                camera.take_for_guides(GUIDES, ids, session)
            else:
                camera.take_all(PLAYED, ids, session)
            return camera.taken
    finally:
        runtime.db.dispose()


def new_link(runtime: Runtime, group_id: int) -> str:
    """A token that signs the group's admin in, once."""
    with runtime.db.transaction() as tx:
        return make_login_link(tx, first_admin(tx, group_id), runtime.clock.real_now())


def new_invitation(runtime: Runtime, group_id: int) -> str:
    """A token that makes somebody an organizer."""
    actor = Actor(group_id, WHO, "admin")
    with runtime.db.transaction() as tx:
        return invite(tx, actor, role="organizer", meant_for="Luz", now=runtime.clock.real_now())


def say(text: str) -> None:
    """Progress, for the person who waits."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
