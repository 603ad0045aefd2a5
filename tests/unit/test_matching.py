"""Which campaign a text is about: one or none, the running one that texted last, and for reports the one that asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from outreach.messaging.follow_up_models import ASK, FOLLOW_UPS, PLEDGE
from outreach.messaging.matching import ASKING, BELONGS, OF_NO_CAMPAIGN, Texted, match, variant_of

NOW = datetime(2026, 12, 1, 19, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def texted(gate: int, ago: timedelta, kind: str = "campaign", state: str = "open") -> Texted:
    return Texted(gate % 3, gate, NOW - ago, kind, "b" if kind == "campaign" else None, state, "calls")


def test_nobody_texted_is_about_nothing() -> None:
    assert match([], NOW) == (None, None)


def test_what_somebody_wants_is_about_the_running_campaign_that_texted_last() -> None:
    texts = [texted(1, HOUR, state="closed"), texted(2, DAY, state="paused"), texted(3, 2 * DAY)]
    found = match(texts, NOW)
    assert found.about == texts[1]
    assert match(texts[:1], NOW).about == texts[0], "late, but lately: it still counts for the one that ended"


def test_after_a_long_silence_a_text_is_about_nothing() -> None:
    assert match([texted(1, 31 * DAY), texted(2, 8 * DAY, state="closed")], NOW) == (None, None)
    assert match([texted(1, 29 * DAY)], NOW).about is not None
    assert match([texted(1, 3 * DAY)], NOW).asker is None


def test_a_report_is_for_the_campaign_that_asked_and_not_for_the_last_text() -> None:
    texts = [texted(2, HOUR), texted(1, 2 * HOUR, "script"), texted(1, DAY)]
    found = match(texts, NOW)
    assert (found.about, found.asker) == (texts[0], texts[1])
    later = [texted(1, timedelta(0), ASK), *texts]
    assert match(later, NOW).about == match(later, NOW).asker == later[0]


def test_a_question_about_old_consent_is_no_campaign() -> None:
    assert match([texted(5, HOUR, "reconfirm")], NOW) == (None, None)
    assert match([texted(5, HOUR, "reconfirm"), texted(1, DAY)], NOW).about == texted(1, DAY)


def test_the_text_that_is_tried_is_told_by_the_campaigns_own() -> None:
    texts = [texted(2, HOUR), texted(1, HOUR, PLEDGE), texted(1, DAY)]
    assert (variant_of(texts, 1), variant_of(texts, 2), variant_of(texts, 3)) == ("b", "b", None)


TEXTS = st.lists(
    st.builds(
        texted, st.integers(1, 4), st.timedeltas(timedelta(0), 60 * DAY), st.sampled_from(BELONGS),
        st.sampled_from(["open", "paused", "closed"]),
    ),
    max_size=8,
).map(lambda texts: sorted(texts, key=lambda one: one.posted_at, reverse=True))  # fmt: skip


@given(TEXTS)
def test_whatever_was_sent_there_is_one_answer_and_it_is_among_our_texts(texts: list[Texted]) -> None:
    about, asker = match(texts, NOW)
    for one in (about, asker):
        assert one is None or (one in texts and one.kind not in OF_NO_CAMPAIGN)
    running = [
        one
        for one in texts
        if one.kind not in OF_NO_CAMPAIGN and one.state != "closed" and NOW - one.posted_at <= 30 * DAY
    ]
    if running:
        assert about == running[0]
    asked = [one for one in texts if one.kind in ASKING and NOW - one.posted_at <= 48 * HOUR]
    if asked:
        assert asker == asked[0]
    elif asker is not None:
        assert asker == about
    assert set(FOLLOW_UPS) <= ASKING
