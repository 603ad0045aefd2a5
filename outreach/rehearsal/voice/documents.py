"""Reads the TwiML that a call executes, and refuses what Twilio's schema does not have. Pure.

Only the verbs and attributes that the rehearsal carrier executes are known, so that a document which would be
played otherwise than at Twilio is an error and no surprise. Document types, and with them entities, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from outreach.rehearsal.twiml import UNKNOWN_VERB, TwimlError
from outreach.rehearsal.voice import verbs
from outreach.rehearsal.voice.elements import Element, read_elements

TOO_LARGE: Final = 11750
BAD_NUMBER: Final = 13223
LONGEST_DOCUMENT: Final = 64 * 1024
LONGEST_SPEECH: Final = 4096
ENGLISH: Final = ("en-AU", "en-CA", "en-GB", "en-IN", "en-US")
SPANISH: Final = ("es-ES", "es-MX", "es-US")
OTHERS: Final = ("cmn-CN", "de-DE", "fr-CA", "fr-FR", "hi-IN", "it-IT", "ja-JP", "ko-KR", "pt-BR", "ru-RU", "vi-VN")
LANGUAGES: Final = (*ENGLISH, *SPANISH, *OTHERS)
VOICE: Final = re.compile(r"man|woman|alice|(Polly|Google)\.[A-Za-z][A-Za-z0-9-]+")
RECORD: Final = (
    "do-not-record",
    *(f"record-from-{since}{sides}" for since in ("answer", "ringing") for sides in ("", "-dual")),
)
NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")

Reader = Callable[[str], Any]


def read_document(text: str) -> verbs.Document:
    """The verbs of a document, in order. Raises TwimlError with Twilio's code."""
    if len(text.encode("utf-8", "replace")) > LONGEST_DOCUMENT:
        raise TwimlError(TOO_LARGE)
    root = read_elements(text)
    if root.name != "Response":
        raise TwimlError(UNKNOWN_VERB)
    _read(root, {})
    return tuple(_verb(child) for child in _children(root))


def _verb(element: Element) -> verbs.Verb:
    known = VERBS.get(element.name)
    if known is None:
        raise TwimlError(UNKNOWN_VERB)
    return known(element)


def _say(element: Element) -> verbs.Say:
    given = _read(element, {"language": _one_of(LANGUAGES), "voice": _like(VOICE), "loop": _whole(0, 1000)})
    words = " ".join(_text(element).split())
    if not 0 < len(words) <= LONGEST_SPEECH:
        raise TwimlError(UNKNOWN_VERB)
    return verbs.Say(words, **given)


def _pause(element: Element) -> verbs.Pause:
    given = _read(element, {"length": _whole(0, 3600)})
    _nothing_in(element)
    return verbs.Pause(**given)


def _gather(element: Element) -> verbs.Gather:
    given = _read(
        element,
        {
            "input": _one_of(("dtmf",)),
            "action": str,
            "method": _one_of(("GET", "POST")),
            "numDigits": _whole(1, 1000),
            "timeout": _whole(1, 3600),
            "finishOnKey": _one_of(("", *"0123456789*#")),
            "actionOnEmptyResult": _flag,
            "language": _one_of(LANGUAGES),
        },
    )
    given.pop("input", None)
    given.pop("language", None)  # is about speech
    return verbs.Gather(prompts=tuple(_prompt(child) for child in _children(element)), **given)


def _prompt(element: Element) -> verbs.Prompt:
    match _verb(element):
        case verbs.Say() | verbs.Pause() as prompt:
            return prompt
        case _:
            raise TwimlError(UNKNOWN_VERB)


def _dial(element: Element) -> verbs.Dial:
    given = _read(
        element,
        {
            "callerId": str,
            "timeout": _whole(1, 600),
            "timeLimit": _whole(1, 86_400),
            "hangupOnStar": _flag,
            "action": str,
            "method": _one_of(("GET", "POST")),
            "record": _one_of(RECORD),
            "answerOnBridge": _flag,
        },
    )
    given.pop("record", None)  # nothing is ever recorded here
    return verbs.Dial(number=_dialled(element), **given)


def _dialled(element: Element) -> verbs.Number:
    """The one number: several at once, which Twilio allows, would leave two parties on the line here."""
    if not element.children:
        return verbs.Number(_number(_text(element)))
    children = _children(element)
    if [child.name for child in children] != ["Number"]:
        raise TwimlError(UNKNOWN_VERB)
    (child,) = children
    given = _read(
        child,
        {
            "sendDigits": _like(re.compile(r"[0-9*#wW]{1,100}")),
            "statusCallback": str,
            "statusCallbackMethod": _one_of(("GET", "POST")),
            "statusCallbackEvent": _events,
        },
    )
    wanted = {name.replace("status_", ""): value for name, value in given.items()}
    if "callback_event" in wanted:
        wanted["callback_events"] = wanted.pop("callback_event")
    elif "callback" in wanted:
        wanted["callback_events"] = frozenset(("completed",))
    return verbs.Number(_number(_text(child)), **wanted)


def _redirect(element: Element) -> verbs.Redirect:
    given = _read(element, {"method": _one_of(("GET", "POST"))})
    return verbs.Redirect(_text(element).strip() or None, **given)


def _hangup(element: Element) -> verbs.Hangup:
    _read(element, {})
    _nothing_in(element)
    return verbs.Hangup()


def _reject(element: Element) -> verbs.Reject:
    given = _read(element, {"reason": _one_of(("rejected", "busy"))})
    _nothing_in(element)
    return verbs.Reject(**given)


VERBS: Mapping[str, Callable[[Element], verbs.Verb]] = {
    "Say": _say,
    "Pause": _pause,
    "Gather": _gather,
    "Dial": _dial,
    "Redirect": _redirect,
    "Hangup": _hangup,
    "Reject": _reject,
}


def _read(element: Element, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The attributes that are given, by our names for them."""
    given = {}
    for name, value in element.attributes.items():
        if name not in readers:
            raise TwimlError(UNKNOWN_VERB)
        given[re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)] = readers[name](value)
    return given


def _children(element: Element) -> list[Element]:
    """What stands in an element that holds no words of its own."""
    if element.text.strip():
        raise TwimlError(UNKNOWN_VERB)
    return element.children


def _text(element: Element) -> str:
    if element.children:
        raise TwimlError(UNKNOWN_VERB)
    return element.text


def _nothing_in(element: Element) -> None:
    if _children(element):
        raise TwimlError(UNKNOWN_VERB)


def _number(text: str) -> str:
    number = re.sub(r"[\s().-]", "", text)
    if not NUMBER.fullmatch(number):
        raise TwimlError(BAD_NUMBER)
    return number


def _events(value: str) -> frozenset[str]:
    events = frozenset(value.split())
    if not events or not events <= frozenset(verbs.EVENTS):
        raise TwimlError(UNKNOWN_VERB)
    return events


def _flag(value: str) -> bool:
    return bool(_one_of(("true", "false"))(value) == "true")


def _one_of(values: tuple[str, ...]) -> Reader:
    def read(value: str) -> str:
        if value not in values:
            raise TwimlError(UNKNOWN_VERB)
        return value

    return read


def _like(form: re.Pattern[str]) -> Reader:
    def read(value: str) -> str:
        if not form.fullmatch(value):
            raise TwimlError(UNKNOWN_VERB)
        return value

    return read


def _whole(least: int, most: int) -> Reader:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 8 and least <= int(value) <= most):
            raise TwimlError(UNKNOWN_VERB)
        return int(value)

    return read
