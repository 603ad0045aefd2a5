"""What the lint finds and lets pass, the plain characters it offers, previews, and the forecast. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import table
from outreach.core.plain import Odd, odd_characters, plain_template, plain_text
from outreach.core.segments import measure
from outreach.escalations.audience import Cohort
from outreach.escalations.forecast import finish_time, forecast
from outreach.escalations.lint import Finding, Where, lint, reading_ease_es, reading_grade_en
from outreach.escalations.preview import PARTS, SAMPLES, preview, stops
from outreach.messaging.render import render

NOON_TUESDAY = datetime(2026, 12, 1, 19, 0, tzinfo=UTC)  # noon in Phoenix
VALUES = {
    language: {
        "group": "Vecinos Unidos",
        "official": "Police chief Dana Whitfield",
        "role": "Police chief",
        "policy": policy,
        "office_phone": "(602) 555-0142",
    }
    for language, policy in (("en", "Don't Ask Rule"), ("es", "Regla de no preguntar"))
}
GOOD = {
    "en": "Hi Ana, this is Vecinos Unidos, volunteers. Chief Whitfield said no. Reply CALL or SCRIPT. "
    "Reply STOP to opt out.",
    "es": "Hola Ana, somos Vecinos Unidos, voluntarios. Whitfield dijo que no. Responda LLAMAR. "
    "ALTO para no recibir textos.",
}


def found(body: str, language: str = "en", where: Where = "text") -> dict[str, Finding]:
    return {finding.code: finding for finding in lint(body, where, language, VALUES[language])}


def test_a_good_text_has_nothing_to_mend() -> None:
    assert {language: found(body, language) for language, body in GOOD.items()} == {"en": {}, "es": {}}


def test_every_rule_says_why_in_both_languages_and_can_be_broken() -> None:
    rules = table("lint")["rules"]
    assert {language for rule in rules for language in rule["reason"]} == {"en", "es"}
    assert all(all(rule["reason"].values()) and rule["severity"] in {"error", "warning"} for rule in rules)
    hard = "Notwithstanding intergovernmental characterizations, apparently, ACLU staff categorize illegals"
    broken = {*found(f"{hard} {hard} {hard} {hard} {hard}"), *found("Say it.", where="script")}
    broken |= {*found(f"{hard} " * 8, where="spoken"), *found(f"{hard} " * 20, where="spoken")}
    broken |= {one.code for one in lint("Reply CALL.", "text", "en", VALUES["en"], "town_hall")}
    assert broken == {rule["code"] for rule in rules}
    assert not {"call_word", "event_day"} & found("Reply CALL.").keys(), "where people call, CALL is the word"


@pytest.mark.parametrize(
    ("language", "old", "new", "code"),
    [
        ("en", "Vecinos Unidos", "a group", "group_named"),
        ("en", "volunteers", "friends", "volunteers"),
        ("es", "voluntarios", "amigos", "volunteers"),
        ("en", "volunteers", "volunteers and ACLU staff", "not_staff"),
        ("en", "volunteers", "volunteers who work for the ACLU", "not_staff"),
        ("es", "voluntarios", "voluntarios y personal de la ACLU", "not_staff"),
        ("es", "voluntarios", "voluntarios. Hablamos en nombre de la ACLU", "not_staff"),
        ("en", "said no", "spoke of illegal aliens", "people_not_illegal"),
        ("en", "said no", "spoke of ILLEGALS", "people_not_illegal"),
        ("en", "said no", "spoke of illegal  immigrants", "people_not_illegal"),
        ("en", "said no", "called her an illegal", "people_not_illegal"),
        ("en", "said no", "spoke of a\u200blien\u200bs", "people_not_illegal"),
        ("es", "dijo que no", "habla de los ilegales", "people_not_illegal"),
        ("es", "dijo que no", "habla de inmigrantes ilegales", "people_not_illegal"),
        ("es", "dijo que no", "habla de MIGRACIÓN ilegal", "people_not_illegal"),
        ("en", "Whitfield", "of police", "official_named"),
        ("en", " Reply STOP to opt out.", " Stop this bill!", "opt_out"),
        ("es", " ALTO para no recibir textos.", " Alto a las redadas.", "opt_out"),
        ("en", "Reply CALL or SCRIPT. ", "Please call the office. ", "action"),
        ("es", "Responda LLAMAR. ", "Por favor llame. ", "action"),
        ("en", "said no", "said no, we heard", "second_hand"),
        ("en", "said no", "said no: a neighbor told us", "second_hand"),
        ("en", "said no", "reportedly said no", "second_hand"),
        ("es", "dijo que no", "dijo que no, nos contaron", "second_hand"),
        ("es", "dijo que no", "al parecer dijo que no", "second_hand"),
    ],
)
def test_what_is_found(language: str, old: str, new: str, code: str) -> None:
    assert old in GOOD[language]
    assert set(found(GOOD[language].replace(old, new), language)) == {code}


@pytest.mark.parametrize(
    ("language", "old", "new"),
    [
        ("en", "said no", "spoke of illegal arrests and an illegal search"),
        ("en", "said no", "spoke of alienation"),
        ("es", "dijo que no", "habla de arrestos ilegales"),
        ("en", "volunteers", "volunteers, not ACLU staff"),
        ("es", "voluntarios", "voluntarios, no somos personal de la ACLU"),
        ("en", "Reply STOP to opt out.", "Text STOP to end."),
        ("es", "ALTO para no recibir textos.", "Escriba ALTO para salir."),
        ("en", "Chief Whitfield", "POLICE CHIEF DANA WHITFIELD"),
        ("en", "Reply CALL or SCRIPT", "Text us CALL today"),
        ("es", "Responda LLAMAR", "Conteste GUIÓN"),
    ],
)
def test_what_may_stand(language: str, old: str, new: str) -> None:
    assert old in GOOD[language]
    assert found(GOOD[language].replace(old, new), language) == {}


def test_an_officials_name_counts_without_accents_and_suffix() -> None:
    values = {**VALUES["es"], "official": "Alcaldesa María Nuñez Jr."}
    body = GOOD["es"].replace("Whitfield", "Nunez")
    assert lint(body, "text", "es", values) == ()
    assert [one.code for one in lint(body.replace("Nunez", "ella"), "text", "es", values)] == ["official_named"]


@pytest.mark.parametrize(("char", "limit"), [("a", 306), ("ó", 201)])
def test_length_is_two_parts_in_gsm_and_three_in_ucs(char: str, limit: int) -> None:
    short = "Vecinos Unidos volunteers. Whitfield. Reply CALL. Reply STOP."
    fits, long = (short + char * (size - len(short)) for size in (limit, limit + 1))
    assert "length" not in found(fits)
    assert found(long)["length"].severity == "error"


def test_reading_levels_rank_easy_before_hard() -> None:
    easy, hard = "The dog ran. We saw it. It is big.", "Institutional accountability necessitates transparency."
    assert reading_grade_en(easy) < 3
    assert reading_grade_en(hard) > 12
    facil, dificil = "El sol sale. Yo lo veo. Es bueno.", "La responsabilidad institucional exige transparencia."
    assert reading_ease_es(dificil) < 30
    assert reading_ease_es(facil) > 90
    assert (reading_grade_en(""), reading_ease_es("")) == (0.0, 100.0)


@given(st.text(max_size=300), st.sampled_from(["en", "es"]), st.sampled_from(["text", "script"]))
def test_no_text_breaks_the_lint(body: str, language: str, where: Where) -> None:
    assert {finding.severity for finding in lint(body, where, language, VALUES[language])} <= {"error", "warning"}


@pytest.mark.parametrize("outcome", ["declined", "evaded", "no_meeting", "unreasonable_conditions"])
@pytest.mark.parametrize("policy", table("policies")["policies"], ids=lambda policy: str(policy["number"]))
def test_the_drafts_of_meetings_pass_once_their_characters_are_plain(outcome: str, policy: dict[str, object]) -> None:
    calls = table("message_templates/calls")
    names: dict[str, str] = policy["name"]  # type: ignore[assignment]  # a table of the file
    values = {language: {**VALUES[language], "policy": names[language]} for language in VALUES}
    templates = {f"{kind}_{lang}": calls[key][lang] for lang in VALUES for kind, key in
                 (("text", outcome), ("script", "script"))}  # fmt: skip
    plain = {field: plain_template(template, values[field[-2:]]) for field, template in templates.items()}
    assert stops(preview(plain, values)) == 0
    assert [one.code for part in preview(templates, values) for one in part.findings] in ([], ["length"])
    assert [one.cost.encoding for one in preview(plain, values)] == ["GSM-7"] * 4


def test_odd_characters_and_what_stands_for_them() -> None:
    assert odd_characters("“Sí”, dice María… €5 ñ é ok 👍") == (
        Odd("“", '"'), Odd("í", "i"), Odd("”", '"'), Odd("…", "..."), Odd("👍", None),
    )  # fmt: skip
    assert plain_text("“Sí”, dice Mari\u0301a… €5 ñ é ok 👍") == '"Si", dice Maria... €5 ñ é ok 👍'


@given(st.text(max_size=80))
def test_plain_text_leaves_only_what_has_no_plain_form(text: str) -> None:
    plain = plain_text(text)
    assert all(odd.plain is None for odd in odd_characters(plain))
    assert plain_text(plain) == plain


def test_a_field_with_an_accent_for_everybody_gives_way_and_a_persons_does_not() -> None:
    values = {"policy": "Regla de no facilitación", "group": "Unidos"}
    template = "Hola {{ first_name }}, {{group}} pide la {{ policy }} — ya"
    assert plain_template(template, values) == "Hola {{ first_name }}, {{group}} pide la Regla de no facilitacion - ya"


def test_a_preview_shows_the_person_the_cost_and_what_plain_would_cost() -> None:
    templates = {field: GOOD[language] + " {{ first_name }} ó" for field, _, language in PARTS}
    shown = {one.field: one for one in preview(templates, VALUES)}
    text = shown["text_en"]
    assert text.body is not None
    assert text.body.endswith("Ana ó")
    assert (text.cost.encoding, text.plain and text.plain.encoding) == ("UCS-2", "GSM-7")
    assert text.odd == (Odd("ó", "o"),)
    assert preview(templates, VALUES, "unknown")[0].body != text.body
    assert all(set(person) <= {"first_name", "city", "zip"} for person in SAMPLES.values())


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("", "text_empty"),
        ("   ", "text_empty"),
        ("Hi {{ nickname }}", "template_field_unknown"),
        ("Hi {{ first_name", "template_syntax"),
        ("Hi {{ 9 ** 9 ** 9 }}", "template_only_fields"),
        ("{% for a in range(9) %}x{% endfor %}", "template_only_fields"),
        ("{# note #}", "text_empty"),
        ("x" * 1601, "text_too_long"),
        ("{{ group }}" * 130, "text_too_long"),
    ],
)
def test_a_template_that_cannot_be_used_says_why(template: str, code: str) -> None:
    templates = {**{field: GOOD[language] for field, _, language in PARTS}, "text_en": template}
    shown = preview(templates, VALUES)
    assert shown[0].body is None
    assert shown[0].error is not None
    assert shown[0].error.code == code
    assert stops(shown) >= 1
    assert shown[1].stops == 0


PHOENIX, NEW_YORK = "America/Phoenix", "America/New_York"


def test_a_forecast_counts_parts_cost_and_time() -> None:
    cohorts = [Cohort(PHOENIX, "en", 30), Cohort(PHOENIX, "es", 10)]
    templates = {"en": "{{ first_name }}" + "x" * 155, "es": "x"}
    people: dict[str, list[dict[str, str]]] = {
        "en": [{"first_name": "Al"}] * 15 + [{"first_name": "Josephine"}] * 15,
        "es": [{}] * 3,
    }
    seen = forecast(cohorts, templates, VALUES, people, NOON_TUESDAY, per_second=10)
    assert (seen.people, seen.parts, seen.exact) == (40, 15 + 30 + 10, False)
    assert seen.cost == pytest.approx(55 * table("forecast")["price_per_part"])
    assert seen.finish_at == NOON_TUESDAY + timedelta(seconds=55 / table("forecast")["parts_per_second"])
    assert measure(render(templates["en"], VALUES["en"], {"first_name": "Josephine"}, "en")).segments == 2
    assert forecast([], templates, VALUES, {}, NOON_TUESDAY, per_second=10).parts == 0


def test_the_finish_waits_for_everybodys_hours() -> None:
    late = NOON_TUESDAY.replace(hour=1) + timedelta(days=1)  # 6 p.m. in Phoenix, 8 p.m. in New York
    morning = late.replace(hour=14)
    assert finish_time([Cohort(PHOENIX, "en", 600)], late, 10) == late + timedelta(minutes=1)
    assert finish_time([Cohort(PHOENIX, "en", 600), Cohort(NEW_YORK, "en", 600)], late, 10) == (
        morning + timedelta(minutes=1)
    )
    # 110 minutes are left in Phoenix; the last ten of those hours' people go the next morning at nine.
    many = 110 * 60 * 10 + 100
    assert finish_time([Cohort(PHOENIX, "en", many)], late, 10) == late.replace(hour=16) + timedelta(seconds=10)


def in_minutes(minutes: int) -> datetime:
    return NOON_TUESDAY + timedelta(minutes=minutes)


@given(
    st.lists(st.builds(Cohort, st.sampled_from([PHOENIX, NEW_YORK, "", "Pacific/Guam"]), st.just("en"),
                       st.integers(0, 200_000), rested_at=st.none() | st.integers(0, 9_000).map(in_minutes)),
             max_size=5),
    st.integers(0, 7 * 24 * 60),
)  # fmt: skip
def test_a_finish_is_never_sooner_than_the_rate_allows(cohorts: list[Cohort], minutes: int) -> None:
    now = NOON_TUESDAY + timedelta(minutes=minutes)
    finish = finish_time(cohorts, now, 10)
    if "Pacific/Guam" not in {one.zones for one in cohorts if one.people}:
        assert finish is not None
    if finish is not None:
        assert finish >= now + timedelta(seconds=sum(one.people for one in cohorts) / 10) - timedelta(milliseconds=1)
