"""One application for all tests of rehearsed calls, and a carrier each for those who wait for nobody and for us."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

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

FAST, SLOW = 300, 60
"""Speeds of the clock. What a test does by hand must come before somebody rings off, on a busy machine too."""


@pytest.fixture(scope="package")
def app() -> Iterator[Application]:
    with application() as listening:
        yield listening


@contextmanager
def clocked(app: Application, speed: int) -> Iterator[Rehearsal]:
    real = time.time()
    with running(app.url, REHEARSAL_CLOCK=f"{real}/{real}/{speed}") as carrier:
        yield carrier


@pytest.fixture(scope="package")
def fast(app: Application) -> Iterator[Rehearsal]:
    with clocked(app, FAST) as carrier:
        yield carrier


@pytest.fixture(scope="package")
def slow(app: Application) -> Iterator[Rehearsal]:
    with clocked(app, SLOW) as carrier:
        yield carrier


@pytest.fixture
def exchange(fast: Rehearsal) -> Rehearsal:
    """The carrier that this module's tests use; another module may say another."""
    return fast


@pytest.fixture
def script(app: Application) -> Script:
    app.calls.clear()
    playing = Script(app)
    app.answer = playing
    return playing


@pytest.fixture
def carrier(exchange: Rehearsal, script: Script) -> Rehearsal:
    """Everybody picks up, nobody presses a key, and the office answers, until a test says otherwise."""
    weights = {"people": {"weights": {"silent": 1}}, "offices": {"weights": {"answers": 1}}}
    exchange.put("personas", {"calls": weights})
    pin(exchange, person="silent", office="answers")
    return exchange


@pytest.fixture
def sdk(carrier: Rehearsal) -> Iterator[Client]:
    http = Loopback(carrier.base)
    yield Client(ACCOUNT_SID, TOKEN, http_client=http)
    http.session.close()
