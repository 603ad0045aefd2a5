"""Why a campaign stands still, shares, and times on the group's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_babel import force_locale

from config import table
from outreach.core.errors import halt_sentence
from outreach.web import i18n
from outreach.web.campaign_words import HALTS, is_halt, moment, percent, to_the_second, why_paused

MORNING = datetime(2026, 12, 1, 17, 0, 44, tzinfo=UTC)  # 10:00:44 in Phoenix


@pytest.fixture
def spoken() -> Iterator[None]:
    app = Flask("outreach.web")
    app.secret_key = "words"
    i18n.set_up_languages(app)
    with app.test_request_context():
        yield


@pytest.mark.usefixtures("spoken")
def test_the_page_says_what_the_command_line_says() -> None:
    with force_locale("en"):
        assert {f"halted_{code}": str(words) for code, words in HALTS.items()} == table("errors")["halts"]
        for reason in ("carrier:20003", "carrier:unclear", "settings:keys", "carrier:21610", "carrier:99999"):
            assert why_paused(reason) == halt_sentence(reason)


@pytest.mark.usefixtures("spoken")
def test_every_halt_has_its_own_spanish_and_keeps_the_code() -> None:
    with force_locale("en"):
        english = {code: why_paused(f"carrier:{code}") for code in [*HALTS, "21610"]}
    with force_locale("es"):
        spanish = {code: why_paused(f"carrier:{code}") for code in english}
    assert all(spanish[code] != english[code] for code in english)
    assert all(words.startswith("La campaña se detuvo: ") for words in spanish.values())
    assert "21610" in spanish["21610"]
    assert len(set(spanish.values())) == len(spanish)


@pytest.mark.usefixtures("spoken")
@pytest.mark.parametrize("reason", ["organizer", "", None])
def test_a_person_who_paused_is_no_halt(reason: str | None) -> None:
    assert not is_halt(reason)
    with force_locale("en"):
        assert why_paused(reason).startswith("Somebody in your group paused it.")


@pytest.mark.usefixtures("spoken")
@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0%"), (1e-9, "under 1%"), (0.01, "1%"), (0.5, "50%"), (0.999999, "over 99%"), (1.0, "100%")],
)
def test_little_never_reads_as_nothing_nor_much_as_all(share: float, words: str) -> None:
    with force_locale("en"):
        assert percent(share) == words


@pytest.mark.usefixtures("spoken")
def test_times_are_those_of_phoenix_and_tell_another_day() -> None:
    later = datetime(2026, 12, 2, 16, 0, tzinfo=UTC)
    with force_locale("en"):
        assert to_the_second(MORNING).replace("\u202f", " ") == "10:00:44 AM"
        assert moment(MORNING, MORNING).replace("\u202f", " ") == "10:00 AM"
        assert moment(later, MORNING).replace("\u202f", " ") == "Dec 2, 9:00 AM"
    with force_locale("es"):
        assert moment(later, MORNING) == "2 dic, 9:00"
