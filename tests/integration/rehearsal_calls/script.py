"""What tests of rehearsed calls share: documents that patch a call through, and ways to play it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from tests.fixtures.twilio_call import check_call
from tests.integration.test_rehearsal_process import OURS, TOKEN, Answer, Application, Call, Rehearsal

PERSON = "+16025550110"
OFFICE = "+16025550190"
EVENTS = ["initiated", "ringing", "answered", "completed"]
MENU = "Press 1 to be connected to the office."
HOW_WAS_IT = "How was it? Press 1 to 5."


def menu(patience: int = 5) -> VoiceResponse:
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, timeout=patience, action="/chosen", action_on_empty_result=True)
    gather.say(MENU, language="en-US")
    gather.say("Para español, oprima 2.", language="es-MX")
    response.append(gather)
    return response


def dialling(patience: int = 25) -> VoiceResponse:
    response = VoiceResponse()
    dial = Dial(caller_id=OURS, timeout=patience, time_limit=900, action="/dialled", hangup_on_star=True)
    dial.number(OFFICE, send_digits="ww12", status_callback="/office", status_callback_event=" ".join(EVENTS))
    response.append(dial)
    return response


def asking(patience: int = 5) -> VoiceResponse:
    response = VoiceResponse()
    gather = Gather(num_digits=1, timeout=patience, action="/outcome")
    gather.say(HOW_WAS_IT)
    response.append(gather)
    return response


def saying(words: str) -> VoiceResponse:
    response = VoiceResponse()
    response.say(words)
    return response


class Script:
    """An application that patches calls through; single paths can be served otherwise."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.pages: dict[str, Callable[[Call], Answer | None]] = {}
        self.patience: dict[str, int] = {}
        """Empty, or how long documents wait for keys and for the office."""

    def __call__(self, call: Call) -> Answer | None:
        path = urlsplit(call.path).path
        if path in self.pages:
            return self.pages[path](call)
        documents: dict[str, Callable[[], VoiceResponse]] = {
            "/twilio/voice": lambda: menu(**self.patience),
            "/menu": lambda: menu(**self.patience),
            "/chosen": lambda: self.chosen(call.form["Digits"]),
            "/dialled": lambda: asking(**self.patience),
            "/outcome": lambda: saying("Thank you."),
        }
        return (200, "text/xml", str(documents[path]())) if path in documents else (204, "text/plain", "")

    def serve(self, path: str, document: VoiceResponse | str) -> None:
        self.pages[path] = lambda call: (200, "text/xml", str(document))

    def chosen(self, digits: str) -> VoiceResponse:
        match digits:
            case "":
                return VoiceResponse()
            case "1":
                return dialling(**self.patience)
            case "9":
                return saying("Goodbye.")
            case _:
                return menu(**self.patience)


def pin(carrier: Rehearsal, person: str | None = None, office: str | None = None) -> None:
    """Give the person or the office a persona."""
    people = {PERSON: person} if person else {}
    offices = {OFFICE: office} if office else {}
    carrier.put("personas", {"calls": {"people": {"numbers": people}, "offices": {"numbers": offices}}})


def play(carrier: Rehearsal, app: Application, **more: str | list[str]) -> list[dict[str, Any]]:
    """Call the person, let everything happen, and return the legs."""
    answer = carrier.place(PERSON, f"{app.url}/menu", **more)
    assert answer.status_code == 201, answer.text
    check_call(answer.json())
    carrier.settle()
    return carrier.legs(answer.json()["sid"])


def until(carrier: Rehearsal, number: str, what: Callable[[Mapping[str, Any] | None], object]) -> Any:
    """The call at a phone, as soon as it is as wanted."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        call = carrier.phone(number)["call"]
        if what(call):
            return call
    raise AssertionError(f"the call at {number} is {call}")


def assert_signed(call: Call) -> None:
    assert RequestValidator(TOKEN).validate(call.url, call.form, call.headers["X-Twilio-Signature"])
