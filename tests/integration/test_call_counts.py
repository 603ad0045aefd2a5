"""What a campaign counts of its calls is what the tables hold, on both databases; and the file names no caller."""

from __future__ import annotations

import csv
import io
import secrets
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta

from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, update

from outreach.accounts.models import AuditEvent
from outreach.calls.asking import ask_call
from outreach.calls.models import LIVE, CallLeg, CallSession
from outreach.calls.placing import sweep_calls
from outreach.carrier.base import Rejected
from outreach.core.runtime import Runtime
from outreach.escalations.models import Wave
from outreach.officials.models import Office
from outreach.privacy.erasure import erase_number
from outreach.tallies.campaign import campaign_tally
from outreach.web.app import create_app
from tests.factories import make_world, number
from tests.integration.test_calls import Exchange, OnThePhone, place
from tests.integration.test_live import fold_everything, sign_in
from tests.integration.test_webhooks import launch, post, say, text_everybody
from tests.twilio_forms import call_form

SILENT = ("busy", "no-answer", "failed", "canceled")


def quick(runtime: Runtime) -> Runtime:
    return replace(runtime, settings=runtime.settings.model_copy(update={"call_rate": 100.0}))


def play(runtime: Runtime, client: FlaskClient, wave: Wave) -> None:
    """One of each: put through twice, busy, calling in, opted out, erased, refused, lost, waiting; and a test."""
    exchange = Exchange()
    with runtime.db.transaction() as tx:
        first = tx.execute(select(Office)).scalar_one()
        tx.add(Office(group_id=first.group_id, official_id=first.official_id, classification="district",
                      address="=1 Main St, Mesa 85201", phone="+14805550143"))  # fmt: skip

    def called(person: int) -> OnThePhone:
        say(client, runtime, person, "CALL")
        place(runtime, exchange)
        return OnThePhone(client, runtime, exchange.called[-1])

    talker = called(0)
    for keys in ("", "1", "1"):
        talker.press(keys)
    talker.office_hangs_up("busy")  # the other one is tried
    leg = {"CallSid": f"CA{secrets.token_hex(16)}", "CallStatus": "no-answer"}
    for _ in range(2):
        assert talker.ask(f"/twilio/voice/{talker.session}/leg/3", **leg).status_code == 204
    talker.next = f"/twilio/voice/{talker.session}/4"
    for _ in range(2):
        talker.ask(talker.next, DialCallStatus="completed", DialCallDuration="42", DialCallSid=leg["CallSid"])
    talker.next = f"/twilio/voice/{talker.session}/5"
    talker.press("1")
    talker.press("2")
    for _ in range(2):
        talker.hang_up()
    called(1).hang_up("busy")
    say(client, runtime, 2, "CALL")
    sid = f"CA{secrets.token_hex(16)}"
    form = call_form(runtime.settings, sid, "+14805550100", Direction="inbound", From=number(2), Caller=number(2))
    assert b"Press 1" in post(client, runtime, form, "/twilio/voice").data
    say(client, runtime, 3, "CALL")
    say(client, runtime, 3, "STOP")
    place(runtime, exchange)
    say(client, runtime, 4, "CALL")
    erase_number(runtime, wave.group_id, runtime.vault.number_hash(number(4)), reason="asked us to", actor="tester")
    exchange.errors = [Rejected(21211)]
    say(client, runtime, 5, "CALL")
    place(runtime, exchange)
    lost = called(6)
    for keys in ("", "1", "1"):
        lost.press(keys)
    with runtime.db.transaction() as tx:
        mine = update(CallSession).where(CallSession.id == lost.session)
        tx.execute(mine.values(lease_until=runtime.clock.real_now() - timedelta(seconds=1)))
    assert sweep_calls(runtime) == 1
    with runtime.db.snapshot() as session:
        assert session.execute(select(CallLeg.id).where(CallLeg.ended_at.is_(None))).first() is None
    with runtime.db.transaction() as tx:
        ask_call(
            tx, runtime, group_id=wave.group_id, gate_id=wave.gate_id, constituent_id=None,
            number_hash=runtime.vault.number_hash(number(8)), to=number(8), known={}, language="en", source="test",
            asked_at=runtime.clock.now(),
        )  # fmt: skip
    place(runtime, exchange)
    tested = OnThePhone(client, runtime, exchange.called[-1])
    for keys in ("", "1", "1"):
        tested.press(keys)
    tested.office_hangs_up()
    tested.hang_up()
    say(client, runtime, 7, "CALL")


