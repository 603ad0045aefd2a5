"""A reply in normal form: words without case, accents, apostrophes or invisible characters, cut into sentences.

"¡Alto, por favor!", "ＳＴＯＰ", "st\\u200bop", "stoooop" and "S.T.O.P" all come out as somebody meant them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from string import ascii_lowercase
from typing import Any, Final, NamedTuple, cast

from config import table
from outreach.messaging.phrases import parse_phrase, rows

_LONGEST: Final = 4_000  # a longer text is read by its head and its tail; a text message has 1,600 at most
_SENTENCE_ENDS: Final = frozenset(".!?;¿¡\n\r")
_BREAKS: Final = _SENTENCE_ENDS | frozenset(",:—")

_CONTROLS = "".join(chr(code) for code in range(0x20) if chr(code) not in "\t\n\v\f\r")
_DROPPED = str.maketrans("", "", f"'’‘‛ʼ`´＇{_CONTROLS}\x7f")
_INVISIBLE = re.compile(
    "[\u0300-\u036f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\u20e3"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e007f]+"
)
_NUMBER_SIGN = re.compile(r"#(?!\w)")  # "take my # off"; "#2" and "#tags" are left alone
_REPEATED = re.compile(r"([^\W\d_])\1{2,}")


class Reading(NamedTuple):
    """A text in normal form."""

    words: list[str]
    sentences: list[list[str]]
    clauses: list[list[str]]
    asking: list[bool]  # of each sentence: whether it ends in a question mark


def read(text: str) -> Reading:
    """A text's words, and where its sentences and clauses end."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]}\n{text[-_LONGEST // 2 :]}"
    text = _NUMBER_SIGN.sub(" number ", text.translate(_DROPPED)) if "#" in text else text.translate(_DROPPED)
    text = text.lower() if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKD", text.casefold()))
    marks = _token().findall(_REPEATED.sub(r"\1", text))
    words = [mark for mark in marks if mark not in _BREAKS]
    if len(words) >= 3 and all(len(word) == 1 and word.isalpha() for word in words):
        words = _spelled(["".join(words)])  # S.T.O.P
        return Reading(words, [words], [words], [False])
    marks = _spelled(marks)
    words = [mark for mark in marks if mark not in _BREAKS]
    sentences, clauses = list(_cut(marks, _SENTENCE_ENDS)), [clause for clause, _ in _cut(marks, _BREAKS)]
    if len(clauses) >= 3 and len(words) == len(clauses):
        return Reading(words, [words], [words], [False])  # STOP. THE. BILL.
    return Reading(words, [sentence for sentence, _ in sentences], clauses, [end == "?" for _, end in sentences])


@cache
def _token() -> re.Pattern[str]:
    """Words, marks that end a clause, and the pictures that the table knows."""
    words = {word for row in rows() for word in row.get("words", ())}
    pictures = "".join(sorted(word for word in words if len(word) == 1 and not word.isalnum()))
    return re.compile(rf"[^\W_]+|[{re.escape(pictures)}]|[.!?;¿¡\n\r,:—]")


def _spelled(marks: list[str]) -> list[str]:
    """One spelling of each word: "txt", "dont" for "do not", and words that are one slip away from a known one."""
    same, joined = _spellings()
    out: list[str] = []
    for mark in marks:
        word = same.get(mark, mark)
        while out and (whole := joined.get((out[-1], word))):
            out.pop()
            word = whole
        out.append(word)
    return out


@cache
def _spellings() -> tuple[dict[str, str], dict[tuple[str, str], str]]:
    """What stands for each other spelling, and for each two words that are one.

    Slips of the words that opt out are found without a list: a missed opt-out costs most.
    """
    spelling = table("keywords")["spelling"]
    known = _words(rows()) | set(spelling["no_slips"].split()) | set(spelling["slips"].split())
    same: dict[str, str] = {}
    for word in sorted(_words(row for row in rows() if row["intent"] == "opt_out")):
        if len(word) >= 5 and word.isascii():
            same.update((slip, word) for slip in _slips(word) if slip not in known)
    for word in spelling["slips"].split():
        same.update((slip, word) for slip in (*_slips(word), *_wrong_letters(word)) if slip not in known)
    for word, others in spelling["same"].items():
        same.update((other, word) for other in others.split())
    joined = {tuple(pair.split()): word for word, pairs in spelling["joined"].items() for pair in pairs}
    return same, cast(dict[tuple[str, str], str], joined)


def _words(rules: Iterable[Mapping[str, Any]]) -> set[str]:
    """All words of these rules."""
    words: set[str] = set()
    for row in rules:
        words.update(word for text in row.get("words", ()) for word in text.split())
        for phrase in row.get("phrases", ()):
            words.update(word for step in parse_phrase(phrase).steps for word in step.words or ())
    return words


def _slips(word: str) -> Iterator[str]:
    """A word with two letters swapped, one doubled or, in a long one, left out; the first stays."""
    for place in range(1, len(word)):
        head, tail = word[:place], word[place:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        yield head + tail[:1] + tail
        if len(word) >= 6:
            yield head + tail[1:]


def _wrong_letters(word: str) -> Iterator[str]:
    """A word with another letter, or one more; the first stays."""
    for place in range(1, len(word) + 1):
        head, tail = word[:place], word[place:]
        for letter in ascii_lowercase:
            yield head + letter + tail
            yield head + letter + tail[1:]


def _cut(marks: list[str], breaks: frozenset[str]) -> Iterator[tuple[list[str], str]]:
    """The words between the breaks, and the mark that ends them."""
    part: list[str] = []
    for mark in marks:
        if mark in breaks:
            if part:
                yield part, mark
            part = []
        elif mark not in _BREAKS:
            part.append(mark)
    if part:
        yield part, ""


def language(text: str, reading: Reading, fallback: str) -> str:
    """en or es, by a count of words that only one of them has; the fallback where they draw."""
    english, spanish = _vocabulary()
    en = sum(word in english for word in reading.words)
    es = sum(word in spanish for word in reading.words)
    if not text.isascii():
        es += any(char in "ñÑ¿¡" for char in text) * 2 + any(char in "áéíóúÁÉÍÓÚ" for char in text)
    return "en" if en > es else "es" if es > en else fallback


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """Words that are English, and words that are Spanish, going by the table; a word of both is neither."""
    found = {lang: set(words.split()) for lang, words in table("keywords")["language_of"].items()}
    for row in rows():
        if row["lang"] in found:
            found[row["lang"]].update(word for words in row.get("words", ()) for word in words.split())
            steps = (step for phrase in row.get("phrases", ()) for step in parse_phrase(phrase).steps)
            found[row["lang"]].update(word for step in steps if not step.forbidden for word in step.words or ())
    english, spanish = ({word for word in found[lang] if not word.isdigit()} for lang in ("en", "es"))
    return frozenset(english - spanish), frozenset(spanish - english)
