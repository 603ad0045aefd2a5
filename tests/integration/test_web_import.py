"""The three steps of an import in the site: upload, a look at what would happen, a person's yes or no."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from outreach.core.errors import ConflictError
from outreach.core.runtime import Runtime
from outreach.messaging.optout import cancel_waiting
from outreach.people import upload_files, upload_purge, upload_work, uploads
from outreach.people.columns import map_columns
from outreach.people.models import ConsentEvent, Constituent, ContactList, ListMembership, Upload, UploadPart
from outreach.web import people_import
from tests.factories import make_group, upload_file
from tests.integration.test_live import sign_in
from workers.upkeep import seldom

FILE = "First name,Last name,Cell,ZIP,Shoe size\nAna,Álvarez,480-555-0101,85004,38\nBo,Tester,12,,\n"


@pytest.fixture
def client(runtime: Runtime, group: int) -> FlaskClient:
    return sign_in(runtime, group, "organizer")


def send(client: FlaskClient, text: str | bytes = FILE, **fields: str) -> TestResponse:
    """Step one. The body is made by hand: werkzeug's own maker leaves a large one's temporary file open."""
    content = text.encode() if isinstance(text, str) else text
    parts = [
        f'--part\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {"list_name": "Fair", "consent": "ticked the box in May", **fields}.items()
    ]
    head = b'--part\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    body = b"".join([*parts, head, content, b"\r\n--part--\r\n"])
    return client.post("/people/import", data=body, content_type="multipart/form-data; boundary=part")


def how_many(runtime: Runtime, model: Any) -> int:
    with runtime.db.snapshot() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()


def the_upload(runtime: Runtime) -> Upload:
    with runtime.db.snapshot() as session:
        found = session.execute(select(Upload)).scalar_one()
        session.expunge(found)
    return found


def test_three_steps_bring_people_in_and_leave_no_file(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client)
    assert sent.status_code == 303
    preview = client.get(sent.location)
    for words in ("people.csv", "Shoe size", "Cell", "has too few digits", "ticked the box in May"):
        assert words in preview.text
    assert 'id="count-new">1<' in preview.text
    assert 'id="count-invalid">1<' in preview.text
    assert [how_many(runtime, model) for model in (Constituent, ContactList, ConsentEvent)] == [0, 0, 0]
    with runtime.db.snapshot() as session:
        (part,) = session.execute(select(UploadPart.sealed)).scalars()
    assert b"555" not in part

    confirmed = client.post(f"{sent.location}/confirm")
    assert (confirmed.status_code, confirmed.location) == (303, sent.location)
    ended = client.get(sent.location)
    assert "The list is imported" in ended.text
    assert 'id="count-new">1<' in ended.text
    assert how_many(runtime, UploadPart) == 0
    with runtime.db.snapshot() as session:
        event = session.execute(select(ConsentEvent)).scalar_one()
    assert (event.recorded_by, event.source) == ("admin", "import")
    listed = client.get("/people/")
    assert "Ana Álvarez" in listed.text
    assert "(480) •••-••01" in listed.text
    assert "4805550101" not in listed.text.replace("-", "")


def test_a_second_confirm_imports_nothing_more(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client)
    for _ in range(3):
        assert client.post(f"{sent.location}/confirm").status_code == 303
    assert [how_many(runtime, model) for model in (Constituent, ConsentEvent)] == [1, 1]
    assert client.post(f"{sent.location}/cancel").status_code == 303
    assert the_upload(runtime).state == "imported"


def test_of_many_confirms_at_once_one_imports(runtime: Runtime, group: int) -> None:
    upload_id = upload_file(runtime, group, FILE.encode())

    def confirm(_: int) -> str:
        try:
            uploads.confirm_upload(runtime, group, upload_id, by="ana")
        except ConflictError as error:
            return error.code
        return "imported"

    with ThreadPoolExecutor(4) as pool:
        ended = sorted(pool.map(confirm, range(4)))
    assert ended == ["imported", *["upload_ended"] * 3]
    assert how_many(runtime, ConsentEvent) == 1


def test_cancel_forgets_the_file(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client)
    canceled = client.post(f"{sent.location}/cancel", follow_redirects=True)
    assert "thrown away" in canceled.text
    assert how_many(runtime, UploadPart) == 0
    assert "The file was thrown away" in client.get(sent.location).text
    assert client.post(f"{sent.location}/confirm").status_code == 303
    assert how_many(runtime, Constituent) == 0


def test_an_import_that_was_killed_goes_on_by_a_worker(
    runtime: Runtime, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(client)
    with monkeypatch.context() as patched:
        patched.setattr(upload_work, "write_import", lambda *_, **__: 1 / 0)
        assert client.post(f"{sent.location}/confirm").status_code == 500
    assert the_upload(runtime).state == "importing"
    assert "is being imported" in client.get(sent.location).text
    client.post(f"{sent.location}/confirm")
    assert how_many(runtime, Constituent) == 0
    assert upload_work.wake_importer(runtime) == 1
    assert upload_work.work_uploads(runtime, lambda: False, cancel_waiting, 0) == 1
    assert [how_many(runtime, model) for model in (Constituent, UploadPart)] == [1, 0]
    assert "The list is imported" in client.get(sent.location).text
    assert (
        upload_work.wake_importer(runtime) == upload_work.work_uploads(runtime, lambda: False, cancel_waiting, 0) == 0
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04...", "This spreadsheet cannot be read."),
        (b"%PDF-1.7", "not a text file"),
        (b"Ana,480-555-0101\nBo,480-555-0102\n", "names of the columns"),
        (b"Name,Phone\n", "There is nobody in the file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_all_that_was_typed(
    runtime: Runtime, client: FlaskClient, content: bytes, words: str
) -> None:
    page = send(client, content, list_name='Fair "May"', consent="<b>said yes</b>")
    assert page.status_code == 422
    assert words in page.text
    assert "<script>alert" not in page.text
    assert "Fair &#34;May&#34;" in page.text
    assert "&lt;b&gt;said yes&lt;/b&gt;" in page.text
    assert 'href="#file"' in page.text
    assert how_many(runtime, Upload) == 0


@pytest.mark.parametrize("name", ["", "  ", "x" * 121])
def test_a_list_needs_a_name(runtime: Runtime, client: FlaskClient, name: str) -> None:
    page = send(client, list_name=name)
    assert page.status_code == 422
    assert 'href="#list_name"' in page.text
    assert client.post("/people/import", data={"list_name": "Fair"}).status_code == 422
    assert how_many(runtime, Upload) == 0


def test_nul_and_odd_names_do_no_harm(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client, list_name="Fa\0ir 🌵 \u202eمرحبا", consent="y\0es")
    assert sent.status_code == 303
    assert "Fair 🌵" in client.get(sent.location).text
    assert the_upload(runtime).consent == "yes"


def test_without_a_declaration_people_are_kept_and_never_texted(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client, consent="   ")
    preview = client.get(sent.location)
    assert "You did not say how these people agreed" in preview.text
    assert 'id="count-blocked">1<' in preview.text
    client.post(f"{sent.location}/confirm")
    assert "has not agreed" in client.get("/people/").text
    assert how_many(runtime, ConsentEvent) == 0


def test_only_an_organizers_upload_may_be_large(
    runtime: Runtime, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [FILE, *("," * 4 + "x" * 100 + "\n" for _ in range(20_000))]  # two megabytes
    assert send(client, "".join(lines)).status_code == 303
    staff = sign_in(runtime, make_group(runtime, "Others"), "staff")
    assert send(staff, "".join(lines)).status_code == 403
    staff.application.config["WTF_CSRF_ENABLED"] = True  # which reads the form before anybody asks for the role
    assert send(staff, "".join(lines)).status_code == 413
    assert client.post("/people/find", data={"sought": "x" * 2_000_000}).status_code == 413
    monkeypatch.setattr(uploads, "MOST_BYTES", 100_000)
    monkeypatch.setattr(people_import, "MOST_BYTES", 100_000)
    assert send(client, b"x" * 100_001).status_code == 422
    assert send(client, b"x" * 2 * 1024 * 1024).status_code == 413
    assert how_many(runtime, Upload) == 1


@pytest.mark.parametrize(
    ("content", "words", "choices", "new"),
    [
        (b"Name,Number of choice\nAna,480-555-0101\n", "The file has: Name, Number of choice.", {1: "phone"}, 1),
        (b"Phone,Phone\n,480-555-0102\n", "Two columns have the name “Phone”", {1: "phone"}, 1),
        (b"<script>alert(1)</script>,City\n480-555-0101,Mesa\n", "&lt;script&gt;alert(1)", {0: "phone"}, 1),
    ],
)
def test_a_person_can_say_which_column_is_which(
    runtime: Runtime, client: FlaskClient, content: bytes, words: str, choices: dict[int, str], new: int
) -> None:
    sent = send(client, content)
    page = client.get(sent.location).text
    assert words in page
    assert "<script>alert" not in page
    assert "Yes, import" not in page
    assert client.post(f"{sent.location}/confirm").status_code == 303
    assert how_many(runtime, Constituent) == 0
    refused = client.post(f"{sent.location}/columns", data={"column-0": "shoe", "column-1": ""}, follow_redirects=True)
    assert words in refused.text
    corrected = {f"column-{index}": field for index, field in choices.items()}
    page = client.post(f"{sent.location}/columns", data=corrected, follow_redirects=True).text
    assert f'id="count-new">{new}<' in page
    client.post(f"{sent.location}/confirm")
    assert how_many(runtime, Constituent) == new


def test_a_column_that_was_read_wrong_is_corrected(runtime: Runtime, group: int, client: FlaskClient) -> None:
    sent = send(client, "Name,Cell,Home phone\nAna Diaz,480-555-0101,480-555-0102\n")
    client.post(f"{sent.location}/columns", data={"column-0": "whole_name", "column-1": "", "column-2": "phone"})
    client.post(f"{sent.location}/confirm")
    with runtime.db.snapshot() as session:
        row = session.execute(select(Constituent)).scalar_one()
    document = runtime.vault.open(row.sealed, "constituent")
    assert (document["phone"], document["first_name"]) == ("+14805550102", "Ana")


def test_a_large_file_is_left_to_a_worker(runtime: Runtime, group: int, client: FlaskClient) -> None:
    rows = "".join(f"Ana,480-555-01{line:02d},{'x' * 6_000}\n" for line in range(100))
    sent = send(client, f"Name,Phone,Notes\n{rows}Bo,12,\n")
    assert "The file is being read" in client.get(sent.location).text
    assert client.post(f"{sent.location}/confirm").status_code == 303
    assert the_upload(runtime).state == "reading"
    assert upload_work.work_uploads(runtime, lambda: False, cancel_waiting, 0) == 1
    preview = client.get(sent.location).text
    assert 'id="count-new">100<' in preview
    assert "has too few digits" in preview
    assert how_many(runtime, Constituent) == 0
    client.post(f"{sent.location}/confirm")
    assert "is being imported" in client.get(sent.location).text
    assert upload_work.work_uploads(runtime, lambda: True, cancel_waiting, 0) == 1
    assert [how_many(runtime, model) for model in (Constituent, UploadPart)] == [100, 0]


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"Name,Phone\n" + b"," * 600_000 + b"\n" * 3, None), (b"PK\x03\x04" + b"x" * 600_000, "spreadsheet_unreadable")],
)
def test_a_large_file_that_cannot_be_used_is_refused_later(
    runtime: Runtime, client: FlaskClient, content: bytes, code: str | None
) -> None:
    sent = send(client, content)
    assert sent.status_code == 303
    assert upload_work.work_uploads(runtime, lambda: False, cancel_waiting, 0) == 1
    found = the_upload(runtime)
    if code is None:
        assert found.counts is not None and found.counts["invalid"] == found.rows
        return
    assert (found.state, found.error) == ("refused", {"code": code, "details": {}})
    assert "This spreadsheet cannot be read." in client.get(sent.location).text
    assert how_many(runtime, UploadPart) == 0


def test_an_import_is_undone_from_its_page(runtime: Runtime, client: FlaskClient) -> None:
    first = send(client)
    client.post(f"{first.location}/confirm")
    second = send(client, "Name,Phone\nCy,480-555-0103\n", list_name="Other")
    client.post(f"{second.location}/confirm")
    refused = client.post(f"{first.location}/undo", follow_redirects=True).text
    assert "The list “Other” was imported later." in refused
    for location in (second.location, first.location, first.location):
        assert "The import was undone" in client.post(f"{location}/undo", follow_redirects=True).text
    assert [how_many(runtime, model) for model in (ContactList, ListMembership)] == [0, 0]
    assert "undone" in client.get("/people/import").text


def test_problems_are_shown_up_to_a_limit_and_counted_in_full(client: FlaskClient) -> None:
    rows = "".join(f"P{index},{index}\n" for index in range(100, 400))
    preview = client.get(send(client, "Name,Phone\n" + rows).location)
    assert "300 problems in the rows" in preview.text
    assert preview.text.count("This number has too few digits.") == 200
    assert "These are the first 200." in preview.text


def test_uploads_are_gone_after_a_day(runtime: Runtime, client: FlaskClient) -> None:
    old, young = send(client).location, send(client).location
    with runtime.db.transaction() as tx:
        day_ago = runtime.clock.real_now() - upload_files.KEPT_FOR
        tx.execute(update(Upload).where(Upload.id == int(old.split("/")[-1])).values(created_at=day_ago))
    assert client.get(old).status_code == 404  # even before the purge
    assert client.post(f"{old}/confirm").status_code == 404
    page = client.get("/people/import").text
    assert (young in page, f'"{old}"' in page) == (True, False)
    assert upload_purge.purge_uploads(runtime) == 1
    assert how_many(runtime, Upload) == 1
    assert upload_purge.purge_uploads(runtime) == 0


def test_upkeep_purges_seldom(runtime: Runtime) -> None:
    step = seldom(lambda _: 7, 3_600)
    assert [step(runtime) for _ in range(3)] == [7, 0, 0]
    often = seldom(lambda _: 7, 0)
    assert [often(runtime) for _ in range(3)] == [7, 7, 7]


def test_the_template_is_read_back_in_both_languages(client: FlaskClient) -> None:
    for code, first in (("en", "First name"), ("es", "Nombre")):
        client.post(f"/language/{code}")
        got = client.get("/people/import/template.csv")
        assert got.mimetype == "text/csv"
        header = got.data.decode("utf-8-sig").strip().split(",")
        assert header[0] == first
        assert len(map_columns(header).columns) == len(header)