def held(runtime: Runtime) -> dict[str, int]:
    """The same by the tables."""
    with runtime.db.snapshot() as session:
        calls = session.execute(select(CallSession).where(CallSession.source != "test")).scalars().all()
        legs = session.execute(select(CallLeg)).scalars().all()
    ours = {one.id for one in calls}
    legs = [leg for leg in legs if leg.session_id in ours]
    ended = Counter(one.ending for one in calls if one.state == "ended")
    states = Counter(one.state for one in calls)
    return {
        "asked": len(calls),
        "under_way": sum(states[state] for state in LIVE),
        "not_called": states["canceled"],
        "not_reached": ended["busy"] + ended["no-answer"] + ended["failed"] + states["refused"],
        "lost": ended["lost"],
        "finished": ended["completed"],
        "picked_up": sum(one.step > 0 for one in calls),
        "put_through": len({leg.session_id for leg in legs}),
        "dialed": len(legs),
        "office_picked_up": sum(leg.status == "completed" for leg in legs),
        "office_silent": sum(leg.status in SILENT for leg in legs),
    }


def test_the_counters_of_calls_are_those_of_the_tables_and_the_file_names_no_caller(clocked: Runtime) -> None:
    runtime = quick(clocked)
    world = make_world(runtime, 9)
    wave = launch(runtime, world)
    text_everybody(runtime, wave)
    play(runtime, create_app(runtime.settings, runtime).test_client(), wave)
    for _ in range(2):
        with runtime.db.snapshot() as session:
            tally = campaign_tally(session, world.group_id, wave.campaign_id, runtime.clock)
        assert tally.calls is not None
        assert asdict(tally.calls) == held(runtime) == tally.as_json()["calls"]
        fold_everything(runtime)
    assert held(runtime) == {
        "asked": 9, "under_way": 2, "not_called": 3, "not_reached": 2, "lost": 1, "finished": 1, "picked_up": 3,
        "put_through": 2, "dialed": 3, "office_picked_up": 1, "office_silent": 1,
    }  # fmt: skip

    staff, path = sign_in(runtime, world.group_id, "staff"), f"/campaigns/{wave.campaign_id}/calls"
    page = staff.get(f"/campaigns/{wave.campaign_id}").text
    for name, count in held(runtime).items():
        assert f'id="calls-{name}">{count}<' in page, name
    assert path in page
    assert staff.get(path).status_code == 200
    refused = staff.post(path, data={"because": " ", "kind": "csv"})
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert staff.post("/campaigns/99/calls", data={"because": "x", "kind": "csv"}).status_code == 404
    file = staff.post(path, data={"because": "for the board, 602-555-0100", "kind": "csv"})
    assert file.headers["Content-Disposition"] == f'attachment; filename="campaign-{wave.campaign_id}-calls.csv"'
    rows = list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert rows[1:] == [
        ["Dana Whitfield", "(602) 555-0142 ext 7", "", "2026-12-01 12:00:00", "42", "busy", "", ""],
        ["Dana Whitfield", "(480) 555-0143", "'=1 Main St, Mesa 85201", "2026-12-01 12:00:00", "42", "completed",
         "spoke", "no"],
        ["Dana Whitfield", "(602) 555-0142 ext 7", "", "2026-12-01 12:00:00", "", "", "", ""],
    ]  # fmt: skip
    sheet = staff.post(path, data={"because": "for the board", "kind": "xlsx"}).data
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheet))
    assert (book.sheet_names, len(book.get_sheet_by_index(0).to_python())) == (["Calls"], 4)
    with runtime.db.snapshot() as session:
        noted = (
            session.execute(select(AuditEvent.details).where(AuditEvent.action == "export").order_by(AuditEvent.id))
            .scalars()
            .all()
        )
    assert [(one["what"], one["legs"]) for one in noted] == [("calls", 3), ("calls", 3)]
    assert "5550100" not in str(noted).replace("-", "")
