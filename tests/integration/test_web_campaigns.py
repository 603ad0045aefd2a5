"""A campaign's page: halts in words, local times, links, levers that follow the state, the phones beside it."""

from __future__ import annotations

import dataclasses
import re

import pytest
from sqlalchemy import update

from outreach.accounts.models import User
from outreach.core.runtime import Runtime
from outreach.escalations.launch import launch_campaign
from outreach.escalations.models import Campaign, Wave
from outreach.messaging.models import Gate, Message, Tally
from outreach.messaging.reports import record_status
from outreach.officials.models import Official
from outreach.tallies.campaign import campaign_tally
from outreach.web.app import create_app
from outreach.web.phones import BESIDE
from tests.factories import World, make_group, make_world, number, plan_messages, settle_everybody
from tests.integration.test_launch import draft
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_rehearsal_process import Rehearsal
from tests.integration.test_web_phones import rehearsal
from tests.integration.test_webhooks import launch, text_everybody

__all__ = ["rehearsal"]


@pytest.fixture
def world(runtime: Runtime) -> World:
    return make_world(runtime, 3)


def set_gate(runtime: Runtime, gate_id: int, state: str, reason: str | None) -> None:
    with runtime.db.transaction() as tx:
        tx.execute(update(Gate).where(Gate.id == gate_id).values(state=state, reason=reason))


@pytest.mark.parametrize(
    ("reason", "english", "spanish"),
    [
        ("organizer", "Somebody in your group paused it.", "Alguien de su grupo la puso en pausa."),
        ("carrier:21610", "our set-up is wrong (code 21610)", "nuestra configuración está mal (código 21610)"),
        ("settings:keys", "FIELD_ENCRYPTION_KEYS does not name", "no está en FIELD_ENCRYPTION_KEYS"),
        ("carrier:unclear", "did not say whether texts were taken", "no decían si los mensajes fueron recibidos"),
    ],
)
def test_a_halt_is_told_in_words_and_never_as_a_code(
    runtime: Runtime, world: World, reason: str, english: str, spanish: str
) -> None:
    wave = launch(runtime, world)
    set_gate(runtime, wave.gate_id, "paused", reason)
    client = sign_in(runtime, world.group_id)
    for suffix in ("", "/live"):
        for language, words in (("en", english), ("es", spanish)):
            page = client.get(f"/campaigns/{wave.campaign_id}{suffix}", headers={"Accept-Language": language})
            assert words in page.text
            assert reason not in page.text
    halted = ("Halted, and needs you" in client.get("/").text, "Detenida" in client.get("/").text)
    assert halted == (reason != "organizer", False)


