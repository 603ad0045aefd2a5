"""What is wrong, or doubtful, in a text or script before it goes to anybody. Pure; the rules are ``config/lint.toml``.

The text is judged as a person would get it: merge fields filled, case and accents set aside.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from config import table
from outreach.core.segments import measure
from outreach.escalations.spoken import seconds_to_hear
from outreach.messaging.tactics import CALLS

Where = Literal["text", "script", "spoken"]
"""``spoken``: read aloud to a caller before they are put through."""

ERROR: Final = "error"
SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ROLE_BEHIND = re.compile(r"\([^()]*\)$")  # Spanish values: "Ana Ruiz (alcalde/sa)"
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")
_VOWELS = re.compile(r"[aeiouy]+")
_VOWELS_ES = re.compile(r"[aeiouáéíóúü]+|y$")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a text breaks. ``reason`` is per language of the reader; ``found`` the words or figure, or empty."""

    code: str
    severity: str
    reason: Mapping[str, str]
    found: str = ""


def lint(body: str, where: Where, language: str, values: Mapping[str, str], tactic: str = CALLS) -> tuple[Finding, ...]:
    """The findings in one rendered text, in the order of the table. ``values`` are the campaign's merge values."""
    findings = []
    for rule in table("lint")["rules"]:
        if where in rule["in"] and tactic in rule.get("tactics", (tactic,)):
            found = _CHECKS[rule["kind"]](rule, body, language, values)
            if found is not None:
                findings.append(Finding(rule["code"], rule["severity"], rule["reason"], found))
    return tuple(findings)


def _value_missing(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    wanted = fold(values.get(rule["field"], ""))
    text = fold(body)
    if wanted and wanted in text:
        return None
    names = [word for word in _WORD.findall(_ROLE_BEHIND.sub("", wanted)) if word not in SUFFIXES]
    if rule["field"] == "official" and names and re.search(rf"\b{re.escape(names[-1])}\b", text):
        return None
    return ""


def _nothing_found(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    return None if _first_match(rule["patterns"][language], body) else ""


def _something_found(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    patterns = [pattern for of_language in rule["patterns"].values() for pattern in of_language]
    return _first_match(patterns, body)


def _too_hard(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    if language == "es":
        ease = reading_ease_es(body)
        return f"{ease:.0f} < {rule['limits']['es']:.0f}" if ease < rule["limits"]["es"] else None
    grade = reading_grade_en(body)
    return f"{grade:.0f} > {rule['limits']['en']:.0f}" if grade > rule["limits"]["en"] else None


def _too_long(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    cost = measure(body)
    most = rule["limits"][cost.encoding]
    return f"{cost.segments} > {most}, {cost.encoding}" if cost.segments > most else None


def _too_slow(rule: Mapping[str, Any], body: str, language: str, values: Mapping[str, str]) -> str | None:
    seconds = seconds_to_hear(body)
    return f"{seconds} s" if rule["limits"]["over"] < seconds <= rule["limits"].get("to", seconds) else None


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any], str, str, Mapping[str, str]], str | None]]] = {
    "value": _value_missing,
    "any": _nothing_found,
    "none": _something_found,
    "reading": _too_hard,
    "length": _too_long,
    "hearing": _too_slow,
}
"""Kind of rule -> what it found, ``""`` for something that is missing, None when all is well."""


def _first_match(patterns: Sequence[str], body: str) -> str | None:
    text = fold(body)
    for pattern in patterns:
        match = _pattern(pattern).search(text)
        if match:
            return match.group()
    return None


@cache
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source)


def fold(text: str) -> str:
    """Without case, accents, invisible characters and runs of white space: how patterns and names are compared."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in apart if unicodedata.category(char) not in {"Mn", "Cf"})
    return " ".join(kept.split())


def reading_grade_en(text: str) -> float:
    """The school grade that English text asks for: Flesch-Kincaid (1975); 0 for no words."""
    words, sentences = _WORD.findall(text), _sentences(text)
    if not words:
        return 0.0
    syllables = sum(_syllables_en(word.lower()) for word in words)
    return max(0.0, 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59)


def reading_ease_es(text: str) -> float:
    """How easy Spanish text is, 100 easiest: Fernandez Huerta (1959); 100 for no words."""
    words, sentences = _WORD.findall(text), _sentences(text)
    if not words:
        return 100.0
    syllables = sum(_syllables_es(word) for word in words)
    return max(0.0, min(100.0, 206.84 - 60.0 * syllables / len(words) - 1.02 * len(words) / sentences))


def _sentences(text: str) -> int:
    return max(1, sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text)))


def _syllables_en(word: str) -> int:
    groups = len(_VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def _syllables_es(word: str) -> int:
    """Each run of vowels is one syllable, or one for each strong or stressed vowel in it (``rio`` 1, ``río`` 2)."""
    runs = _VOWELS_ES.findall(word.lower())
    return max(1, sum(max(1, sum(char in "aeoáéóíú" for char in run)) for run in runs))
