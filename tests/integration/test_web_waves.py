"""Launch times, further texts and two texts tried, through the real app, on both databases."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from outreach.core.clock import PHOENIX
from outreach.core.runtime import Runtime
from outreach.escalations.drafts import edit_draft
from outreach.escalations.launch import launch_campaign, pause_campaign
from outreach.escalations.models import Campaign
from outreach.escalations.schedule import LONGEST, launch_due, schedule_launch
from outreach.messaging.models import GateText, Tally
from tests.factories import World, make_group, make_world
from tests.integration.test_launch import draft
from tests.integration.test_live import sign_in
from tests.integration.test_second_tries import later
from tests.integration.test_sending import fold_all
from tests.integration.test_waves import campaign, patient, reply, texted, waves
from tests.integration.test_web_wizard import XSS, at, hidden, launch_form

__all__ = ["patient"]

SECOND = {
    "text_b_en": "{{ group }} volunteers: will you call {{ official }}? Reply CALL or SCRIPT. Reply STOP to opt out.",
    "text_b_es": "Voluntarios de {{ group }}: llame a {{ official }}. Responda LLAMAR o GUION. ALTO para salir.",
}


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 6)


@pytest.fixture
def campaign_id(runtime: Runtime, world: World) -> int:
    return draft(runtime, world)


@pytest.fixture
def client(runtime: Runtime, world: World) -> FlaskClient:
    return sign_in(runtime, world.group_id, "organizer")


def words_of(answer: TestResponse) -> str:
    return answer.text.replace("\u202f", " ")


# A launch at a time.


def time_form(client: FlaskClient, campaign_id: int, when: datetime, count: str = "6") -> dict[str, str]:
    local = when.astimezone(PHOENIX)
    return {**launch_form(client, campaign_id, count), "day": f"{local:%Y-%m-%d}", "hour": f"{local:%H:%M}"}


def set_time(runtime: Runtime, world: World, campaign_id: int, hours: float = 21) -> datetime:
    when = runtime.clock.now() + timedelta(hours=hours)
    with runtime.db.transaction() as tx:
        schedule_launch(tx, runtime, world.group_id, campaign_id, when)
    return when


def test_a_launch_time_is_set_shown_and_undone(runtime: Runtime, client: FlaskClient, campaign_id: int) -> None:
    form = {**launch_form(client, campaign_id, "6"), "day": "2026-12-02", "hour": "09:00"}
    assert 'value="2026-12-02"' in client.get(at(campaign_id, "review")).text  # nine on the group's next day
    for _ in range(2):
        answer = client.post(at(campaign_id, "schedule"), data=form)
        assert (answer.status_code, answer.location) == (303, f"/campaigns/{campaign_id}")
    kept = campaign(runtime, campaign_id)
    assert (kept.state, kept.launch_at) == ("scheduled", datetime(2026, 12, 2, 16, tzinfo=UTC))
    for page in (f"/campaigns/{campaign_id}", f"/campaigns/{campaign_id}/live", "/", "/campaigns/"):
        assert "launches Wed, Dec 2, 9:00 AM" in words_of(client.get(page)), page
    assert "se lanza: mié, 2 dic" in client.get("/", headers={"Accept-Language": "es"}).text
    for page in (f"/campaigns/{campaign_id}", "/"):
        assert f'action="/campaigns/{campaign_id}/unschedule"' in client.get(page).text, page
    for page in ("", "about", "audience", "text", "review"):
        assert client.get(at(campaign_id, page)).location == f"/campaigns/{campaign_id}", page
    for _ in range(2):
        assert client.post(f"/campaigns/{campaign_id}/unschedule").status_code == 303
    assert (campaign(runtime, campaign_id).state, campaign(runtime, campaign_id).launch_at) == ("draft", None)
    told = client.get(at(campaign_id)).text
    assert "It is a draft again" in told
    assert "does not wait for a launch time any more" in told


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"count": "5"}, "You typed 5, but 6 people"),
        ({"count": ""}, "Type the number of people"),
        ({"day": ""}, "Choose a day"),
        ({"day": "soon"}, "Choose a day"),
        ({"hour": "25:00"}, "Choose a time of day"),
        ({"day": "2026-12-01", "hour": "11:59"}, "has passed"),
        ({"day": "0001-01-01"}, "has passed"),
        ({"day": "9999-12-31", "hour": "23:59"}, "within 60 days"),
        ({"version": "stale"}, "changed this draft"),
    ],
)
def test_a_launch_time_that_cannot_be_is_refused_in_words(
    runtime: Runtime, client: FlaskClient, campaign_id: int, wrong: dict[str, str], told: str
) -> None:
    form = time_form(client, campaign_id, runtime.clock.now() + timedelta(hours=3))
    answer = client.post(at(campaign_id, "schedule"), data={**form, **wrong})
    assert answer.status_code == 422
    assert told in answer.text
    assert '<details class="mt-4" id="later" open' in answer.text
    assert campaign(runtime, campaign_id).state == "draft"


def test_midnight_is_a_time_too_and_the_last_day_counts(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    for when in (runtime.clock.now() + timedelta(hours=12), runtime.clock.now() + LONGEST - timedelta(hours=1)):
        form = {**time_form(client, campaign_id, when), "hour": "00:00"}
        assert client.post(at(campaign_id, "schedule"), data=form).status_code == 303
        assert client.post(f"/campaigns/{campaign_id}/unschedule").status_code == 303


def test_a_text_with_something_to_mend_gets_no_launch_time(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    form = time_form(client, campaign_id, runtime.clock.now() + timedelta(hours=3))
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_b_en="ACLU staff here", text_b_es="y")
    version = hidden(client.get(at(campaign_id, "text")).text)
    assert version
    stale = client.post(at(campaign_id, "schedule"), data=form)
    assert "changed this draft" in stale.text
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, text_b_en=None, text_b_es=None, text_en="ACLU staff here")
    assert "cannot be launched yet" in client.get(at(campaign_id, "review")).text
    assert campaign(runtime, campaign_id).state == "draft"


def test_who_edits_or_launches_what_has_a_time_is_told(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    by_hand, edited = launch_form(client, campaign_id, "6"), hidden(client.get(at(campaign_id, "audience")).text)
    set_time(runtime, world, campaign_id)
    assert client.post(at(campaign_id, "launch"), data=by_hand).status_code == 303
    assert campaign(runtime, campaign_id).state == "scheduled"
    assert "has its launch time already" in client.get(f"/campaigns/{campaign_id}").text
    form = {"version": edited, "lists": [str(world.list_id)]}
    refused = client.post(at(campaign_id, "audience"), data=form)
    assert refused.status_code == 409
    assert "waits for its launch time" in refused.text


def test_a_launch_by_hand_and_a_launch_time_at_once_leave_one(runtime: Runtime, world: World, campaign_id: int) -> None:
    clients = [sign_in(runtime, world.group_id) for _ in range(2)]
    form = time_form(clients[0], campaign_id, runtime.clock.now() + timedelta(hours=3))
    barrier, codes = threading.Barrier(2), []

    def press(index: int, page: str) -> None:
        barrier.wait()
        codes.append(clients[index].post(at(campaign_id, page), data=form).status_code)

    racers = [threading.Thread(target=press, args=pressed) for pressed in enumerate(("launch", "schedule"))]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert codes == [303, 303]
    state = campaign(runtime, campaign_id).state
    assert (state, len(waves(runtime, campaign_id))) in {("launched", 1), ("scheduled", 0)}
    assert launch_due(later(runtime, hours=4)) == (state == "scheduled")
    assert len(waves(runtime, campaign_id)) == 1


def test_why_it_did_not_launch_is_told_on_the_draft_and_at_home(
    runtime: Runtime, world: World, campaign_id: int
) -> None:
    client = sign_in(runtime, world.group_id)
    set_time(runtime, world, campaign_id, 1)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).values(text_es="Hola sin nada", name=XSS))
    assert launch_due(later(runtime, hours=2)) == 0
    for page in (at(campaign_id), at(campaign_id, "review")):
        shown = client.get(page).text
        assert "It could not launch at its time" in shown
        assert "a text does not name your group." in shown
        assert "text_without_group" not in shown
    assert "no nombra a su grupo" in client.get(at(campaign_id), headers={"Accept-Language": "es"}).text
    home = client.get("/").text
    assert "Could not launch at its time: &lt;script&gt;" in home
    staff = sign_in(runtime, world.group_id, "staff")
    assert "a text does not name your group." in staff.get(f"/campaigns/{campaign_id}").text


# A further text.


def again(campaign_id: int, page: str = "") -> str:
    return f"/campaigns/{campaign_id}/again/{page}"


def wave_form(client: FlaskClient, campaign_id: int, who: str, count: str) -> dict[str, str]:
    page = client.get(again(campaign_id), query_string={"who": who}).text
    texts = dict(re.findall(r'<textarea[^>]* name="(text_e[ns])"[^>]*>\s*([^<]*)</textarea>', page))
    assert set(texts) == {"text_en", "text_es"}
    return {**texts, "who": hidden(page, "who"), "number": hidden(page, "number"), "count": count}


@pytest.fixture
def answered(runtime: Runtime, world: World, campaign_id: int) -> Runtime:
    """The first text reached six people; one has left a voicemail, one wants no more. It is the next day."""
    texted(runtime, world, campaign_id)
    reply(runtime, 0, "Left a voicemail")
    reply(runtime, 1, "STOP")
    return later(runtime, days=1, minutes=5)


def test_the_page_counts_who_is_silent_and_who_has_answered(answered: Runtime, world: World, campaign_id: int) -> None:
    client = sign_in(answered, world.group_id, "organizer")
    assert again(campaign_id) in client.get(f"/campaigns/{campaign_id}/levers").text
    page = client.get(again(campaign_id)).text
    assert dict(re.findall(r'id="who-(\w+)">(\d+)<', page)) == {"silent": "4", "replied": "1"}
    assert "Nothing to mend." in page
    figures = dict(re.findall(r'<dd class="figure[^"]*" id="(\w+)">([^<]+)</dd>', page))
    assert figures == {"people": "4", "parts": "8", "cost": "$0.09"}
    assert "Thank you for answering" in client.get(again(campaign_id) + "?who=replied").text
    form = wave_form(client, campaign_id, "silent", "")
    shown = client.post(again(campaign_id), data={**form, "text_en": f"“{XSS}”", "action": "preview"})
    assert shown.status_code == 200
    assert XSS not in shown.text
    assert "Introduce the group as volunteers" in shown.text
    plain = client.post(again(campaign_id), data={**form, "text_en": "“a”", "action": "plain-text_en"}).text
    assert "&#34;a&#34;</textarea>" in plain
    assert 'id="people">4<' in client.post(again(campaign_id, "cost"), data=form).text
    assert len(waves(answered, campaign_id)) == 1, "looking sends nothing"


def test_a_reminder_is_launched_once_however_often_it_is_pressed(
    answered: Runtime, world: World, campaign_id: int
) -> None:
    client = sign_in(answered, world.group_id)
    form = wave_form(client, campaign_id, "silent", "4")
    for _ in range(3):  # twice at once, and once more by the back button
        answer = client.post(again(campaign_id, "launch"), data=form)
        assert (answer.status_code, answer.location) == (303, f"/campaigns/{campaign_id}")
    assert [wave.number for wave in waves(answered, campaign_id)] == [1, 2]
    assert waves(answered, campaign_id)[1].audience["who"] == "silent"
    page = client.get(f"/campaigns/{campaign_id}").text
    assert "Meanwhile these people were texted again" in page
    assert re.findall(r'id="wave-(\d)".*?<td>([^<]+)</td>', page) == [
        ("1", "everybody in the audience"), ("2", "who had not answered"),
    ]  # fmt: skip
    assert "volunteers again" in page
    refused = client.get(again(campaign_id)).text
    assert "less than 24 hours ago" in refused
    assert "<textarea" not in refused
    days_later = sign_in(later(answered, days=2), world.group_id)
    assert days_later.post(again(campaign_id, "launch"), data=form).status_code == 303
    assert len(waves(answered, campaign_id)) == 2, "an old form is not sent as another text"


def test_of_presses_at_the_same_moment_one_texts(answered: Runtime, world: World, campaign_id: int) -> None:
    clients = [sign_in(answered, world.group_id) for _ in range(4)]
    form = wave_form(clients[0], campaign_id, "silent", "4")
    barrier, codes = threading.Barrier(4), []

    def press(index: int) -> None:
        barrier.wait()
        codes.append(clients[index].post(again(campaign_id, "launch"), data=form).status_code)

    racers = [threading.Thread(target=press, args=(index,)) for index in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert codes == [303] * 4
    assert len(waves(answered, campaign_id)) == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"count": "6"}, "You typed 6, but 4 people"),
        ({"count": "four"}, "in digits"),
        ({"count": ""}, "Type the number of people"),
        ({"text_en": ""}, "Write a text"),
        ({"text_en": "{{ nickname }}"}, "no merge field nickname"),
        ({"text_en": "Call today!"}, "something to mend"),
        ({"who": "everybody", "count": "1"}, "but 4 people"),
        ({"who": "replied"}, "but 1 people"),
    ],
)
def test_a_further_text_that_is_not_right_is_refused_and_kept(
    answered: Runtime, world: World, campaign_id: int, wrong: dict[str, str], told: str
) -> None:
    client = sign_in(answered, world.group_id, "organizer")
    form = {**wave_form(client, campaign_id, "silent", "4"), "text_es": "Hola, estas son mis palabras"}
    if "text_en" not in wrong:
        form["text_es"] = wave_form(client, campaign_id, "silent", "4")["text_es"]
    answer = client.post(again(campaign_id, "launch"), data={**form, **wrong})
    assert answer.status_code == 422
    assert told in answer.text
    assert form["text_es"] in answer.text
    assert len(waves(answered, campaign_id)) == 1


def test_a_paused_campaign_is_resumed_before_people_are_texted_again(
    answered: Runtime, world: World, campaign_id: int
) -> None:
    client = sign_in(answered, world.group_id, "organizer")
    form = wave_form(client, campaign_id, "silent", "4")
    with answered.db.transaction() as tx:
        pause_campaign(tx, world.group_id, campaign_id)
    assert "Resume it, or cancel it" in client.get(again(campaign_id)).text
    assert client.post(again(campaign_id, "launch"), data=form).status_code == 422
    assert len(waves(answered, campaign_id)) == 1


def test_roles_and_groups(runtime: Runtime, world: World, campaign_id: int) -> None:
    unsent = [again(campaign_id), again(campaign_id, "launch")]
    organizer = sign_in(runtime, world.group_id)
    assert [organizer.get(unsent[0]).status_code, organizer.post(unsent[1]).status_code] == [404, 404], "a draft"
    when = set_time(runtime, world, campaign_id)
    stranger = sign_in(runtime, make_group(runtime, "Others"))
    staff = sign_in(runtime, world.group_id, "staff")
    posts = [
        at(campaign_id, "schedule"), f"/campaigns/{campaign_id}/unschedule", again(campaign_id),
        again(campaign_id, "launch"), again(campaign_id, "preview"), again(campaign_id, "cost"),
    ]  # fmt: skip
    for url in posts:
        assert stranger.post(url).status_code == 404, url
        assert staff.post(url).status_code == 403, url
    assert stranger.get(again(campaign_id)).status_code == 404
    assert staff.get(again(campaign_id)).status_code == 403
    for page in (f"/campaigns/{campaign_id}", "/"):
        shown = staff.get(page).text
        assert "launches" in shown
        assert "unschedule" not in shown
        assert "unschedule" not in stranger.get("/").text
    assert campaign(runtime, campaign_id).launch_at == when


# Two texts.


def text_form(client: FlaskClient, campaign_id: int, **more: str) -> dict[str, str]:
    page = client.get(at(campaign_id, "text")).text
    return {"version": hidden(page), **more}


def test_a_second_text_is_written_checked_and_taken_away(
    runtime: Runtime, client: FlaskClient, world: World, campaign_id: int
) -> None:
    page = client.get(at(campaign_id, "text")).text
    assert '<details class="mb-3" id="second">' in page
    assert 'id="preview-text_b_en"></div>' in page
    one = client.post(at(campaign_id, "text"), data=text_form(client, campaign_id, text_b_en=SECOND["text_b_en"]))
    assert one.status_code == 422
    assert "Write the second text in both languages" in one.text
    assert '<details class="mb-3" id="second" open>' in one.text
    seen = client.post(at(campaign_id, "text/preview"), data={**SECOND, "text_en": "x", "text_es": "y"}).text
    assert "Testers volunteers: will you call" in seen
    saved = client.post(at(campaign_id, "text"), data=text_form(client, campaign_id, **SECOND))
    assert saved.status_code == 303
    kept = campaign(runtime, campaign_id)
    assert {name: getattr(kept, name) for name in SECOND} == SECOND
    review = client.get(at(campaign_id, "review")).text
    assert "half of the people get the first" in review
    assert "Second text, English" in review
    assert "Testers volunteers: will you call Police chief Dana Whitfield?" in review
    assert re.search(r'id="parts">(<span class="about">about</span> )?(9|1[0-2]|6)<', review)
    bad = {**SECOND, "text_b_en": "ACLU staff here"}
    assert client.post(at(campaign_id, "text"), data=text_form(client, campaign_id, **bad)).status_code == 303
    refused = client.post(at(campaign_id, "launch"), data=launch_form_of(runtime, client, campaign_id))
    assert refused.status_code == 422
    assert "something to mend" in refused.text
    gone = client.post(at(campaign_id, "text"), data=text_form(client, campaign_id, **bad, action="one"))
    assert (gone.status_code, gone.location) == (303, at(campaign_id, "text"))
    kept = campaign(runtime, campaign_id)
    assert (kept.text_b_en, kept.text_b_es) == (None, None)
    assert "half of the people" not in client.get(at(campaign_id, "review")).text


def launch_form_of(runtime: Runtime, client: FlaskClient, campaign_id: int) -> dict[str, str]:
    """The review's test form has the version also while nothing can be launched."""
    return {"version": hidden(client.get(at(campaign_id, "review")).text), "count": "6"}


