"""Reads the forms that place a call or change a live one; refusals bear Twilio's codes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from outreach.rehearsal.account import E164, Account
from outreach.rehearsal.creates import AMERICAN, web_address
from outreach.rehearsal.errors import Refusal
from outreach.rehearsal.twiml import TwimlError
from outreach.rehearsal.voice.documents import read_document
from outreach.rehearsal.voice.legs import Callback
from outreach.rehearsal.voice.states import Source
from outreach.rehearsal.voice.verbs import EVENTS, Document

LONGEST_TWIML: Final = 4000
DETECTION: Final = ("Enable", "DetectMessageEnd")
Form = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CallCreate:
    """A call that may be placed."""

    to: str
    sender: str
    source: Source
    callback: Callback | None
    ring_for: int
    time_limit: int
    detection: str | None
    """Enable, DetectMessageEnd or None."""


@dataclass(frozen=True, slots=True)
class CallChange:
    """What a live call is to do; at most one of the two."""

    status: str | None
    source: Source | None


def read_call(form: Form, account: Account) -> CallCreate:
    """Check the placing of a call. Raises Refusal with the first thing that is wrong."""
    given = dict(form)
    to = _recipient(given, account)
    sender = _sender(given, account)
    if not given.get("Url") and not given.get("Twiml"):
        raise Refusal(21205)
    detection = given.get("MachineDetection") or None
    if detection is not None and detection not in DETECTION:
        raise Refusal(20001)
    return CallCreate(
        to=to,
        sender=sender,
        source=_source(given),
        callback=_callback(form),
        ring_for=_whole(given.get("Timeout") or "60", 600, 21208),
        time_limit=_whole(given.get("TimeLimit") or "14400", 86_400, 20001),
        detection=detection,
    )


def read_change(form: Form) -> CallChange:
    """Check a change of a call. Raises Refusal."""
    given = dict(form)
    status = given.get("Status") or None
    if status not in (None, "canceled", "completed"):
        raise Refusal(20001)
    wishes = [name for name in ("Status", "Url", "Twiml") if given.get(name)]
    if len(wishes) > 1:
        raise Refusal(20001)
    return CallChange(status, _source(given) if wishes and status is None else None)


def _recipient(given: Mapping[str, str], account: Account) -> str:
    to = given.get("To", "").strip()
    if not to:
        raise Refusal(21201)
    if not E164.fullmatch(to):
        raise Refusal(21211)
    if not to.startswith("+1"):
        raise Refusal(21215)
    if not AMERICAN.fullmatch(to):
        raise Refusal(21211)
    if to == account.number:
        raise Refusal(21214)
    return to


def _sender(given: Mapping[str, str], account: Account) -> str:
    sender = given.get("From", "").strip()
    if not sender:
        raise Refusal(21213)
    if not E164.fullmatch(sender):
        raise Refusal(21212)
    if sender != account.number:
        raise Refusal(21210)
    return sender


def _source(given: Mapping[str, str]) -> Source:
    """Where both are given, the URL counts."""
    if url := given.get("Url"):
        return Source(web_address(url, 21205), _method(given, "Method"))
    twiml = given.get("Twiml", "")
    if len(twiml) > LONGEST_TWIML:
        raise Refusal(20001)
    return Source(document=document_or_code(twiml))


def document_or_code(text: str) -> Document | int:
    """The verbs of a document, or the code of what is wrong with it: that comes out when the call gets there."""
    try:
        return read_document(text)
    except TwimlError as problem:
        return problem.code


def _callback(form: Form) -> Callback | None:
    given = dict(form)
    events = frozenset(event for name, value in form if name == "StatusCallbackEvent" for event in value.split())
    if not events <= frozenset(EVENTS):
        raise Refusal(21626)
    method = _method(given, "StatusCallbackMethod")
    url = given.get("StatusCallback")
    return Callback(web_address(url, 21609), method, events or frozenset(("completed",))) if url else None


def _method(given: Mapping[str, str], name: str) -> str:
    method = given.get(name) or "POST"
    if method not in ("GET", "POST"):
        raise Refusal(21209)
    return method


def _whole(text: str, most: int, code: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):
        raise Refusal(code)
    return int(text)
