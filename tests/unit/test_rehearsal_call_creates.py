"""Forms that place or change a call: read, or refused with one of Twilio's codes, whatever they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.clock import Clock
from outreach.rehearsal.account import Account
from outreach.rehearsal.errors import WORDS, Refusal
from outreach.rehearsal.voice.creates import CallChange, CallCreate, read_call, read_change
from outreach.rehearsal.voice.legs import Callback
from outreach.rehearsal.voice.states import Source
from outreach.rehearsal.voice.verbs import Hangup

OURS, PERSON = "+14805550100", "+16025550110"
URL = "https://example.org/twilio/voice/7/1"
ACCOUNT = Account("AC" + "1" * 32, "token", "MG" + "1" * 32, OURS, "default", Clock(), "https://example.org")
LEAST = [("To", PERSON), ("From", OURS), ("Url", URL)]
NAMES = [
    "To",
    "From",
    "Url",
    "Twiml",
    "Method",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Timeout",
    "TimeLimit",
    "MachineDetection",
    "Status",
    "Nonsense",
]
VALUES = st.sampled_from(["", OURS, PERSON, URL, "POST", "completed", "ringing answered", "60", "Enable"]) | st.text()


def test_a_call_with_everything() -> None:
    form = [
        *LEAST,
        ("Twiml", "<Response/>"),
        ("Method", "GET"),
        ("StatusCallback", f"{URL}/status"),
        ("StatusCallbackMethod", "GET"),
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "answered completed"),
        ("Timeout", "25"),
        ("TimeLimit", "1200"),
        ("MachineDetection", "DetectMessageEnd"),
    ]
    callback = Callback(f"{URL}/status", "GET", frozenset(("ringing", "answered", "completed")))
    assert read_call(form, ACCOUNT) == CallCreate(
        PERSON, OURS, Source(URL, "GET"), callback, ring_for=25, time_limit=1200, detection="DetectMessageEnd"
    )


def test_defaults_are_twilios() -> None:
    create = read_call([("To", PERSON), ("From", OURS), ("Twiml", "<Response><Hangup/></Response>")], ACCOUNT)
    assert (create.source, create.callback, create.ring_for) == (Source(document=(Hangup(),)), None, 60)
    told = read_call([*LEAST, ("StatusCallback", URL)], ACCOUNT).callback
    assert told == Callback(URL, "POST", frozenset(("completed",)))


def test_what_a_live_call_is_to_do() -> None:
    assert read_change([("Status", "completed")]) == CallChange("completed", None)
    assert read_change([("Url", URL), ("Method", "GET")]) == CallChange(None, Source(URL, "GET"))
    assert read_change([("Twiml", "<Response>")]) == CallChange(None, Source(document=12100))
    assert read_change([("Nonsense", "1")]) == CallChange(None, None)


@pytest.mark.parametrize(
    "form",
    [
        [("Status", "ringing")],
        [("Status", "completed"), ("Url", URL)],
        [("Url", URL), ("Twiml", "<Response/>")],
        [("Twiml", " " * 4001)],
    ],
)
def test_changes_that_make_no_sense(form: list[tuple[str, str]]) -> None:
    with pytest.raises(Refusal) as caught:
        read_change(form)
    assert caught.value.code == 20001


@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6), st.booleans())
def test_any_form_is_read_or_refused_in_words(more: list[tuple[str, str]], complete: bool) -> None:
    form = [*LEAST, *more] if complete else more
    for read in (lambda: read_call(form, ACCOUNT), lambda: read_change(form)):
        try:
            read()
        except Refusal as refusal:
            assert WORDS[refusal.code]
