"""A file of numbers that must get no texts: what it stops, for whom, and that nothing undoes it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from werkzeug.test import TestResponse

from outreach.accounts.models import AuditEvent
from outreach.core.errors import BadInputError
from outreach.core.runtime import Runtime
from outreach.messaging.claims import claim
from outreach.messaging.models import Message
from outreach.messaging.slices import slice_out
from outreach.people import optouts
from outreach.people.consent import is_suppressed, lift, record_opt_in
from outreach.people.importing import import_constituents
from outreach.people.models import ConsentEvent, Constituent, ListMembership, Suppression
from outreach.people.optouts import OptOutReport, import_opt_outs
from tests.factories import make_group, make_world, number, plan_messages
from tests.integration.test_cli import outreach
from tests.integration.test_live import sign_in

FILE = b'Name,Cell,Home phone\nAna,480-555-0101,\nBo,,"(602) 555-0102 / 602-555-0103"\nCy,12,\n'
BAD_FILES = (
    (b"", "csv_empty"),
    (b"Name,City\nAna,Mesa\n", "no_phone_column"),
    (b"%PDF-1", "csv_not_text"),
    (b"480-555-0101,Ana\n", "csv_no_header"),
    (b"PK\x03\x04xx", "spreadsheet_unreadable"),
)
LIST = b"First name,Cell\nAna,480-555-0101\nDi,520-555-0104\n"


def bring(runtime: Runtime, group: int, data: bytes = FILE, *, group_only: bool = False) -> OptOutReport:
    return import_opt_outs(
        runtime, group, data, reason="partners' list", recorded_by="ana", group_only=group_only
    )  # fmt: skip


def counts(report: OptOutReport) -> tuple[int, int, int, int]:
    return report.rows, report.suppressed, report.known, report.invalid


def stopped(runtime: Runtime, group: int) -> set[str]:
    phones = ("+14805550101", "+16025550102", "+16025550103", "+15205550104")
    with runtime.db.snapshot() as session:
        return {one for one in phones if is_suppressed(session, runtime.vault.number_hash(one), group)}


def rows(runtime: Runtime) -> tuple[int, int, int]:
    with runtime.db.snapshot() as session:
        kinds = (Suppression, ConsentEvent, AuditEvent)
        found = [session.execute(select(func.count()).select_from(kind)).scalar_one() for kind in kinds]
    return found[0], found[1], found[2]


def test_every_usable_number_of_a_row_is_stopped_for_every_group_and_once(runtime: Runtime) -> None:
    here, there = make_group(runtime, "Here"), make_group(runtime, "There")
    report = bring(runtime, here)
    assert counts(report) == (3, 2, 0, 1)
    assert [(one.row, one.code) for one in report.problems] == [(4, "too_short")]
    assert stopped(runtime, here) == stopped(runtime, there) == {"+14805550101", "+16025550102", "+16025550103"}
    before = rows(runtime)
    assert before == (3, 3, 1)
    assert counts(bring(runtime, there)) == (3, 0, 2, 1)
    assert rows(runtime) == before, "the same file again changes nothing"
    with runtime.db.snapshot() as session:
        said = session.execute(
            select(ConsentEvent.group_id, ConsentEvent.kind, ConsentEvent.source, ConsentEvent.sealed,
                   ConsentEvent.recorded_by).distinct()
        ).all()  # fmt: skip
    (one,) = said
    assert (one.group_id, one.kind, one.source, one.recorded_by) == (here, "opt_out", "staff", "ana")
    assert runtime.vault.open(one.sealed, "consent") == {"words": "partners' list"}


def test_a_group_may_stop_numbers_for_itself_alone(runtime: Runtime) -> None:
    here, there = make_group(runtime, "Here"), make_group(runtime, "There")
    assert counts(bring(runtime, here, LIST, group_only=True)) == (2, 2, 0, 0)
    assert (len(stopped(runtime, here)), len(stopped(runtime, there))) == (2, 0)
    assert counts(bring(runtime, there, LIST)) == (2, 2, 0, 0), "for everybody is more than for one group"
    assert counts(bring(runtime, here, LIST, group_only=True)) == (2, 0, 2, 0), "and holds for that group as well"


def test_it_outlives_the_purge_an_import_and_a_start(runtime: Runtime) -> None:
    group = make_group(runtime)
    import_constituents(runtime, group, LIST, list_name="Fair", consent="signed", recorded_by="ana")
    bring(runtime, group, LIST)
    with runtime.db.transaction() as tx:  # what a purge of people leaves
        tx.execute(delete(ListMembership))
        tx.execute(delete(Constituent))
    again = import_constituents(runtime, group, LIST, list_name="Fair", consent="signed anew", recorded_by="ana")
    assert (again.counts["opted_out"], again.rows) == (2, 2)
    at = runtime.clock.real_now()
    with runtime.db.transaction() as tx:
        record_opt_in(
            tx, runtime.vault, group, runtime.vault.number_hash("+14805550101"), wording="START", source="reply", at=at
        )
    assert len(stopped(runtime, group)) == 2, "staff set it, so only staff lift it"
    with runtime.db.transaction() as tx:
        for row in tx.execute(select(Suppression.id)).scalars().all():
            lift(tx, row, group, reason="a mistake", at=at)
    assert stopped(runtime, group) == set()
    assert counts(bring(runtime, group, LIST)) == (2, 2, 0, 0)


def test_what_was_planned_before_is_stopped_by_its_slice(runtime: Runtime) -> None:
    world = make_world(runtime, 2)
    plan_messages(runtime, world)
    bring(runtime, world.group_id, f"Phone\n{number(0)}\n".encode())
    claimed, _ = claim(runtime, world.gate_id, "t", after=0, limit=10)
    assert [post.to for post in slice_out(runtime, claimed, "t")] == [number(1)]
    with runtime.db.snapshot() as session:
        states = set(session.execute(select(Message.state)).scalars())
    assert states == {"suppressed", "posting"}


def test_bare_numbers_rubbish_and_repeats(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(runtime)
    monkeypatch.setattr(optouts, "MOST_AT_ONCE", 2)
    bare = b"480-555-0101\n\x00602.555.0102\n4805550101\nnobody\n\xff\xfe\n520 555 0104\n"
    report = bring(runtime, group, bare)
    assert counts(report) == (6, 3, 1, 2)
    assert {one.row for one in report.problems if one.code == "not_a_number"} == {4, 5}
    assert len(stopped(runtime, group)) == 3
    for data, code in BAD_FILES:
        with pytest.raises(BadInputError) as refused:
            bring(runtime, group, data)
        assert refused.value.code == code


@pytest.mark.parametrize(("reason", "code"), [("  \0 ", "optout_reason_blank"), ("x" * 1001, "optout_reason_long")])
def test_a_reason_is_asked_for(runtime: Runtime, reason: str, code: str) -> None:
    group = make_group(runtime)
    with pytest.raises(BadInputError) as refused:
        import_opt_outs(runtime, group, FILE, reason=reason, recorded_by="ana")
    assert refused.value.code == code
    assert rows(runtime) == (0, 0, 0)


def test_the_same_file_twice_at_once_stops_each_number_once(runtime: Runtime) -> None:
    groups = [make_group(runtime, "Here"), make_group(runtime, "There")]
    data = b"Phone\n" + b"".join(f"{number(index)}\n".encode() for index in range(60))
    with ThreadPoolExecutor(2) as both:
        reports = list(both.map(lambda group: bring(runtime, group, data), groups))
    assert sum(report.suppressed for report in reports) == 60
    assert rows(runtime)[:2] == (60, 60)


def test_the_command(settings_env: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "stop.csv"
    path.write_bytes(FILE)
    assert outreach(settings_env, "group", "add", "Testers")[0] == 0
    code, report, _ = outreach(settings_env, "optouts", "import", str(path), "--reason", "partners", "--json")
    assert code == 0
    assert report is not None
    assert json.loads(json.dumps(report)) == {
        "rows": 3, "suppressed": 2, "known": 0, "invalid": 1,
        "problems": [{"row": 4, "column": "Cell", "code": "too_short", "message": report["problems"][0]["message"]}],
    }  # fmt: skip
    code, report, _ = outreach(settings_env, "optouts", "import", str(path), "--reason", " ", "--json")
    assert (code, report and report["error"]["code"]) == (2, "optout_reason_blank")


def send(client: FlaskClient, content: bytes = FILE, **fields: str) -> TestResponse:
    parts = [
        f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {"reason": "partners", "scope": "all", **fields}.items()
    ]
    head = b'--part\r\nContent-Disposition: form-data; name="file"; filename="stop.csv"\r\n\r\n'
    body = b"".join([*parts, head, content, b"\r\n--part--\r\n"])
    return client.post("/people/opt-outs", data=body, content_type="multipart/form-data; boundary=part")


def test_the_page_stops_tells_and_refuses(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    group = make_group(runtime)
    client = sign_in(runtime, group, "organizer")
    sent = send(client)
    assert (sent.status_code, sent.location) == (303, "/people/opt-outs")
    page = client.get(sent.location).text
    for words in ('id="count-suppressed">2<', 'id="count-invalid">1<', "Row 4: This number has too few digits"):
        assert words in page
    assert "555" not in page
    assert "count-suppressed" not in client.get(sent.location).text
    assert 'id="count-known">2<' in client.get(send(client).location).text
    for field, value, words in (
        ("reason", " ", "where the list comes from"),
        ("scope", "nobody", "Not a valid choice"),
    ):
        refused = send(client, FILE, **{field: value})
        assert refused.status_code == 422
        assert words in refused.text
    assert "typed reason" in send(client, b"Name\nAna\n", reason="typed reason").text
    monkeypatch.setattr("outreach.web.optouts.MOST_ROWS", 2)
    assert "outreach optouts import" in send(client).text
    assert "only the names of the columns" in send(client, b"Phone\n").text
    client.post("/language/es")
    assert "Números que no quieren textos" in client.get("/people/opt-outs").text


def test_staff_do_not_bring_files(runtime: Runtime) -> None:
    group = make_group(runtime)
    staff = sign_in(runtime, group, "staff")
    assert staff.get("/people/opt-outs").status_code == 403
    assert send(staff).status_code == 403
    assert "opt-outs" not in staff.get("/people/").text
    assert rows(runtime)[0] == 0
