"""What protects the site whoever asks: headers, cookies, the names it is served under, limits that lock nobody out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from outreach.core.runtime import Runtime
from outreach.messaging.page_links import PURPOSE, token_for
from outreach.messaging.sign_up_rules import Limit
from outreach.serving import own_address
from outreach.web import public_limits
from outreach.web.app import create_app
from outreach.web.limits import LIMITS
from outreach.web.roles import PUBLIC, declared_role
from outreach.web.security import FEATURES
from tests.factories import make_group
from tests.integration.test_live import sign_in

HERE = "calls.example.org"


@pytest.fixture
def published(runtime: Runtime) -> Runtime:
    """The same site as people reach it in production."""
    changes = {
        "mode": "production",
        "public_base_url": f"https://{HERE}",
        "allowed_hosts": frozenset({"old.example.net"}),
    }
    return replace(runtime, settings=runtime.settings.model_copy(update=changes))


@pytest.fixture
def client(published: Runtime) -> Iterator[FlaskClient]:
    yield create_app(published.settings, published).test_client()


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/s/" + "x" * 23, "/healthz", "/static/site.css", "/campaigns/1"]
)
def test_every_answer_carries_its_headers(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Host": HERE}) as answer:
        headers = answer.headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == ("no-referrer" if path.startswith("/s/") else "same-origin")
    assert all(f"{feature}=()" in headers["Permissions-Policy"] for feature in FEATURES)
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_a_rehearsal_promises_no_https(runtime: Runtime) -> None:
    answer = create_app(runtime.settings, runtime).test_client().get("/sign-in")
    assert "Strict-Transport-Security" not in answer.headers


def test_the_cookie_is_this_hosts_alone(client: FlaskClient) -> None:
    given = client.get("/sign-in", headers={"Host": HERE}).headers["Set-Cookie"]
    name, _, rest = given.partition("=")
    assert name == "__Host-session"
    words = {word.strip() for word in rest.split(";")}
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= words
    assert not any(word.startswith("Domain") for word in words)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HERE, 200), (HERE.upper(), 200), (f"{HERE}:443", 200), (f"{HERE}.", 200), ("old.example.net", 200),
        ("evil.example.com", 421), (f"{HERE}.evil.com", 421), (f"evil.{HERE}", 421), (f"{HERE}:8443", 421),
        ("localhost", 421), ("127.0.0.1", 421), ("a b", 400), ("http://evil", 400),
    ],
)  # fmt: skip
def test_only_names_of_the_site_are_served(client: FlaskClient, host: str, status: int) -> None:
    answer = client.get("/sign-in", headers={"Host": host, "X-Forwarded-Host": HERE, "Forwarded": f"host={HERE}"})
    assert answer.status_code == status
    assert "evil" not in answer.text


def test_health_checks_are_answered_to_this_machine_and_its_network(client: FlaskClient) -> None:
    for peer, status in (("127.0.0.1", 200), ("10.0.0.7", 200), ("::ffff:10.0.0.7", 200), ("203.0.113.5", 421)):
        answer = client.get("/healthz", headers={"Host": "10.0.0.8:8000"}, environ_base={"REMOTE_ADDR": peer})
        assert answer.status_code == status, peer
    assert client.get("/sign-in", headers={"Host": "10.0.0.8:8000"}).status_code == 421


def test_what_a_proxy_says_of_host_and_scheme_changes_no_address(client: FlaskClient) -> None:
    said = {
        "Host": HERE,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
    }
    answer = client.get("/officials", headers=said)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{HERE}/officials/")


@pytest.mark.parametrize(
    "back",
    [
        "//evil.com",
        "/\\evil.com",
        "/\t/evil.com",
        "/\n/evil.com",
        "https://evil.com",
        "evil.com",
        "/a\\b",
        "",
        "/\r\nX: y",
    ],
)
def test_no_form_leads_to_another_site(runtime: Runtime, back: str) -> None:
    client = create_app(runtime.settings, runtime).test_client()
    client.application.config["WTF_CSRF_ENABLED"] = False
    answer = client.post("/language/es", data={"back": back})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert own_address("/officials/?q=a b#c") == "/officials/?q=a b#c"


def test_a_holder_of_a_link_is_not_locked_out_by_neighbours(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands share a phone company's address: strangers there use up their own looks, a link of ours has its own."""
    monkeypatch.setattr(public_limits, "ONE_READER", (Limit(2, timedelta(minutes=1)),))
    client = create_app(runtime.settings, runtime).test_client()
    ours, another = (f"/s/{token_for(runtime, number, PURPOSE)}" for number in (1, 2))
    made_up = [client.get("/s/" + letter * 23).status_code for letter in "abcd"]
    assert made_up == [404, 404, 429, 429]
    assert [client.get(ours).status_code for _ in range(3)] == [404, 404, 429], "no such text, but our signature"
    assert client.get(another).status_code == 404
    assert client.get(ours, headers={"X-Forwarded-For": "198.51.100.9"}).status_code == 429, "the link's, wherever from"


def test_proxies_are_believed_as_far_as_they_are_ours(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_limits, "ONE_READER", (Limit(1, timedelta(minutes=1)),))
    for proxies, told in ((0, "6.6.6.{}"), (1, "6.6.6.{}, 203.0.113.5"), (2, "6.6.6.{}, 203.0.113.5, 10.0.0.1")):
        held = replace(runtime, settings=runtime.settings.model_copy(update={"trusted_proxies": proxies}))
        client = create_app(held.settings, held).test_client()
        found = [client.get("/join/x-1", headers={"X-Forwarded-For": told.format(each)}).status_code for each in (1, 2)]
        assert found == [404, 429], "what a stranger writes there makes nobody somebody else"


def test_files_and_searches_are_limited_for_each_person(runtime: Runtime) -> None:
    group = make_group(runtime)
    client = sign_in(runtime, group)
    most = LIMITS["searches"][1][0].most
    found = {client.post("/people/find", data={"number": ""}).status_code for _ in range(most)}
    assert 429 not in found
    late = client.post("/people/find", data={"number": ""})
    assert (late.status_code, late.headers["Retry-After"]) == (429, "60")
    assert "too often" in late.text
    assert client.get("/people/").status_code == 200, "pages go on"
    exported = [client.post("/people/export", data={}).status_code for _ in range(LIMITS["exports"][1][0].most + 1)]
    assert (exported[0], exported[-1]) == (422, 429)


def test_each_limit_names_endpoints_of_people_who_are_signed_in(runtime: Runtime) -> None:
    app = create_app(runtime.settings, runtime)
    named = [endpoint for endpoints, _ in LIMITS.values() for endpoint in endpoints]
    assert len(named) == len(set(named))
    assert [name for name in named if declared_role(app, name) in {None, PUBLIC}] == []
    exports = {name for name in app.view_functions if name.endswith((".export", ".data")) and "data_form" not in name}
    assert exports <= set(named)
