"""Rules of the ledger: which answer holds, what the board sums up, where marks stand, which terms a page links."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.officials.board import KINDS, kind_of, numbers, totals_of
from outreach.officials.marks import MARK_KINDS, Marked, pieces, places
from outreach.officials.stances import STRUCK, Entry, standing_of
from outreach.web.glossary import glossed

MONDAY = date(2026, 11, 2)
NOON = datetime(2026, 11, 2, 19, tzinfo=UTC)


def entry(number: int, answer: str, day: int = 0, **more: object) -> Entry:
    given = {
        "basis": None, "times_asked": None, "citation": None, "heard_by": "Bo", "source": "meeting", "meeting_id": None,
        "recorded_by": "Bo", "corrects_id": None, **more,
    }  # fmt: skip
    return Entry(id=number, official_id=1, policy=5, answer=answer, heard_on=MONDAY + timedelta(days=day),
                 created_at=NOON, **given)  # type: ignore[arg-type]  # fmt: skip


@st.composite
def ledgers(draw: st.DrawFn) -> list[Entry]:
    """Entries on one policy; some correct an earlier one, each of which is corrected once at most."""
    found: list[Entry] = []
    free: list[int] = []
    for number in range(1, draw(st.integers(0, 8)) + 1):
        corrects = draw(st.sampled_from([None, *free])) if free else None
        answers = ["yes", "no", "evaded", "unknown", *([STRUCK] if corrects else [])]
        answer = draw(st.sampled_from(answers))
        basis = draw(st.sampled_from([None, "writing", "practice"])) if answer in {"yes", "no"} else None
        times = draw(st.sampled_from([None, 1, 4]))
        found.append(
            entry(number, answer, draw(st.integers(0, 3)), basis=basis, times_asked=times, corrects_id=corrects)
        )
        if corrects:
            free.remove(corrects)
        if answer != STRUCK:
            free.append(number)
    return found


@given(ledgers(), st.randoms())
def test_the_answer_that_holds(entries: list[Entry], chance: object) -> None:
    standing = standing_of(entries)
    corrected = {one.corrects_id for one in entries}
    valid = [one for one in entries if one.id not in corrected and one.answer != STRUCK]
    assert standing.current == max(valid, key=lambda one: (one.heard_on, one.id), default=None)
    assert [line.entry for line in standing.lines] == sorted(entries, key=lambda one: (one.heard_on, one.id))[::-1]
    assert {line.entry.id for line in standing.lines if line.corrected_by} == corrected - {None}, "nothing is hidden"
    assert all(line.corrected_by.corrects_id == line.entry.id for line in standing.lines if line.corrected_by)
    chance.shuffle(entries)  # type: ignore[attr-defined]
    assert standing_of(entries) == standing


def test_evasions_add_up_until_there_is_a_yes_or_a_no() -> None:
    heard = [entry(1, "evaded", 0, times_asked=3), entry(2, "no", 1), entry(3, "evaded", 2), entry(4, "unknown", 3),
             entry(5, "evaded", 4, times_asked=9), entry(6, "evaded", 5, times_asked=2, corrects_id=5)]  # fmt: skip
    assert standing_of(heard).evaded == (3, 2)
    assert standing_of([*heard, entry(7, "yes", 6)]).evaded == (0, 0)


@given(st.lists(ledgers(), max_size=5), st.integers(0, 5))
def test_each_column_of_the_board_sums_to_the_officials(found: list[list[Entry]], silent: int) -> None:
    standings = {(number, 5): standing_of(entries) for number, entries in enumerate(found)}
    totals = totals_of(standings, len(found) + silent)
    assert list(totals) == numbers()
    assert all(tuple(column) == KINDS and sum(column.values()) == len(found) + silent for column in totals.values())
    assert totals[1]["not_asked"] == len(found) + silent
    secured = [one for one in standings.values() if one.current and one.current.basis == "writing"]
    assert totals[5]["secured"] == sum(kind_of(one) == "secured" for one in secured)


@given(
    st.text("ab \n", max_size=30),
    st.lists(st.builds(Marked, st.sampled_from(MARK_KINDS), st.text("aB ", min_size=1, max_size=4)), max_size=4),
)
def test_a_passage_is_cut_where_marks_begin_and_end(text: str, marks: list[Marked]) -> None:
    found = pieces(text, marks)
    assert "".join(piece.text for piece in found) == text
    covered: list[set[str]] = [set() for _ in text]
    for mark in marks:
        for begin, end in places(text, mark.words):
            assert text[begin:end].lower().split() == mark.words.lower().split()
            for place in range(begin, end):
                covered[place].add(mark.kind)
    shown = [set(piece.kinds) for piece in found for _ in piece.text]
    assert shown == covered
    runs = sum(len(re.findall("1+", "".join("1" if kind in one else "0" for one in covered))) for kind in MARK_KINDS)
    assert sum(len(piece.ending) for piece in found) == runs, "each mark is named once, where it ends"


def test_a_letter_that_is_marked_in_a_whole_passage_keeps_nobody_waiting() -> None:
    began = time.process_time()
    found = pieces("a b " * 5_000, [Marked("hold", "a"), Marked("bias", "b")])
    assert [sum(kind in piece.ending for piece in found) for kind in ("hold", "bias")] == [5_000, 5_000]
    assert time.process_time() - began < 1


def test_terms_are_linked_where_they_stand_first() -> None:
    text = "A <b>DETAINER</b>, an ICE detainer, is no judicial warrant. Retainers stay, as does \u0130CE."
    with Flask("glossary", root_path="/").app_context():
        first = glossed(text, "en")
        again = glossed("Detainers again, and SB 1070", "en")
    assert "".join(words for words, _ in first) == text
    assert [one for one in first if one[1]] == [("DETAINER", "detainer"), ("judicial warrant", "judicial-warrant")]
    assert again == [("Detainers again, and ", None), ("SB 1070", "sb-1070")]


@pytest.mark.parametrize("language", ["en", "es"])
def test_each_term_is_spelled_once_and_none_uses_a_word_to_avoid(language: str) -> None:
    terms = table("glossary")["terms"]
    spelled = [one.casefold() for row in terms for one in (row["name"][language], *row["also"][language])]
    assert len(spelled) == len(set(spelled))
    assert len({row["key"] for row in terms}) == len(terms)
    meanings = " ".join(row["meaning"][language] for row in terms)
    assert not re.search(r"\b(alien|illegal|ilegal)(s|es)?\b", meanings, re.IGNORECASE)