def test_times_are_the_groups_and_the_zone_is_named_once(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{wave.campaign_id}").text.replace("\u202f", " ")
    assert re.search(r"Updated at 12:\d\d:\d\d PM", page)  # domain time began at noon in Phoenix
    assert page.count("those of Phoenix") == 1
    assert "UTC" not in page


def test_large_numbers_have_separators_everywhere(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    fold_everything(runtime)
    with runtime.db.transaction() as tx:
        tx.execute(update(Tally).where(Tally.gate_id == wave.gate_id).values(count=1_234_567))
        tx.add(Tally(gate_id=wave.gate_id, name="report:spoke", count=7_654_321))
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{wave.campaign_id}/live").text
    assert "1,234,567" in page
    assert "7,654,321" in page
    assert "8,000,000" in page  # the end of the bars' axis
    text = re.sub(r"<[^>]*>", " ", page)
    assert re.findall(r"(?<![\d,])\d{4,}", text) == []


def test_links_lead_to_the_official_the_meeting_and_the_phones(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id, "staff")
    page = client.get(f"/campaigns/{wave.campaign_id}").text
    with runtime.db.snapshot() as session:
        campaign = session.get_one(Campaign, wave.campaign_id)
        for path in (f"/officials/{campaign.official_id}", f"/meetings/{campaign.meeting_id}", "/phones/"):
            assert f'href="{path}"' in page
            assert client.get(path).status_code == 200


def test_levers_follow_the_state_and_staff_have_none(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    path = f"/campaigns/{wave.campaign_id}/levers"
    client = sign_in(runtime, world.group_id, "organizer")
    assert 'data-state="launched"' in client.get(path).text
    assert f"/campaigns/{wave.campaign_id}/pause" in client.get(path).text
    set_gate(runtime, wave.gate_id, "paused", "carrier:20003")
    answer = client.get(path).text
    assert 'data-state="paused"' in answer
    assert f"/campaigns/{wave.campaign_id}/resume" in answer
    assert "/pause" not in answer
    assert sign_in(runtime, make_group(runtime, "Others")).get(path).status_code == 404
    assert 'id="levers"' in client.get(f"/campaigns/{wave.campaign_id}").text
    with runtime.db.transaction() as tx:
        tx.execute(update(User).where(User.group_id == world.group_id).values(role="staff"))
    assert client.get(path).status_code == 403
    assert 'id="levers"' not in client.get(f"/campaigns/{wave.campaign_id}").text


def test_a_campaign_whose_texts_have_all_left_says_so_and_has_no_lever(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id)
    page = f"/campaigns/{wave.campaign_id}"
    fold_everything(runtime)
    for path in (page, "/campaigns/", "/"):
        assert "is-launched" in client.get(path).text, path
    posts = text_everybody(runtime, wave)
    assert "is-launched" in client.get(page).text, "what the carrier has not answered may still have to go"
    for index, post in enumerate(posts):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "sent", None, runtime.clock.real_now())
    fold_everything(runtime)
    for path in (page, f"{page}/live", "/campaigns/", "/"):
        assert "is-all_sent" in client.get(path).text, path
    levers = client.get(f"{page}/levers").text
    assert 'data-state="all_sent"' in levers
    assert "<form" not in levers
    with runtime.db.transaction() as tx:  # more people than the counters know of are still to come
        tx.execute(update(Wave).values(planned_at=None))
    for path in (page, f"{page}/live", "/campaigns/", "/"):
        assert "is-launched" in client.get(path).text, path


def test_a_campaign_that_was_just_launched_is_not_done(runtime: Runtime, world: World) -> None:
    """No counter is folded yet, and nobody is in one."""
    launch(runtime, world)
    assert "is-launched" in sign_in(runtime, world.group_id).get("/campaigns/").text


def test_states_in_words_that_lead_on_and_nobodys_states_folded_away(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    fold_everything(runtime)
    client = sign_in(runtime, world.group_id)
    path = f"/campaigns/{wave.campaign_id}/live"
    assert 'href="/review/"' not in client.get(path).text
    with runtime.db.transaction() as tx:
        tx.execute(update(Tally).where(Tally.gate_id == wave.gate_id, Tally.name == "planned").values(count=1))
        tx.add_all(
            [Tally(gate_id=wave.gate_id, name=name, count=1) for name in ("needs_review", "suppressed", "opted_out")]
        )
    page = client.get(path).text
    assert 'href="/review/"' in page
    for words in ("Asked to stop: they answered", "Not sent: they had opted out before"):
        assert words in page
    shown, folded = page.partition('<details id="nobody"')[::2]
    assert set(re.findall(r'id="state-(\w+)"', shown)) == {"badge", "planned", "needs_review", "suppressed"}
    assert len(re.findall(r'id="state-(\w+)"', folded)) == 8


def test_names_are_shown_and_not_executed(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    with runtime.db.transaction() as tx:
        campaign = tx.get_one(Campaign, wave.campaign_id)
        campaign.name = "<script>alert(1)</script>"
        tx.get_one(Official, campaign.official_id).name = '"><img src=x onerror=alert(2)>'
    client = sign_in(runtime, world.group_id)
    for path in ("/", "/campaigns/", f"/campaigns/{wave.campaign_id}"):
        page = client.get(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "<img" not in page


def test_the_list_says_what_is_paused_and_shows_no_other_groups(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id)
    assert "is-launched" in client.get("/campaigns/").text
    set_gate(runtime, wave.gate_id, "paused", "organizer")
    assert "is-paused" in client.get("/campaigns/").text
    others = sign_in(runtime, make_group(runtime, "Others")).get("/campaigns/").text
    assert "Dana Whitfield" not in others
    assert "There is no campaign yet" in others


def test_the_latest_phones_stand_beside_the_tally_and_lead_back(rehearsal: tuple[Rehearsal, Runtime]) -> None:
    carrier, runtime = rehearsal
    world = make_world(runtime, BESIDE + 2)
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id)
    path = f"/campaigns/{wave.campaign_id}"
    assert "No text has arrived yet" in client.get(path).text
    for index in range(BESIDE + 2):
        carrier.create(number(index), "<b>hello</b>")
    carrier.create(number(50), "of another campaign")
    carrier.settle()
    assert "No text has arrived yet" in client.get(path).text, "not of this campaign"
    ids = plan_messages(runtime, world, gate_id=wave.gate_id)
    with runtime.db.transaction() as tx:
        tx.execute(update(Message).where(Message.id.in_(ids)).values(posted_at=runtime.clock.now()))
    for page in (client.get(path).text, client.get(f"/phones/beside/{wave.campaign_id}").text):
        assert page.count('class="phone-number"') == BESIDE
        assert "&lt;b&gt;hello" in page
        assert "of another campaign" not in page
        assert f"?campaign={wave.campaign_id}" in page
    phone = client.get(f"/phones/{number(7)}?campaign={wave.campaign_id}").text
    assert f'href="{path}"' in phone
    answered = client.post(f"/phones/{number(7)}/reply?campaign={wave.campaign_id}", data={"body": "hi"})
    assert answered.location == f"/phones/{number(7)}?campaign={wave.campaign_id}"
    for odd in ("-1", "x", "9" * 5000, str(2**63)):
        assert "Back to the tally" not in client.get(f"/phones/{number(7)}?campaign={odd}").text


def test_without_a_carrier_the_tally_is_still_read(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{wave.campaign_id}")
    assert page.status_code == 200
    assert "The simulated carrier does not answer." in page.text
    assert "alert-warning" not in page.text  # said quietly
    assert 'id="recipients">3<' in page.text


def test_production_has_no_phones_beside_anything(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id)
    settle_everybody(runtime)
    production = dataclasses.replace(runtime, settings=runtime.settings.model_copy(update={"mode": "production"}))
    app = create_app(production.settings, production)
    app.config["WTF_CSRF_ENABLED"] = False
    live = app.test_client()
    cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    live.set_cookie(live.application.config["SESSION_COOKIE_NAME"], cookie.value)
    for path in ("/", f"/campaigns/{wave.campaign_id}"):
        page = live.get(path)
        assert page.status_code == 200
        assert "phone" not in page.text.replace("office phones", "")
        assert "ehears" not in page.text


def test_texted_means_the_same_all_over_the_page(runtime: Runtime, world: World) -> None:
    """What the carrier has taken: neither what it refused nor what nobody knows of."""
    wave = launch(runtime, world)
    posts = text_everybody(runtime, wave)
    for index, (post, state, error) in enumerate(zip(posts, ("delivered", "failed"), (None, 30005), strict=False)):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", state, error, runtime.clock.real_now())
    fold_everything(runtime)
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{wave.campaign_id}").text
    with runtime.db.snapshot() as session:
        taken = campaign_tally(session, world.group_id, wave.campaign_id, runtime.clock).waves[0].reached.texted
    assert taken < len(posts)
    assert f'id="texted">{taken}<' in page
    assert re.search(rf'id="wave-1">.*?<td class="number">{taken}</td>', page, re.DOTALL)
    assert f"{taken} asked" in page


def test_a_launch_that_nobody_is_planned_for_yet_says_nothing_of_no_recipients(runtime: Runtime, world: World) -> None:
    campaign_id = draft(runtime, world)
    with runtime.db.transaction() as tx:
        launch_campaign(tx, runtime, world.group_id, campaign_id)
    page = sign_in(runtime, world.group_id).get(f"/campaigns/{campaign_id}").text
    assert "The texts are being prepared." in page
    assert 'id="recipients"' not in page


def test_how_it_goes_comes_with_the_poll_and_its_form_does_not(runtime: Runtime, world: World) -> None:
    wave = launch(runtime, world)
    client = sign_in(runtime, world.group_id)
    page = f"/campaigns/{wave.campaign_id}"
    fold_everything(runtime)
    assert "0, of 0 asked" in client.get(page).text
    posts = text_everybody(runtime, wave)
    for index, post in enumerate(posts):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, runtime.clock.real_now())
    fold_everything(runtime)
    live = client.get(f"{page}/live").text
    assert '<p id="rung-figures" class="mb-1" hx-swap-oob="true">' in live
    assert f"0, of {len(posts)} asked" in live
    assert "<form" not in live, (
        "a form of the poll would be swapped under somebody's hands, and never be the same twice"
    )
    rung = client.get(f"{page}/rung").text
    key = re.search(r'id="rung" data-state="([^"]+)"', rung)
    assert key is not None
    assert f'data-rung="{key[1]}"' in live
    assert "Draft the next step" in rung
    assert client.post(f"{page}/next").status_code == 303
    assert f'data-rung="{key[1]}"' not in client.get(f"{page}/live").text
    assert "Go to the next step" in client.get(f"{page}/rung").text
    assert sign_in(runtime, make_group(runtime, "Others")).get(f"{page}/rung").status_code == 404


@pytest.mark.parametrize(
    ("tactic", "english", "spanish"),
    [("calls", "calls reported", "llamadas contadas"), ("letters", "letters sent", "cartas mandadas"),
     ("in_person", "visits", "visitas")],
)  # fmt: skip
def test_reports_are_called_what_the_tactic_asks_for(
    runtime: Runtime, world: World, tactic: str, english: str, spanish: str
) -> None:
    wave = launch(runtime, world)
    with runtime.db.transaction() as tx:
        tx.execute(update(Campaign).where(Campaign.id == wave.campaign_id).values(tactic=tactic))
    for index, post in enumerate(text_everybody(runtime, wave)):
        record_status(runtime, post.attempt_id, f"SM{index:032x}", "delivered", None, runtime.clock.real_now())
    fold_everything(runtime)
    client = sign_in(runtime, world.group_id)
    for language, words in (("en", english), ("es", spanish)):
        page = client.get(f"/campaigns/{wave.campaign_id}", headers={"Accept-Language": language}).text
        assert f"<dt>{words}</dt>" in page
        assert f'class="number">{words}</th>' in page  # of each text
        assert re.search(rf"</svg> {words}</th>", page)  # over time
        if tactic != "calls":
            assert "calls reported" not in page
