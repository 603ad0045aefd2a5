"""What the pictures show: the story, played to its end, and beside it what an organizer's other work leaves behind."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from outreach.accounts.links import first_admin
from outreach.core.db import Transaction
from outreach.core.runtime import Runtime
from outreach.escalations.choosing import choose_tactic, set_occasion
from outreach.escalations.drafts import draft_from_meeting, edit_draft
from outreach.escalations.models import Campaign
from outreach.escalations.schedule import schedule_launch
from outreach.escalations.segments import create_segment
from outreach.escalations.stand_down import stand_down
from outreach.messaging.canned import create_canned
from outreach.messaging.conversations import TO_READ
from outreach.messaging.models import Conversation, Reply
from outreach.messaging.page_links import token_for
from outreach.messaging.threads import Actor
from outreach.officials import partners, plans, records
from outreach.officials.agenda import Line, first_agenda, first_points, set_lines
from outreach.officials.checklists import change_item, items_of, tick_item
from outreach.officials.meetings import Answer, Promised, record_meeting
from outreach.officials.models import Meeting, Office, Official, Promise
from outreach.officials.offices import Given, add_office
from outreach.officials.partners import make_partner
from outreach.officials.plans import add_contact, make_plan
from outreach.officials.promises import Heard, hear
from outreach.officials.records import make_request
from outreach.people.districts import create_district
from outreach.people.importing import import_constituents
from outreach.people.invented import CONSENT, people_csv
from outreach.people.lists import list_ids
from outreach.people.members import mark_members, members_of
from outreach.people.models import Constituent
from outreach.phone_tree.answering import confirm
from outreach.phone_tree.captain_page import page_address
from outreach.phone_tree.cascade import take_step
from outreach.phone_tree.editing import grow_tree, nodes_of
from outreach.phone_tree.models import TreeStep
from outreach.phone_tree.running import start_run
from outreach.story.__main__ import DEMO_OFFICIALS
from outreach.story.ledger import CarrierControl
from outreach.story.play import play, wait_for_the_end
from outreach.tallies.public import counter_token, set_counter
from outreach.web.sign_up_address import page_of
from tests.factories import ask_approval, upload_file
from tests.pictures.ledger import read_a_manual

WHO = "admin"
FAIR, FAIR_PEOPLE = "May fair", 40
KNOWN, NEW = 6, 18
"""Of the people of the file that waits for a yes or no."""
RIDES = {
    "en": "{{ first_name }}, we drive people to the meeting on Thursday at 6. Tell us your corner. {{ group }}",
    "es": "{{ first_name }}, el jueves a las 6 llevamos gente a la junta. Diganos su esquina. {{ group }}",
}
UNUSABLE = b"Nora,Short,602-555-01,85003,Phoenix,English\r\nIan,Nobody,,85003,Phoenix,English\r\n"


def play_the_scene(runtime: Runtime, carrier_url: str, group_id: int, *, recipients: int, seed: int) -> dict[str, str]:
    """Play until nothing is under way; what fills in the addresses of the pages. Raises OutreachError."""
    launched = play(runtime, group_id, officials=DEMO_OFFICIALS, recipients=recipients, seed=seed)
    carrier = CarrierControl(carrier_url)
    wait_for_the_end(runtime, launched, carrier, settle=0.0, show=lambda _: None, check=lambda: None)
    ours = runtime.settings.twilio_from_number
    fair = people_csv(FAIR_PEOPLE, seed, skip=recipients, ours=ours)
    import_constituents(runtime, group_id, fair, list_name=FAIR, consent=CONSENT, recorded_by=WHO)
    with runtime.db.transaction() as tx:
        committed = _keep_a_commitment(tx, runtime, group_id)
        ids = (
            {"committed": str(committed), "late": _hear_of_a_promise(tx, runtime, group_id, committed)}
            | _draft_another(tx, runtime, group_id)
            | _save_a_segment(tx, runtime, group_id)
        )
        ids |= _plant_trees(tx, runtime, group_id, int(ids["meeting"]))
        ids |= read_a_manual(tx, runtime, group_id, int(ids["official"]), WHO)
        ids |= plan_a_meeting(tx, runtime, group_id, int(ids["official"]), list_ids(tx, group_id, [FAIR])[0])
        ids |= _stand_one_down(tx, runtime, group_id, int(ids["meeting"]))
        ids["ready"] = str(create_canned(tx, runtime, Actor(0, group_id, WHO), "Rides", RIDES))
    evening = people_csv(KNOWN + NEW, seed, skip=recipients + FAIR_PEOPLE - KNOWN, ours=ours) + UNUSABLE
    upload = upload_file(runtime, group_id, evening, "library-evening.csv", "Library evening", CONSENT, by=WHO)
    with runtime.db.snapshot() as session:
        found = _found(session, runtime, group_id)
        found["pressed"] = str(session.get_one(Campaign, launched.campaign_id).official_id)
        page = page_of(session, group_id)
    assert page is not None  # the group is the one that plays
    ask_approval(runtime, group_id, int(ids["council"]))
    set_counter(runtime, group_id, launched.campaign_id, is_on=True, goal=200, actor=WHO)
    ids["counter"] = counter_token(runtime, launched.campaign_id)
    return {**ids, "sign_up": page.slug, **found, "campaign": str(launched.campaign_id), "upload": str(upload)}


def _official(session: Session, group_id: int, external_id: str) -> int:
    return session.execute(
        select(Official.id).where(Official.group_id == group_id, Official.external_id == external_id)
    ).scalar_one()


def _keep_a_commitment(tx: Transaction, runtime: Runtime, group_id: int) -> int:
    """A mayor who said yes, and whose promise is overdue."""
    today = runtime.clock.now().date()
    return record_meeting(
        tx, runtime, group_id, official_id=_official(tx, group_id, "demo/mayor"), held_on=today - timedelta(days=20),
        attendees="Luz, Tomás, and the mayor's chief of staff", outcome="committed", recorded_by=WHO,
        notes="She listened, and asked for our draft.",
        answers=[Answer(5, "yes", "writing"), Answer(6, "yes", "practice")],
        promises=[Promised("The draft ordinance, for us to read", today - timedelta(days=2), "Chief of staff")],
    ).id  # fmt: skip


def _hear_of_a_promise(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int) -> str:
    """The promise of a meeting is put off, and overdue again; its id."""
    today = runtime.clock.now().date()
    promise = tx.execute(select(Promise).where(Promise.meeting_id == meeting_id)).scalar_one()
    heard = Heard(
        "extended", today - timedelta(days=3), "Chief of staff", "The city attorney has it", today - timedelta(days=1)
    )
    hear(tx, runtime, group_id, promise.id, heard, seen=0, by=WHO)
    return str(promise.id)


def _draft_another(tx: Transaction, runtime: Runtime, group_id: int) -> dict[str, str]:
    """A chief who evaded, the draft that this has opened, and another that waits for its launch time."""
    today, chief = runtime.clock.now().date(), _official(tx, group_id, "demo/police-chief")
    meeting = record_meeting(
        tx, runtime, group_id, official_id=chief, held_on=today - timedelta(days=1),
        attendees="Rosa (spokesperson), Walter (notes), the deputy chief", outcome="evaded", recorded_by=WHO,
        notes="Asked three times. He looked at his watch.",
        answers=[Answer(1, "evaded"), Answer(5, "no", "practice")],
        promises=[Promised("An answer in writing", today + timedelta(days=6), "The deputy")],
    )  # fmt: skip
    draft = draft_from_meeting(tx, runtime, meeting)
    assert draft is not None  # an evasion always opens one
    edit_draft(tx, group_id, draft.id, lists=[FAIR])
    waits = draft_from_meeting(tx, runtime, meeting)
    assert waits is not None  # the same evasion again
    edit_draft(tx, group_id, waits.id, lists=[FAIR], name="The chief, once more", policy=5)
    schedule_launch(tx, runtime, group_id, waits.id, runtime.clock.now() + timedelta(days=3))
    office = tx.execute(select(Office).where(Office.official_id == chief).order_by(Office.id).limit(1)).scalar_one()
    office.hours, office.lines = [*[[["07:00", "12:00"], ["13:00", "18:00"]]] * 4, [["08:00", "12:00"]], [], []], 3
    desk = Given("front desk", "623-555-0121", "", "41 Example Street, Dry Wash, AZ 85300")
    add_office(tx, runtime, group_id, chief, desk)
    council = draft_from_meeting(tx, runtime, meeting)
    assert council is not None
    choose_tactic(tx, runtime, group_id, council.id, tactic="council_meeting", tone="evasive", by=WHO)
    begins = runtime.clock.now() + timedelta(days=8)
    event = {"event_at": begins, "event_zone": "America/Phoenix", "event_place": "City Hall, 1 Example Street"}
    set_occasion(tx, runtime, group_id, council.id, event)
    edit_draft(tx, group_id, council.id, lists=[FAIR], name="The chief, at the council")
    promise = tx.execute(select(Promise.id).where(Promise.meeting_id == meeting.id)).scalar_one()
    ids = {"official": chief, "office": office.id, "meeting": meeting.id, "draft": draft.id, "waits": waits.id,
           "promise": promise, "council": council.id}  # fmt: skip
    return {name: str(one) for name, one in ids.items()}


def plan_a_meeting(tx: Transaction, runtime: Runtime, group_id: int, official_id: int, list_id: int) -> dict[str, str]:
    """The chief's city manager, in ten days, with half of the preparations done."""
    now = runtime.clock.now()
    mark_members(tx, runtime, group_id, list_id, is_members=True, actor=WHO)
    rosa, walter, *others = [one.id for one in members_of(tx, runtime.vault, group_id)[:6]]
    partner = make_partner(
        tx, runtime, group_id, by=WHO,
        given=partners.Given(
            "Valley Welcome Project", "Rides, interpreters, and a hotline for families.", "Policy 5, and the hearing.",
            "Inés Robles", "ines@example.org", "623-555-0133",
        ),
    )  # fmt: skip
    plan = make_plan(
        tx, runtime, group_id, official_id, by=WHO,
        given=plans.Given(
            staff_name="Dana Whitlow", staff_role="City manager", starts_at=now + timedelta(days=10),
            place="City Hall, room 5", gather_place="The lobby of City Hall", spokesperson_id=rosa,
            note_taker_id=walter, attendees=frozenset(others), partners=frozenset({partner.id}),
            condition_kinds=("attendee_list",), conditions="Names of everybody, two weeks before.", audience="police",
        ),
    )  # fmt: skip
    add_contact(
        tx, runtime, group_id, plan.id, on_day=now.date() - timedelta(days=9), whom="Front desk",
        said="The chief is booked for weeks. Try the city manager.", by=WHO,
    )  # fmt: skip
    request = make_request(
        tx, runtime, group_id, official_id, by=WHO, today=now.date(),
        given=records.Given(
            "Dry Wash Police Department", "Immigration and Customs Enforcement protocols of the policy manual",
            "online", now.date() - timedelta(days=21), now.date() - timedelta(days=7), plan_id=plan.id,
        ),
    )  # fmt: skip
    first, second, third, *_ = items_of(tx, group_id, plan_id=plan.id)
    tick_item(tx, runtime, group_id, first.id, done=True, by=WHO)
    change_item(tx, group_id, second.id, due_on=now.date() - timedelta(days=1), constituent_id=rosa)
    change_item(tx, group_id, third.id, due_on=third.due_on, constituent_id=walter)
    lines = [*first_agenda("en"), *(Line(words, policy=policy) for policy, words in first_points("en").items())]
    set_lines(tx, group_id, plan.id, plan.version, [lines[0]._replace(constituent_id=rosa), *lines[1:]])
    ids = {"plan": plan.id, "item": second.id, "request": request.id, "partner": partner.id}
    return {name: str(one) for name, one in ids.items()}


