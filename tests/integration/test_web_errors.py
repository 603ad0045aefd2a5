"""Errors as pages: in words, in the person's language, and also when the database itself is what fails."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from outreach.core.runtime import Runtime
from tests.factories import make_group, number
from tests.integration.test_live import sign_in


@pytest.mark.parametrize(("language", "words"), [("en", "Something went wrong on our side"), ("es", "Algo falló")])
def test_without_its_database_the_site_still_says_that_it_is_our_mistake(
    runtime: Runtime, language: str, words: str
) -> None:
    client = sign_in(runtime, make_group(runtime))
    client.post(f"/language/{language}")
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    with runtime.db.transaction() as tx:
        tx.execute(text("ALTER TABLE users RENAME TO gone"))
    for path in ("/", "/nowhere", "/campaigns/1", "/sign-in"):
        answer = client.get(path)
        assert answer.status_code == 500, path
        assert words in answer.text, path
        assert "users" not in answer.text, path
        assert "<nav" not in answer.text, path
    answer = client.post("/officials/new", data={"name": "Ana"})
    assert (answer.status_code, words in answer.text) == (500, True)
    with runtime.db.transaction() as tx:
        tx.execute(text("ALTER TABLE gone RENAME TO users"))
    assert client.get("/").status_code == 200, "nobody is signed out by that"


def test_a_mistake_of_ours_leaves_the_bar_where_it_is(runtime: Runtime) -> None:
    client = sign_in(runtime, make_group(runtime))
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    with runtime.db.transaction() as tx:
        tx.execute(text("ALTER TABLE official RENAME TO gone"))
    answer = client.get("/officials/")
    assert answer.status_code == 500
    assert "<nav" in answer.text


def test_a_part_that_does_not_answer_is_named_in_the_persons_language(runtime: Runtime) -> None:
    client = sign_in(runtime, make_group(runtime))
    client.post("/language/es")
    answer = client.get(f"/phones/{number(1)}")
    assert answer.status_code == 503
    assert "Una parte del sitio no responde" in answer.text
