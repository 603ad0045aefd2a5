"""``python -m outreach.bench.caller``: what a carrier asks during calls, as fast as the site answers.

Of each session it tells that the call was taken, that 1 was pressed, and that 1 was pressed again, all signed before
the clock starts; one session's steps are as many requests apart as there are sessions.
"""

from __future__ import annotations

import argparse

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.load import fire
from outreach.bench.twilio_forms import Signer

STEPS: tuple[dict[str, str], ...] = ({}, {"Digits": "1"}, {"Digits": "1"})
"""Greeting, script, office."""


def call_sid(session_id: int) -> str:
    """The sid by which the carrier knows a session here."""
    return f"CA{session_id:032x}"


def main() -> None:
    """Ask all, and say how long each took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.caller", description=__doc__)
    parser.add_argument("--first", type=int, required=True, help="the first session's id; the others follow it")
    parser.add_argument("--person", type=int, required=True, help="its number's place in the crowd")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    signer = Signer.of(settings)
    requests = [
        signer.call(
            f"{options.first + index}/{step}", call_sid(options.first + index), number(options.person + index), **more
        )
        for step, more in enumerate(STEPS)
        for index in range(options.count)
    ]
    answer(fire(requests, settings.public_base_url, options.threads, 200))


if __name__ == "__main__":
    main()