def _save_a_segment(tx: Transaction, runtime: Runtime, group_id: int) -> dict[str, str]:
    """Downtown's Spanish speakers who have never answered, and the district that this asks for."""
    district = create_district(tx, runtime, group_id, "Downtown", ["85003", "85004", "85006", "85007"])
    wanted = {"all": [{"language": "es"}, {"district": district.id}]}
    tree = {"all": [wanted, {"not": {"any": [{"did": "replied"}]}}]}
    segment = create_segment(tx, runtime, group_id, "Downtown, in Spanish, not heard from", tree, by=WHO)
    return {"segment": str(segment.id), "district": str(district.id)}


def _plant_trees(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int) -> dict[str, str]:
    """A tree whose captains are being asked, and one that nobody has started."""
    fair = list_ids(tx, group_id, [FAIR])
    asks = draft_from_meeting(tx, runtime, tx.get_one(Meeting, meeting_id))
    assert asks is not None  # the same evasion once more
    edit_draft(tx, group_id, asks.id, name="The chief, by phone tree")
    runs, waits = (
        grow_tree(tx, runtime, group_id, name, lists=fair, size=size, by=WHO)
        for name, size in (("May fair", 5), ("May fair, large branches", 9))
    )
    run = start_run(tx, runtime, group_id, runs.id, asks.id, by=WHO)
    step = tx.execute(select(TreeStep).where(TreeStep.run_id == run.id).order_by(TreeStep.id)).scalars().first()
    assert step is not None
    take_step(tx, runtime, step.id)
    confirm(tx, runtime, run.gate_id, step.number_hash)
    captain = page_address(runtime, step.id, backup=False).rpartition("/")[2]
    node = str(nodes_of(tx, waits.id)[0].id)
    return {"tree": str(waits.id), "node": node, "run": str(run.id), "captain": captain}


