"""``python -m outreach.bench.bystanders``: people who text STOP, and staff who watch the tally, while others work.

STOPs begin at fixed times, however long the one before took, from numbers whose turn may not have come yet. The page is
read as a browser polls it. Ten times a second a few bytes are synced to the same disk: no STOP is committed in less.
Told to end (SIGTERM), it says when each began (real time) and how long it took.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import signal
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.twilio_forms import Signer
from outreach.bench.wire import Wire

AT_ONCE = 4
POLL_SECONDS = 1.0
SYNC_SECONDS = 0.1
PAGE = bytes(4096)
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
Sample = tuple[float, float, int]
"""When it began (real time), how many milliseconds it took, and the status that came back (0: none; 200 of a disk)."""


def stop_sid(mine: int) -> str:
    """The sid of the STOP of this number: the carrier's books know nothing of texts that reach us past it."""
    return f"SM{mine:032x}"


def stops(
    settings: Settings, options: argparse.Namespace, stop: threading.Event, found: list[Sample], asked: list[int]
) -> None:
    """Text STOP ``--per-second`` times a second from the numbers ``--last``, ``--last`` - 1 ... of the crowd.

    ``asked``: which of them, counted from the last.
    """
    signer, lock = Signer.of(settings), threading.Lock()
    began, sent = time.monotonic(), 0

    def work() -> None:
        nonlocal sent
        with Wire(settings.public_base_url) as wire:
            while True:
                with lock:
                    mine, sent = sent, sent + 1
                request = signer.text(stop_sid(mine), number(options.last - mine), "STOP")
                due = began + mine / options.per_second
                if stop.wait(max(0.0, due - time.monotonic())):
                    return
                at = time.time()
                status = wire.ask(request)
                # From when it was due: one that waits for a slow one before it waits all the same.
                found.append((at, (time.monotonic() - due) * 1000, status))
                asked.append(mine)

    workers = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def watch(settings: Settings, options: argparse.Namespace, stop: threading.Event, found: list[Sample]) -> None:
    """Sign in once, then poll the campaign's live part."""
    where = urlsplit(settings.public_base_url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    headers = {"Cookie": sign_in(connection, options.link)}
    while not stop.wait(POLL_SECONDS):
        at, began = time.time(), time.monotonic()
        connection.request("GET", f"/campaigns/{options.campaign}/live", headers=headers)
        response = connection.getresponse()
        response.read()
        found.append((at, (time.monotonic() - began) * 1000, response.status))


def sync(path: Path, stop: threading.Event, found: list[Sample]) -> None:
    """Append a page to a file and wait for the disk, over and over."""
    with path.open("ab", buffering=0) as file:
        while not stop.wait(SYNC_SECONDS):
            at, began = time.time(), time.monotonic()
            file.write(PAGE)
            os.fsync(file.fileno())
            found.append((at, (time.monotonic() - began) * 1000, 200))


def sign_in(connection: http.client.HTTPConnection, link: str) -> str:
    """Spend a sign-in link as its page's button does; the session's cookie. Raises RuntimeError."""
    connection.request("GET", f"/enter/{link}")
    page = connection.getresponse()
    cookie = (page.getheader("Set-Cookie") or "").partition(";")[0]
    token = TOKEN.search(page.read().decode())
    if token is None:
        raise RuntimeError(f"no form to sign in with, status {page.status}")
    form = urlencode({"csrf_token": token[1]})
    headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", f"/enter/{link}", form, headers)
    entered = connection.getresponse()
    entered.read()
    if entered.status not in {302, 303}:
        raise RuntimeError(f"not signed in, status {entered.status}")
    return (entered.getheader("Set-Cookie") or cookie).partition(";")[0]


def main() -> None:
    """Until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.bystanders", description=__doc__)
    parser.add_argument("--last", type=int, required=True, help="the number in the crowd that texts first")
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--campaign", type=int, default=0, help="whose tally is watched; 0: nobody's")
    parser.add_argument("--file", type=Path, required=True, help="where to sync, on the database's disk")
    parser.add_argument("--link", default="", help="the token to sign in with")
    options = parser.parse_args()
    settings = Settings.from_environment()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    texted: list[Sample] = []
    asked: list[int] = []
    read: list[Sample] = []
    synced: list[Sample] = []
    watcher = threading.Thread(target=watch, args=(settings, options, stop, read), daemon=True)
    syncer = threading.Thread(target=sync, args=(options.file, stop, synced))
    syncer.start()
    if options.campaign:
        watcher.start()
    stops(settings, options, stop, texted, asked)
    if options.campaign:
        watcher.join()
    syncer.join()
    answer({"stops": texted, "asked": asked, "pages": read, "syncs": synced})


if __name__ == "__main__":
    main()
