"""What undoing an import gives back, and what it leaves alone because somebody changed it since."""

from __future__ import annotations

from sqlalchemy import select, update

from outreach.core.runtime import Runtime
from outreach.messaging.optout import cancel_waiting
from outreach.people.admissions import Newcomer, admit
from outreach.people.consent import record_opt_in
from outreach.people.import_rules import given_back
from outreach.people.models import Constituent, ContactList
from outreach.people.uploads import undo_upload
from outreach.people.zones import zones_key_for
from outreach.privacy.disclosure import disclose
from outreach.privacy.erasure import erase_number
from tests.integration.test_import_kill_undo import consents, everything, load, newest
from tests.integration.test_live import sign_in

ANA = "+14805550101"


def stored(runtime: Runtime) -> Constituent:
    with runtime.db.snapshot() as session:
        return session.execute(
            select(Constituent).where(Constituent.number_hash == runtime.vault.number_hash(ANA))
        ).scalar_one()


def test_what_somebody_says_of_themselves_after_an_import_outlives_its_undo(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone,zip,city\nAna Lee,4805550101,10001,Bronx\n")
    load(runtime, group, "name,phone,zip,city,tags\nAna Lu,4805550101,60601,Chicago,west\n", consent="by card")
    number, now = runtime.vault.number_hash(ANA), runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        who = Newcomer(ANA, number, "Anita", "85004", "es")
        admit(tx, runtime.vault, group, who, runtime.clock.now())
        record_opt_in(tx, runtime.vault, group, number, wording="JOIN", source="page", at=now)
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    row = stored(runtime)
    document = runtime.vault.open(row.sealed, "constituent")
    assert document == {
        "phone": ANA, "first_name": "Anita", "last_name": "Lee", "email": "", "city": "Bronx", "external_id": "",
        "tags": [],
    }  # fmt: skip
    assert (row.zip, row.language, row.zones) == ("85004", "es", zones_key_for(ANA[:8], "85004")), "and so the hours"
    assert consents(runtime, group) == [(number, now)]


def test_a_language_that_was_chosen_by_text_stays(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\nBo,4805550102\n")
    load(runtime, group, "name,phone,language,city\nAna,4805550101,,Mesa\nBo,4805550102,es,Mesa\n")
    with runtime.db.transaction() as tx:  # as a text that asks for Spanish does
        tx.execute(
            update(Constituent).where(Constituent.number_hash == runtime.vault.number_hash(ANA)).values(language="es")
        )
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    with runtime.db.snapshot() as session:
        found = {row.number_hash: row.language for row in session.execute(select(Constituent)).scalars()}
    assert [found[runtime.vault.number_hash(number)] for number in (ANA, "+14805550102")] == ["es", "en"]


def test_tags_are_given_back_one_by_one() -> None:
    then, became = {"tags": ["a", "b"], "city": ""}, {"tags": ["a", "b", "c"], "city": "Mesa"}
    assert given_back(then, became, became) == then
    assert given_back(then, became, {"tags": ["b", "c", "d"], "city": "Tempe"}) == {"tags": ["b", "d"], "city": "Tempe"}


def test_the_next_list_is_not_taken_for_one_that_was_taken_back(runtime: Runtime, group: int) -> None:
    ids = []
    for name in ("Wrong", "Right", "Right"):
        load(runtime, group, "name,phone\nAna,4805550101\n", name=name)
        with runtime.db.snapshot() as session:
            ids.append(session.execute(select(ContactList.id)).scalar_one())
        if name == "Wrong":
            undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    assert ids[0] < ids[1] == ids[2], "drafts still name the first by its id"


def test_whoever_was_erased_is_not_kept_for_what_an_older_list_said(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n", name="Old")
    erase_number(runtime, group, runtime.vault.number_hash(ANA), reason="they asked for it", actor="ana")
    load(runtime, group, "name,phone,city\nAna,4805550101,Mesa\n", name="New")
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    assert everything(runtime, group)["people"] == []
    undo_upload(runtime, group, newest(runtime, group, "imported"), cancel_waiting)
    assert not any(everything(runtime, group).values())


def test_a_yes_that_was_taken_back_is_not_shown_as_one(runtime: Runtime, group: int) -> None:
    load(runtime, group, "name,phone\nAna,4805550101\n", consent=None)
    load(runtime, group, "name,phone\nAna,4805550101\n", consent="by card in May")
    undo_upload(runtime, group, newest(runtime, group), cancel_waiting)
    page = sign_in(runtime, group, "staff").get(f"/people/{stored(runtime).id}").text
    assert page.index("by card in May") < page.index("It counts no more: the import was undone")
    told = disclose(runtime, group, runtime.vault.number_hash(ANA), reason="they asked for it", actor="ana")
    assert [entry["voided_at"] is not None for entry in told["consent"]] == [True]