def _stand_one_down(tx: Transaction, runtime: Runtime, group_id: int, meeting_id: int) -> dict[str, str]:
    """A campaign about the chief that is not needed any more."""
    draft = draft_from_meeting(tx, runtime, tx.get_one(Meeting, meeting_id))
    assert draft is not None  # the same evasion once more
    edit_draft(tx, group_id, draft.id, name="The chief, about the form")
    why = "The deputy called: he will sign the form"
    stood = stand_down(tx, runtime, group_id, draft.official_id, by=WHO, why=why, campaign_ids=[draft.id])
    return {"stood": str(stood.id)}


def _found(session: Session, runtime: Runtime, group_id: int) -> dict[str, str]:
    """The English speaker who wrote most often, their phone, and a thread that somebody must read."""
    person = session.execute(
        select(Constituent.id)
        .join(Reply, Reply.constituent_id == Constituent.id)
        .where(Constituent.group_id == group_id, Constituent.language == "en")
        .group_by(Constituent.id)
        .order_by(func.count().desc(), Constituent.id)
        .limit(1)
    ).scalar_one()
    sealed = session.execute(select(Reply.sealed).where(Reply.constituent_id == person).limit(1)).scalar_one()
    thread = session.execute(
        select(Conversation.id)
        .where(Conversation.group_id == group_id)
        .order_by(case((Conversation.rank == TO_READ, 0), else_=1), Conversation.id)
        .limit(1)
    ).scalar_one()
    asked = session.execute(
        select(func.max(Reply.id)).where(
            Reply.group_id == group_id, Reply.intent == "script", Reply.gate_id.is_not(None)
        )
    ).scalar_one()
    return {
        "person": str(person),
        "phone": runtime.vault.open(sealed or b"", "reply")["from"],
        "thread": str(thread),
        "user": str(first_admin(session, group_id)),
        "script": token_for(runtime, asked),
    }
