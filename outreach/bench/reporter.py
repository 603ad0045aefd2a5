"""``python -m outreach.bench.reporter``: signed status callbacks as fast as the site takes them.

It reads lines ``attempt sid`` from a file and posts ``sent``, later ``delivered``, for each; every request is made and
signed before the clock starts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.load import fire
from outreach.bench.twilio_forms import Signer

WORDS = ("sent", "delivered")


def main() -> None:
    """Post all, and say how long each took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.reporter", description=__doc__)
    parser.add_argument("--attempts", type=Path, required=True, help="lines of attempt and sid")
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    signer = Signer.of(settings)
    known = [line.split() for line in options.attempts.read_text(encoding="ascii").splitlines()]
    requests = [signer.status(int(a), sid, number(i), word) for word in WORDS for i, (a, sid) in enumerate(known)]
    answer(fire(requests, settings.public_base_url, options.threads, 204))


if __name__ == "__main__":
    main()
