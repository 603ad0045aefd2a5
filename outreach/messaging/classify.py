"""What a reply means: pure, table-driven, the same for every channel that brings in words.

The table is ``config/keywords.toml``; this is the small engine that reads it. A text is put into a normal form (no
case, accents, apostrophes or invisible characters), cut into sentences and clauses, and looked up twice: as whole
words ("stop", "no answer") and as phrases inside a sentence. Phrases are sequences of word sets, not regular
expressions, so hostile text costs time in proportion to its length. The first rule by precedence wins: opting out,
what may be opting out, wrong number, report, the rest. What no rule takes as a whole is weighed once more by all its
words (``leanings``): the rule has a strong vote in that, not the last one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

from config import table
from outreach.messaging.leanings import marks, shares
from outreach.messaging.phrases import Phrase, fillers, make_phrase, parse_phrase, rows, stands, words_of
from outreach.messaging.reading import Reading, language, read

CLASSIFIER_VERSION: Final[str] = table("keywords")["version"]
"""Stored with each reply, so that a later table can tell which verdicts are old."""

ASKED: Final = frozenset({None, "call_report", "captain", "tree_member", "opt_in", "pledge"})

_FIRST: Final = {"opt_out": 0, "possible_opt_out": 1, "wrong_number": 2, "report": 3}
_COVERED: Final = 16  # a text of more words is no keyword

_RULE_VOTES: Final = 20.0  # a rule's say against the leaning of the words: so many times as likely
_MARK_VOTES: Final = 2.7
_CERTAIN: Final = 0.75  # of opting out, where no rule says so, in the words of it
_CERTAIN_OTHERWISE: Final = 0.97
_SECONDED: Final = 0.5  # of opting out, where a rule says it may be
_HELD: Final = 0.25  # of opting out or perhaps so, in the words of it
_HELD_OTHERWISE: Final = 0.35
_DOUBTED: Final = 0.1  # below that, an opt-out by a phrase is held for a person to see

_TAPBACK = re.compile(
    r"\s*(?:(?P<en>liked|loved|emphasized|laughed at|questioned|disliked|reacted \S{1,8} to)"
    r"|(?P<es>(?:le |me )?(?:gust[oó]|encant[oó])|enfatizó|reaccionó con \S{1,8} a)|\S{1,8} to)\s*[“\"«].*[”\"»]\s*",
    re.IGNORECASE | re.DOTALL,
)


class Verdict(NamedTuple):
    """``intent`` and ``outcome`` as in the contract; ``rule`` is an id of the table, so a person can see why."""

    intent: str
    outcome: str | None
    lang: str
    confidence: float
    rule: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table, as it reads after a certain question; ``rank`` orders all rows, lowest first."""

    id: str
    intent: str
    outcome: str | None
    lang: str
    confidence: float
    rank: tuple[int, int]
    clause: bool
    alone: bool
    unless: frozenset[str]
    without: frozenset[str]
    not_after: frozenset[str]
    asking: bool
    final: bool


def classify(text: str, asked: str | None = None) -> Verdict:
    """What a reply means after a question (one of ``ASKED``; None: nothing was asked). Never raises for any text.

    Raises ValueError for a question that is none of ``ASKED``.
    """
    if asked not in ASKED:
        raise ValueError(f"unknown question: {asked!r}")
    tapback = _TAPBACK.fullmatch(text) if len(text) <= 4_000 else None
    if tapback:  # a phone's "Liked “our own text”" quotes our STOP, and says nothing of its own
        return Verdict("other", None, "es" if tapback["es"] else "en", 0.9, "tapback")
    reading = read(text)
    rules = _rules(asked)
    whole = rules.whole(reading)
    rule = rules.best(reading, whole)
    verdict = _by_rule(text, reading, rule) if rule else _unmatched(text, reading)
    settled = rule is not None and (rule.final or rule.confidence == 1 or rule in whole)
    if not settled and any(word.isalpha() for word in reading.words):
        verdict = _weighed(verdict, reading, asked)
    if verdict.intent in ("opt_out", "possible_opt_out"):
        report = rules.best(reading, whole, only="report")
        return verdict._replace(outcome=report.outcome if report else None)
    return verdict


def _by_rule(text: str, reading: Reading, rule: Rule) -> Verdict:
    return Verdict(rule.intent, rule.outcome, language(text, reading, rule.lang), rule.confidence, rule.id)


def _unmatched(text: str, reading: Reading) -> Verdict:
    lang = language(text, reading, "und")
    if "?" in text or "¿" in text or "？" in text:
        return Verdict("question", None, lang, 0.7, "question_mark")
    return Verdict("other", None, lang, 0.3, "none")


