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
from outreach.people import uploads
from outreach.people.columns import map_columns
from outreach.people.models import ConsentEvent, Constituent, ContactList, Upload
from tests.factories import make_group
from tests.integration.test_live import sign_in
from workers.upkeep import seldom

FILE = "First name,Last name,Cell,ZIP,Shoe size\nAna,Álvarez,480-555-0101,85004,38\nBo,Tester,12,,\n"


@pytest.fixture
def group(runtime: Runtime) -> int:
    return make_group(runtime)


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
    kept = the_upload(runtime)
    assert kept.sealed is not None
    assert b"555" not in kept.sealed

    confirmed = client.post(f"{sent.location}/confirm")
    assert (confirmed.status_code, confirmed.location) == (303, sent.location)
    ended = client.get(sent.location)
    assert "The list is imported" in ended.text
    assert 'id="count-new">1<' in ended.text
    assert the_upload(runtime).sealed is None
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
    upload_id = uploads.keep_upload(
        runtime, group, FILE.encode(), file_name="a.csv", list_name="Fair", consent="yes", by="ana"
    )

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
    assert the_upload(runtime).sealed is None
    assert "The file was thrown away" in client.get(sent.location).text
    assert client.post(f"{sent.location}/confirm").status_code == 303
    assert how_many(runtime, Constituent) == 0


def test_an_import_that_fails_can_be_asked_for_again(
    runtime: Runtime, group: int, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send(client)
    upload_id = the_upload(runtime).id
    with monkeypatch.context() as patched:
        patched.setattr(uploads, "import_constituents", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            uploads.confirm_upload(runtime, group, upload_id, by="ana")
    assert the_upload(runtime).state == "waiting"
    with runtime.db.transaction() as tx:  # and one whose process was killed, once its time is over
        tx.execute(update(Upload).values(state="importing", changed_at=runtime.clock.real_now()))
    assert "is being imported" in client.get(sent.location).text
    client.post(f"{sent.location}/confirm")
    assert how_many(runtime, Constituent) == 0
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).values(changed_at=runtime.clock.real_now() - uploads.CLAIM_ENDS))
    assert "Yes, import" in client.get(sent.location).text
    client.post(f"{sent.location}/confirm")
    assert how_many(runtime, Constituent) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04...", "This spreadsheet cannot be read."),
        (b"%PDF-1.7", "not a text file"),
        (b"Ana,480-555-0101\nBo,480-555-0102\n", "names of the columns"),
        (b"Name,City\nAna,Mesa\n", "The file has: Name, City."),
        (b"Phone,Phone\n480-555-0101,480-555-0102\n", "Two columns have the name “Phone”"),
        (b"Name,Phone\n", "There is nobody in the file"),
        (b"<script>alert(1)</script>,City\nAna,Mesa\n", "&lt;script&gt;alert(1)"),
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


def test_only_an_organizers_upload_may_be_large(runtime: Runtime, client: FlaskClient) -> None:
    lines = [FILE, *("," * 4 + "x" * 100 + "\n" for _ in range(20_000))]  # two megabytes
    assert send(client, "".join(lines)).status_code == 303
    staff = sign_in(runtime, make_group(runtime, "Others"), "staff")
    assert send(staff, "".join(lines)).status_code == 403
    staff.application.config["WTF_CSRF_ENABLED"] = True  # which reads the form before anybody asks for the role
    assert send(staff, "".join(lines)).status_code == 413
    assert client.post("/people/find", data={"sought": "x" * 2_000_000}).status_code == 413
    assert send(client, b"x" * (uploads.MOST_BYTES + 1)).status_code == 422
    assert send(client, b"x" * (uploads.MOST_BYTES + 2 * 1024 * 1024)).status_code == 413
    assert how_many(runtime, Upload) == 1


def test_a_file_that_is_too_long_for_a_browser_names_the_command(runtime: Runtime, client: FlaskClient) -> None:
    sent = send(client)
    with runtime.db.transaction() as tx:
        tx.execute(update(Upload).values(rows=uploads.MOST_ROWS + 1))
    preview = client.get(sent.location)
    assert "outreach constituents import" in preview.text
    assert "Yes, import" not in preview.text
    confirmed = client.post(f"{sent.location}/confirm", follow_redirects=True)
    assert "20001 rows" in confirmed.text
    assert (how_many(runtime, Constituent), the_upload(runtime).state) == (0, "waiting")
    assert uploads.is_importable(uploads.MOST_ROWS)


def test_problems_are_shown_up_to_a_limit_and_counted_in_full(client: FlaskClient) -> None:
    rows = "".join(f"P{index},{index}\n" for index in range(100, 400))
    preview = client.get(send(client, "Name,Phone\n" + rows).location)
    assert "300 problems in the rows" in preview.text
    assert preview.text.count("This number has too few digits.") == 200
    assert "These are the first 200." in preview.text


def test_uploads_are_gone_after_a_day(runtime: Runtime, client: FlaskClient) -> None:
    old, young = send(client).location, send(client).location
    with runtime.db.transaction() as tx:
        day_ago = runtime.clock.real_now() - uploads.KEPT_FOR
        tx.execute(update(Upload).where(Upload.id == int(old.split("/")[-1])).values(created_at=day_ago))
    assert client.get(old).status_code == 404  # even before the purge
    assert client.post(f"{old}/confirm").status_code == 404
    page = client.get("/people/import").text
    assert (young in page, f'"{old}"' in page) == (True, False)
    assert uploads.purge_uploads(runtime) == 1
    assert how_many(runtime, Upload) == 1
    assert uploads.purge_uploads(runtime) == 0


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