def test_each_text_has_its_row_and_one_sentence_says_which_is_better(runtime: Runtime) -> None:
    world = make_world(runtime, 12)
    campaign_id = draft(runtime, world)
    client = sign_in(runtime, world.group_id, "organizer")
    assert "Two texts, tried" not in client.get(f"/campaigns/{campaign_id}/live").text
    with runtime.db.transaction() as tx:
        edit_draft(tx, world.group_id, campaign_id, **SECOND)
    texted(runtime, world, campaign_id)
    fold_all(runtime)
    page = f"/campaigns/{campaign_id}/live"
    assert "too early to tell" in client.get(page).text
    gate = waves(runtime, campaign_id)[0].gate_id
    with runtime.db.transaction() as tx:
        tx.execute(update(Tally).where(Tally.name.in_(["a:accepted", "b:accepted"])).values(count=500))
        tx.add_all([Tally(gate_id=gate, name=f"{one}:report:spoke", count=n) for one, n in (("a", 20), ("b", 60))])
        tx.add(Tally(gate_id=gate, name="b:opted_out", count=5))
        texts = tx.execute(select(func.count()).select_from(GateText)).scalar_one()
    shown = client.get(page).text
    rows = {
        one: re.sub(r"<[^>]+>|\s+", " ", row).split()
        for one, row in re.findall(r'id="variant-(\w)">(.*?)</tr>', shown, re.DOTALL)
    }
    assert rows["a"] == ["first", "text", "500", "0", "0%", "0", "0%", "20", "4%", "0", "0%"]
    assert rows["b"] == ["second", "text", "500", "0", "0%", "0", "0%", "60", "12%", "5", "1%"]
    assert "The second text brings more calls" in shown
    assert "El segundo texto trae más llamadas" in client.get(page, headers={"Accept-Language": "es"}).text
    assert texts >= 4
    assert shown.count("will you call {{ official }}?") == 1  # what it says stands on the page


def test_a_launch_by_hand_of_a_draft_without_a_second_text_shows_none(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        launch_campaign(tx, runtime, world.group_id, campaign_id)
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{campaign_id}").text
    assert "Two texts, tried" not in page
    assert 'id="wave-1"' in page