def _weighed(found: Verdict, reading: Reading, asked: str | None) -> Verdict:
    """What a rule found, or none did, weighed against all the words. An opt-out that a rule found is held at least."""
    by_meaning = shares(marks(reading.words, asked, found.rule == "question_mark" or any(reading.asking)))
    if found.intent in ("opt_out", "possible_opt_out"):
        return _weighed_leaving(found, reading, asked, by_meaning)
    meaning = f"{found.intent} {found.outcome}" if found.outcome else found.intent
    if meaning in by_meaning and found.rule != "none":
        by_meaning[meaning] *= _MARK_VOTES if found.rule == "question_mark" else _RULE_VOTES
    whole = sum(by_meaning.values())
    leaves, may_leave = by_meaning.pop("opt_out") / whole, by_meaning.pop("possible_opt_out") / whole
    says_so = not _leaving().isdisjoint(reading.words) and words_of(["<public>"]).isdisjoint(reading.words)
    if leaves >= (_CERTAIN if says_so else _CERTAIN_OTHERWISE):
        return _leaning(found, "opt_out", leaves)
    if leaves + may_leave >= (_HELD if says_so else _HELD_OTHERWISE):
        return _leaning(found, "possible_opt_out", leaves + may_leave)
    if says_so and len(reading.sentences) > 1 and (leaves := _said_in_passing(reading, asked)) >= _CERTAIN:
        return _leaning(found, "possible_opt_out", leaves)
    best = max(by_meaning, key=by_meaning.__getitem__)
    return found if best == meaning else _leaning(found, best, by_meaning[best] / whole)


def _weighed_leaving(found: Verdict, reading: Reading, asked: str | None, by_meaning: Mapping[str, float]) -> Verdict:
    """An opt-out that a rule found is obeyed or held; what may be one is obeyed if the words say it is."""
    leaves, out = by_meaning["opt_out"], by_meaning["opt_out"] + by_meaning["possible_opt_out"]
    if found.intent == "possible_opt_out":
        return _leaning(found, "opt_out", leaves) if leaves >= _SECONDED else found
    sure = out >= _DOUBTED or _said_in_passing(reading, asked) >= _HELD
    return found if sure else _leaning(found, "possible_opt_out", out)


def _said_in_passing(reading: Reading, asked: str | None) -> float:
    """How far the part that leans most to an opt-out does so: a sentence of several, or all but the fillers."""
    parts = [sentence for sentence in reading.sentences if len(sentence) >= 3] if len(reading.sentences) > 1 else []
    parts.append([word for word in reading.words if (word,) not in fillers()])
    return max(shares(marks(part, asked, False))["opt_out"] for part in parts)


def _leaning(found: Verdict, meaning: str, share: float) -> Verdict:
    intent, _, outcome = meaning.partition(" ")
    return Verdict(intent, outcome or None, found.lang, round(min(share, 1) * 0.8, 2), f"leans_{intent}")


@cache
def _leaving() -> frozenset[str]:
    """The words that people leave with."""
    return words_of(table("keywords")["leaving"])


