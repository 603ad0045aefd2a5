"""Promises: what entries make of them, when their watchers are reminded, and what a broken one's texts say."""

from __future__ import annotations

import time
from datetime import date, timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.errors import OutreachError
from outreach.core.plain import free_words, shortened
from outreach.core.segments import measure
from outreach.escalations.lint import lint
from outreach.escalations.promise_drafts import draft_words
from outreach.messaging.reminders import words_of
from outreach.messaging.render import render
from outreach.officials.models import Official
from outreach.officials.promise_reminders import step_of
from outreach.officials.promise_rules import (
    EXTENDED,
    KEPT,
    UNDONE,
    Entry,
    Standing,
    check_next,
    days_overdue,
    standing,
    urgency,
)
from outreach.officials.roles import official_in
from outreach.web.mail_links import MOST, mail_link
from tests.unit.test_default_drafts import FIRST_NAME, GROUP, NAME, OFFICIAL, ROLE, values

DAY = date(2026, 12, 4)
WHAT = "She brings the Don’t Ask rule to the council’s public meeting, then they vote. Call (602) 555-0142 {{ x }} 🌵"


@given(st.lists(st.tuples(st.sampled_from(["kept", "broken", "extended", "undone"]), st.integers(-3, 9)), max_size=12))
def test_entries_are_a_stack_and_nothing_that_cannot_follow_gets_in(given_: list[tuple[str, int]]) -> None:
    entries: list[Entry] = []
    before: list[Standing] = []  # as it stood before each entry that still counts
    for number, (kind, days) in enumerate(given_, start=1):
        now = standing(DAY, entries)
        if kind == UNDONE:
            if now.entry_id is None:
                continue
            entries.append(Entry(number, UNDONE, undoes_id=now.entry_id))
            assert standing(DAY, entries) == before.pop()
            continue
        new_day = DAY + timedelta(days=days) if kind == EXTENDED else None
        try:
            check_next(now, kind, new_day)
        except OutreachError:
            assert now.state in {kind, KEPT} or (new_day is not None and new_day <= (now.due_on or DAY))
            continue
        before.append(now)
        entries.append(Entry(number, kind, new_day))
        after = standing(DAY, entries)
        assert (after.state, after.entry_id) == (kind, number)
        assert after.due_on == (new_day or now.due_on)


@given(st.integers(-10, 10))
def test_a_watcher_hears_of_a_promise_on_the_days_on_which_it_helps(left: int) -> None:
    today = DAY - timedelta(days=left)
    step = step_of(DAY, today)
    assert (step is None) == (left > 3 or left < -3)
    if step is not None:
        assert step[0] == ("today" if left == 0 else "soon" if left > 0 else "overdue")
        assert step[1] <= today
    assert days_overdue("open", DAY, today) == max(0, -left)
    assert days_overdue("kept", DAY, today) == 0
    assert urgency("extended", DAY, today) == (0 if left < 0 else 1 if left <= 3 else 2)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", [name for name in table("reminders") if name.startswith("promise")])
def test_a_reminder_is_two_plain_parts_and_gives_no_number_away(name: str, language: str) -> None:
    kind, _, word = name.partition("_")
    body = words_of(
        kind, f"{word} 2026-12-24", GROUP,
        {"official": official_in(NAME, ROLE, language, "text_name"), "what": WHAT * 3, "day": "Dec 24"}, language,
    )  # fmt: skip
    assert (measure(body).encoding, measure(body).segments <= 2) == ("GSM-7", True), (measure(body), body)
    assert "555" not in body
    for words in (GROUP, OFFICIAL[language], {"en": "STOP", "es": "ALTO"}[language], "olunt"):
        assert words in body


@pytest.mark.parametrize("reason", ["overdue", "broken"])
def test_a_draft_of_a_promise_passes_and_costs_what_a_draft_may(reason: str) -> None:
    texts = draft_words(reason, GROUP, Official(name=NAME, role=ROLE), WHAT, date(2026, 12, 24))
    for language in ("en", "es"):
        person = {"first_name": FIRST_NAME, "city": "Lake Havasu City", "zip": "86403"}
        for kind, parts in (("text", 2), ("script", 3)):
            body = render(texts[f"{kind}_{language}"], values(5, language), person, language, kind=kind)
            assert (measure(body).encoding, measure(body).segments <= parts) == ("GSM-7", True), (measure(body), body)
            found = lint(body, "text" if kind == "text" else "script", language, values(5, language))
            assert [one.code for one in found if one.severity == "error"] == [], body
            assert "She brings" in body
            assert "555-0142" not in body.replace("(602) 555-0142 ext", "")
        assert render(texts[f"text_{language}"], values(5, language), person, language).count("?") == 1


def test_free_words_hold_no_number_no_template_and_no_end() -> None:
    assert free_words(WHAT) == "She brings the Don't Ask rule to the council's public meeting, then they vote. Call x"
    assert free_words("By 2026-12-04.") == "By 2026-12-04"
    assert shortened("one two three", 9) == "one two.."


@given(st.text(max_size=4_000), st.text(max_size=300))
def test_a_mail_link_is_short_enough_and_its_lines_end_right(body: str, subject: str) -> None:
    link = mail_link("office@example.org", subject, body, "(the rest is on the page)")
    assert len(link.href) <= MOST
    assert link.href.startswith("mailto:office@example.org?subject=")
    assert not set(link.href) & set(' "<>\r\n')
    told = unquote(link.href.partition("&body=")[2])
    assert "\n" not in told.replace("\r\n", "") or "\n" in body.replace("\r\n", "\n").replace("\r", "")
    if link.is_whole:
        assert told == body.replace("\r\n", "\n").replace("\n", "\r\n")
    else:
        assert told.endswith("(the rest is on the page)")


def test_a_report_of_thousands_of_lines_is_linked_at_once() -> None:
    began = time.process_time()
    link = mail_link("office@example.org", "Report", "a\n" * 20_000, "(the rest is on the page)")
    assert (MOST - 7 <= len(link.href) <= MOST, link.is_whole) == (True, False)
    assert time.process_time() - began < 1
