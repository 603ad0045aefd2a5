"""The words that a caller hears read aloud before they are put through, and how long they take to hear. Pure."""

from __future__ import annotations

import math
import re
from typing import Final

from config import table
from outreach.core.errors import BadInputError
from outreach.messaging.render import check_template

SPOKEN: Final = ("spoken_en", "spoken_es")
"""A campaign's fields; null: the usual words."""
WORDS_A_MINUTE: Final = 150
"""As the carrier's voices read, about: names and numbers take longer, little words less."""
LONGEST: Final = 1_600
TOO_LONG: Final = "spoken_too_long"

_FIELD: Final = re.compile(r"\{\{.*?\}\}")


def usual_words(field: str) -> str:
    """What is said where a campaign has no words of its own in a language."""
    return str(table("call_words")["spoken"][field[-2:]])


def seconds_to_hear(text: str) -> int:
    """About how many seconds it takes to read this aloud."""
    return math.ceil(len(text.split()) * 60 / WORDS_A_MINUTE)


def check_spoken(template: str) -> None:
    """What a spoken script may hold: words and merge fields, as long as anybody listens.

    Raises BadInputError: text_empty, text_too_long, spoken_too_long, and the template_... codes.
    """
    if not template.strip():
        raise BadInputError("text_empty")
    if len(template) > LONGEST:
        raise BadInputError("text_too_long", length=len(template), limit=LONGEST)
    check_template(template)
    seconds, most = seconds_to_hear(_FIELD.sub("field", template)), _most_seconds()
    if seconds > most:
        raise BadInputError(TOO_LONG, seconds=seconds, most=most)


def _most_seconds() -> int:
    return next(int(rule["limits"]["over"]) for rule in table("lint")["rules"] if rule["code"] == TOO_LONG)
