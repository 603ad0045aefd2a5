"""Teaches config/leanings.toml from lines that people labelled: ``python -m tests.oracles.leanings``.

Multinomial logistic regression by gradient descent in seeded order, in plain Python: half a minute. Marks that one
line alone shows (pairs: two) are left out, and so are small weights.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from math import exp, sqrt
from pathlib import Path
from typing import Final

from config import HERE as CONFIG
from outreach.messaging.leanings import marks
from outreach.messaging.reading import read
from tests.oracles.replies import Line, lines_of

UNIT: Final = Path(__file__).parents[1] / "unit"
HAM: Final = UNIT.parents[2] / "shared" / "data" / "sms" / "SMSSpamCollection-dev-half.tsv"
HEAD: Final = """\
# Which way each mark of a text leans, in tenths of a natural logarithm. Made by `python -m tests.oracles.leanings`
# from the lines under tests/unit: add lines there, never edit a weight here. What a mark is stands in
# outreach/messaging/leanings.py.
"""

_ROUNDS: Final = 10
_PACE: Final = 0.3
_SHRINK: Final = 1e-3
_PULL: Final = 0.015  # towards nothing, so that most weights are none
_UNSEEN: Final = 0.1  # the share of marks that a line hides in each round, so that no verdict hangs on one word
_SMALLEST: Final = 3  # tenths


def meaning(line: Line) -> str:
    """What is to be learned of a line: its intent, and what it reports."""
    return f"{line.intent} {line.outcome}" if line.intent == "report" else line.intent


def chatter() -> list[Line]:
    """Lines that mean nothing to us: traps, and every second one of the public corpus if it is at hand."""
    texts = (UNIT / "classify_traps.txt").read_text(encoding="utf-8").splitlines() * 3
    if HAM.exists():
        lines = [line.split("\t", 1) for line in HAM.read_text(encoding="utf-8").splitlines()]
        texts += [text for kind, text in lines if kind == "ham"][::2]
    return [Line(text, None, "other", None, "en") for text in texts]


def seen_in(line: Line) -> set[str]:
    """The marks of a line."""
    return marks(read(line.text).words, line.asked, any(mark in line.text for mark in "?¿？"))


def learn(lines: list[Line], others: list[Line]) -> tuple[list[str], dict[str, list[float]]]:
    """The meanings, and for each mark its weight for each of them."""
    count = Counter(mark for line in lines for mark in seen_in(line))
    meanings = sorted({meaning(line) for line in lines})
    weights = {mark: [0.0] * len(meanings) for mark, times in count.items() if times >= 2 + (" " in mark)}
    steps = {mark: [1e-3] * len(meanings) for mark in weights}
    examples = [(sorted(seen_in(line) & weights.keys()), meanings.index(meaning(line))) for line in [*lines, *others]]
    dice = random.Random(1)
    for _ in range(_ROUNDS):
        dice.shuffle(examples)
        for seen, right in examples:
            _step([mark for mark in seen if dice.random() >= _UNSEEN], right, weights, steps)
    return meanings, weights


def _step(seen: list[str], right: int, weights: dict[str, list[float]], steps: dict[str, list[float]]) -> None:
    if not seen:
        return
    rows = [weights[mark] for mark in seen]
    sums = [sum(column) / (1 - _UNSEEN) for column in zip(*rows, strict=True)]
    top = max(sums)
    odds = [exp(each - top) for each in sums]
    whole = sum(odds)
    for place, each in enumerate(odds):
        wrong = each / whole - (place == right)
        if abs(wrong) < 0.005:
            continue
        for mark, row in zip(seen, rows, strict=True):
            slope = wrong + _SHRINK * row[place]
            steps[mark][place] += slope * slope
            pace = _PACE / sqrt(steps[mark][place])
            moved, pull = row[place] - pace * slope, pace * _PULL
            row[place] = moved - pull if moved > pull else moved + pull if moved < -pull else 0.0


def written(meanings: list[str], weights: dict[str, list[float]]) -> Iterable[str]:
    """The lines of the table."""
    yield HEAD
    yield f"meanings = {meanings}\n".replace("'", '"')
    yield "[marks]"
    for mark in sorted(weights):
        tenths = [(meaning, round(weight * 10)) for meaning, weight in zip(meanings, weights[mark], strict=True)]
        kept = [f"{meaning} {weight}" for meaning, weight in tenths if abs(weight) >= _SMALLEST]
        if kept:
            yield f"'{mark}' = \"{', '.join(kept)}\""


if __name__ == "__main__":
    found = learn(list(lines_of([UNIT / "classify_corpus.toml", *sorted((UNIT / "corpus").glob("*.toml"))])), chatter())
    (CONFIG / "leanings.toml").write_text("\n".join(written(*found)) + "\n", encoding="utf-8")
