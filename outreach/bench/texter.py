"""``python -m outreach.bench.texter``: signed texts of people, as fast as the site takes them.

The numbers ``--first`` and following of the crowd text once each; every request is made and signed before the clock
starts.
"""

from __future__ import annotations

import argparse
import random
import uuid

from config.settings import Settings
from outreach.bench.child import answer
from outreach.bench.crowd import number
from outreach.bench.load import fire
from outreach.bench.twilio_forms import Signer

WORDS = {
    "1": 30, "2": 10, "left a voicemail": 15, "I talked to them, they will think about it": 10, "SCRIPT": 5, "HELP": 5,
    "who is this?": 5, "Thank you all for doing this work!": 10, "STOP": 8, "please take me off this list": 2,
}  # fmt: skip
"""What is texted in answer to a call to action, and how often in a hundred: as in a blast (``blast.REPLIES``)."""


def requests(settings: Settings, first: int, count: int) -> list[bytes]:
    """Made and signed."""
    signer, dice = Signer.of(settings), random.Random(first)  # noqa: S311  no secret is made of it
    words = dice.choices(list(WORDS), weights=list(WORDS.values()), k=count)
    return [signer.text(f"SM{uuid.uuid4().hex}", number(first + index), word) for index, word in enumerate(words)]


def main() -> None:
    """Text all, and say how long each took."""
    parser = argparse.ArgumentParser(prog="python -m outreach.bench.texter", description=__doc__)
    parser.add_argument("--first", type=int, required=True, help="the first number's place in the crowd")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.from_environment()
    answer(fire(requests(settings, options.first, options.count), settings.public_base_url, options.threads, 200))


if __name__ == "__main__":
    main()