class Rules:
    """The table as it reads after one question."""

    def __init__(self, table_rows: Sequence[Mapping[str, Any]], asked: str | None) -> None:
        self.words: dict[tuple[str, ...], list[Rule]] = defaultdict(list)
        self.phrases: dict[str, list[tuple[Rule, Phrase]]] = defaultdict(list)
        for place, row in enumerate(table_rows):
            if (asked or "null") not in row.get("asked", [asked or "null"]):
                continue
            rule = _rule(row, place, asked)
            for words in row.get("words", ()):
                self.words[tuple(words.split())].append(rule)
            for phrase in row.get("phrases", ()):
                self._add(parse_phrase(phrase), rule)
        for rules in self.words.values():
            rules.sort(key=lambda rule: rule.rank)
        for entries in self.phrases.values():
            entries.sort(key=lambda entry: entry[0].rank)
        self._known = frozenset(word for words in (*self.words, *fillers()) for word in words)

    def _add(self, phrase: Phrase, rule: Rule) -> None:
        """File a phrase under each word it can begin with; a first step that may be missing makes a second entry."""
        first, rest = phrase.steps[0], phrase.steps[1:]
        for word in first.words or ():
            self.phrases[word].append((rule, phrase))
        if first.least == 0:
            self._add(make_phrase(rest, phrase.begins, phrase.ends), rule)

    def whole(self, reading: Reading) -> list[Rule]:
        """The rules of whose words the text is made up, fillers and repeats aside."""
        found = self._cover(_once(reading.words))
        return [rule for rules in found for rule in rules if not rule.alone or len(found) == 1]

    def best(self, reading: Reading, whole: list[Rule], only: str | None = None) -> Rule | None:
        """The first rule, by rank, that the text meets (of one intent, if ``only`` names it)."""
        found = [rule for rule in (*whole, *self._by_clauses(reading)) if only is None or rule.intent == only]
        best = min(found, key=lambda rule: rule.rank, default=None)
        for sentence, asking in zip(reading.sentences, reading.asking, strict=True):
            for place, word in enumerate(sentence):
                entries = self.phrases.get(word)
                if not entries:
                    continue
                following = sentence[place + 1] if place + 1 < len(sentence) else None
                for rule, phrase in entries:
                    if best is not None and rule.rank >= best.rank:
                        break
                    if phrase.second is not None and following not in phrase.second:
                        continue
                    if (only is not None and rule.intent != only) or (asking and not rule.asking):
                        continue
                    if not (rule.unless.isdisjoint(reading.words) and rule.without.isdisjoint(sentence)):
                        continue
                    if stands(phrase, sentence, place, rule.not_after):
                        best = rule
                        break
        return best

    def _by_clauses(self, reading: Reading) -> Iterator[Rule]:
        if len(reading.clauses) > 1:
            for clause in reading.clauses:
                yield from (rule for rules in self._cover(clause) for rule in rules if rule.clause)

    def _cover(self, words: list[str]) -> list[list[Rule]]:
        """The rules of each of the table's words that, with fillers, make up all of these; empty if none do.

        As few as possible: "no answer" is itself, not "no" and "answer". Several must mean the same, but an opt-out
        counts beside a report or a mistake ("4 parar"), and one that may be a mere clause beside anything ("no, stop").
        """
        if not 0 < len(words) <= _COVERED or not self._known.issuperset(words):
            return []
        # "ok" is a filler in "ok stop" and the answer in "ok thanks"
        found = self._tiles(words, of_table=1, filler=0) or self._tiles(words, of_table=0, filler=1)
        if len({(rules[0].intent, rules[0].outcome) for rules in found}) > 1:
            reported = all(rules[0].intent in ("opt_out", "report", "wrong_number") for rules in found)
            found = [rules for rules in found if rules[0].intent == "opt_out"]
            if not reported:
                found = [[rule for rule in rules if rule.clause] for rules in found]
        return found

    def _tiles(self, words: list[str], of_table: int, filler: int) -> list[list[Rule]]:
        """The cheapest way to lay the table's words and fillers over these words, end to end."""
        cheapest: dict[int, tuple[int, list[list[Rule]]]] = {0: (0, [])}
        for start in range(len(words)):
            if start not in cheapest:
                continue
            cost, laid = cheapest[start]
            for end in range(start + 1, min(start + 4, len(words)) + 1):
                part = tuple(words[start:end])
                rules = [rule for rule in self.words.get(part, ()) if rule.unless.isdisjoint(words)]
                ways = [(cost + of_table, [*laid, rules])] if rules else []
                ways += [(cost + filler, laid)] if part in fillers() else []
                for way in ways:
                    if end not in cheapest or way[0] < cheapest[end][0]:
                        cheapest[end] = way
        return cheapest.get(len(words), (0, []))[1]


@cache
def _rules(asked: str | None) -> Rules:
    return Rules(rows(), asked)


def _rule(row: Mapping[str, Any], place: int, asked: str | None) -> Rule:
    intent = row.get("becomes", {}).get(asked, row["intent"])
    return Rule(
        id=row["id"],
        intent=intent,
        outcome=row.get("outcome"),
        lang=row["lang"],
        confidence=row["confidence"],
        rank=(_FIRST.get(intent, len(_FIRST)), place),
        clause=row.get("clause", False),
        alone=row.get("alone", False),
        unless=words_of(row.get("unless", ())),
        without=words_of(row.get("without", ())),
        not_after=words_of(row.get("not_after", ())),
        asking=row.get("asking", True),
        final=row.get("final", False),
    )


def _once(words: list[str]) -> list[str]:
    """Without repeats: "stop stop" is "stop", "no mas no mas" is "no mas"; digits stay ("1 1" is no "1")."""
    single = [word for place, word in enumerate(words) if place == 0 or word != words[place - 1] or word.isdigit()]
    for length in (2, 3):
        if len(single) > length and single == single[:length] * (len(single) // length):
            return single[:length]
    return single
