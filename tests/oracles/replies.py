"""What replies mean, judged by people: lines with a label each, and how many of them the classifier reads so.

A file is a list of ``[[group]]`` as in tests/unit/classify_corpus.toml. The rates are those of the goal: opting out
must be obeyed, or at least held; nobody else may be opted out, and few held.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from outreach.messaging.classify import classify

PER_SE = frozenset(
    {"stop", "quit", "end", "revoke", "cancel", "unsubscribe", "stopall", "stop all", "optout", "opt out", "opt-out"}
    | {"alto", "parar", "basta", "cancelar", "no mas", "no más"}
)
"""47 CFR 64.1200(a)(10) and what a carrier obeys, alone in a text; more words than these make a phrase."""

GOALS = {
    "words_obeyed": 1.0, "phrases_obeyed": 0.97, "phrases_obeyed_or_held": 0.99, "false_opt_outs": 0.005,
    "false_holds": 0.02, "intents": 0.92, "outcomes": 0.90,
}  # fmt: skip
AT_MOST = frozenset({"false_opt_outs", "false_holds"})


class Line(NamedTuple):
    """A text, what was asked, and what a careful reader says it means."""

    text: str
    asked: str | None
    intent: str
    outcome: str | None
    lang: str


class Miss(NamedTuple):
    """A line read as something else, by this rule."""

    line: Line
    intent: str
    outcome: str | None
    rule: str


def lines_of(files: Iterable[Path]) -> Iterator[Line]:
    """All lines of these files."""
    for file in files:
        for group in tomllib.loads(file.read_text(encoding="utf-8"))["group"]:
            for text in group["texts"]:
                yield Line(text, group.get("asked"), group["intent"], group.get("outcome"), group["lang"])


def misses_of(lines: Iterable[Line]) -> list[Miss]:
    """Those that the classifier reads as something else."""
    found = ((line, classify(line.text, line.asked)) for line in lines)
    return [
        Miss(line, verdict.intent, verdict.outcome, verdict.rule)
        for line, verdict in found
        if (verdict.intent, verdict.outcome) != (line.intent, line.outcome)
    ]


def rates_of(lines: list[Line], misses: list[Miss]) -> dict[str, float]:
    """The rates of the goal; one that no line bears on is left out."""
    of: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    wrong = {miss.line: miss for miss in misses}
    for line in lines:
        miss = wrong.get(line)
        intent, outcome = (miss.intent, miss.outcome) if miss else (line.intent, line.outcome)
        for name, right in _judged(line, intent, outcome):
            of[name] += 1
            hit[name] += right
    return {name: hit[name] / of[name] for name in GOALS if of[name]}


def _judged(line: Line, intent: str, outcome: str | None) -> Iterator[tuple[str, bool]]:
    yield "intents", intent == line.intent
    if line.outcome:
        yield "outcomes", outcome == line.outcome
    if line.intent == "opt_out":
        if line.text.casefold().strip(" .!\"“”'") in PER_SE:
            yield "words_obeyed", intent == "opt_out"
        else:
            yield "phrases_obeyed", intent == "opt_out"
            yield "phrases_obeyed_or_held", intent in ("opt_out", "possible_opt_out")
        return
    yield "false_opt_outs", intent == "opt_out"
    if line.intent != "possible_opt_out":
        yield "false_holds", intent == "possible_opt_out"


def reaches(rates: dict[str, float]) -> bool:
    """Whether all of them are as good as the goal."""
    return all(rate <= GOALS[name] if name in AT_MOST else rate >= GOALS[name] for name, rate in rates.items())


def as_json(files: list[Path]) -> tuple[dict[str, Any], list[Miss]]:
    """The rates over all lines and by language, and the misses."""
    lines = list(lines_of(files))
    misses = misses_of(lines)
    rates = rates_of(lines, misses)
    by_lang = {}
    for lang in sorted({line.lang for line in lines}):
        own = [line for line in lines if line.lang == lang]
        by_lang[lang] = {"lines": len(own), **_rounded(rates_of(own, misses))}
    found = {"lines": len(lines), "misses": len(misses), **_rounded(rates), "by_lang": by_lang, "ok": reaches(rates)}
    return found, misses


def _rounded(rates: dict[str, float]) -> dict[str, float]:
    return {name: round(rate, 4) for name, rate in rates.items()}
