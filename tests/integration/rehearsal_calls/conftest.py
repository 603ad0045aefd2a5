"""One carrier with a fast clock, and one application, for all tests of rehearsed calls."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from twilio.rest import Client

from tests.integration.rehearsal_calls.script import Script, pin
from tests.integration.test_rehearsal_api import Loopback
from tests.integration.test_rehearsal_process import (
    ACCOUNT_SID,
    TOKEN,
    Application,
    Rehearsal,
    application,
    running,
)

SPEED = 300


@pytest.fixture(scope="package")
def app() -> Iterator[Application]:
    with application() as listening:
        yield listening


@pytest.fixture(scope="package")
def fast(app: Application) -> Iterator[Rehearsal]:
    real = time.time()
    with running(app.url, REHEARSAL_CLOCK=f"{real}/{real}/{SPEED}") as carrier:
        yield carrier


@pytest.fixture
def script(app: Application) -> Script:
    app.calls.clear()
    playing = Script(app)
    app.answer = playing
    return playing


@pytest.fixture
def carrier(fast: Rehearsal, script: Script) -> Rehearsal:
    fast.put("personas", {"calls": {"people": {"weights": {"silent": 1}}, "offices": {"weights": {"answers": 1}}}})
    pin(fast, person="silent", office="answers")
    return fast


@pytest.fixture
def sdk(carrier: Rehearsal) -> Iterator[Client]:
    http = Loopback(carrier.base)
    yield Client(ACCOUNT_SID, TOKEN, http_client=http)
    http.session.close()
