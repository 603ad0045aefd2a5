"""A campaign's usual words: put together from its tactic, its tone and what came of the meeting. Pure.

They are templates like those that organizers write: what they edit stays theirs, and what stands as it was put
together is nobody's (``is_usual``), so another tactic may take its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from config import table
from outreach.messaging.tactics import CALLS

TONES: Final = ("ally", "open", "evasive", "hostile")
"""As officials are judged (``officials.hostility``)."""
OPEN: Final = "open"
"""Where nobody has judged an official: plain."""
LANGUAGES: Final = ("en", "es")
TACTICS: Final = tuple(table("ladder")["tactics"])
WORDS: Final = ("text_en", "text_es", "script_en", "script_es", "spoken_en", "spoken_es")
"""The fields of a campaign that a tactic fills."""


def words_for(tactic: str, tone: str, outcome: str) -> dict[str, str | None]:
    """The usual words by field; nothing is read aloud where nobody is put through."""
    words: dict[str, str | None] = {}
    for language in LANGUAGES:
        words[f"text_{language}"] = first_text(tactic, tone, outcome, language)
        words[f"script_{language}"] = script(tactic, tone, language)
        words[f"spoken_{language}"] = spoken(tone, language) if tactic == CALLS else None
    return words


def first_text(tactic: str, tone: str, outcome: str, language: str) -> str:
    """Who we are, what happened, one ask, how to act and how to stop."""
    if tactic == CALLS and tone == OPEN:
        return str(table("message_templates/calls")[outcome][language])
    own = _of(tactic)
    text = str(own["text"][language])
    return text.replace("{happened}", happened(tone, outcome, language)).replace("{ask}", own["ask"][tone][language])


def happened(tone: str, outcome: str, language: str) -> str:
    """What happened, in the tone; where it has no sentence of its own, plainly."""
    said = table("message_templates/tones")["happened"]
    own = said[tone]
    return str((own.get(outcome) or own.get("any") or said[OPEN][outcome])[language])


def script(tactic: str, tone: str, language: str) -> str:
    """What a reply of SCRIPT brings."""
    if tactic == CALLS:
        return _toned(table("message_templates/calls")["script"][language], tone, language)
    own = _of(tactic)["script"]
    return str(own[language]).replace("{say}", _say(own["say"], tone, language))


def spoken(tone: str, language: str) -> str:
    """What is read aloud to callers before they are put through."""
    return _toned(table("call_words")["spoken"][language], tone, language)


def sample(tactic: str, tone: str, language: str) -> str:
    """The letter, the questions or the speech that stand on the script's page; empty for calls."""
    own = _of(tactic)
    if "sample" not in own:
        return ""
    return str(own["sample"][language]).strip().replace("{say}", _say(own["script"]["say"], tone, language))


def subject(tactic: str, language: str) -> str:
    """The subject of an e-mail; empty for everything else."""
    return str(_of(tactic).get("subject", {}).get(language, ""))


def again_text(tactic: str, who: str, language: str) -> str:
    """What a further text begins with, to those who are silent or who have replied."""
    rows: Mapping[str, Any] = table("message_templates/waves") if tactic == CALLS else _of(tactic)["again"]
    return str(rows[who][language])


def tone_of(tone: str | None) -> str:
    """A campaign's tone; one that was drafted before there were tones is plain."""
    return tone if tone in TONES else OPEN


def edited_fields(words: Mapping[str, str | None], tactic: str, tone: str | None, outcome: str) -> tuple[str, ...]:
    """The fields in which somebody's own words stand. ``words``: those of a campaign by field."""
    usual = words_for(tactic, tone_of(tone), outcome) if tactic in TACTICS else {}
    return tuple(field for field in WORDS if words.get(field) and _plain(words[field]) != _plain(usual.get(field)))


def _plain(text: str | None) -> str:
    """As a form returns it: without white space around, and with one kind of line end."""
    return (text or "").replace("\r\n", "\n").strip()


def _of(tactic: str) -> dict[str, Any]:
    return table(f"message_templates/tactics/{tactic}")


def _say(kind: str, tone: str, language: str) -> str:
    return str(table("message_templates/tones")[kind][tone][language])


def _toned(words: str, tone: str, language: str) -> str:
    """Words of the plain tone with the sentence of another; a test holds that they have it."""
    return words.replace(_say("of", OPEN, language), _say("of", tone, language))
