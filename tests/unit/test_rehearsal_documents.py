"""TwiML for calls: what Twilio's own library writes is read back as it was meant, and everything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.twiml.voice_response import Dial as SdkDial
from twilio.twiml.voice_response import Gather as SdkGather
from twilio.twiml.voice_response import VoiceResponse

from outreach.rehearsal.twiml import TwimlError
from outreach.rehearsal.voice.documents import LANGUAGES, LONGEST_DOCUMENT, LONGEST_SPEECH, read_document
from outreach.rehearsal.voice.verbs import (
    EVENTS,
    Dial,
    Document,
    Gather,
    Hangup,
    Number,
    Pause,
    Redirect,
    Reject,
    Say,
    Verb,
)

OFFICE = "+16025550190"
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
METHODS = st.sampled_from(["GET", "POST"])
PATHS = st.sampled_from(["/twilio/voice/7/2", "https://example.org/a?b=1&c=2"])
SAYS = st.builds(
    Say,
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    language=st.sampled_from(LANGUAGES),
    voice=st.sampled_from(["man", "alice", "Polly.Joanna", "Google.es-US-Standard-A"]),
    loop=st.integers(0, 3),
)
PAUSES = st.builds(Pause, st.integers(0, 60))
GATHERS = st.builds(
    Gather,
    st.lists(SAYS | PAUSES, max_size=3).map(tuple),
    action=st.none() | PATHS,
    method=METHODS,
    num_digits=st.none() | st.integers(1, 5),
    timeout=st.integers(1, 20),
    finish_on_key=st.sampled_from(["#", "*", "", "0"]),
    action_on_empty_result=st.booleans(),
)
NUMBERS = st.builds(Number, st.just(OFFICE), send_digits=st.sampled_from(["", "ww12#"])) | st.builds(
    Number,
    st.just(OFFICE),
    callback=PATHS,
    callback_method=METHODS,
    callback_events=st.frozensets(st.sampled_from(EVENTS), min_size=1),
)
DIALS = st.builds(
    Dial,
    NUMBERS,
    caller_id=st.none() | st.just("+14805550100"),
    timeout=st.integers(1, 600),
    time_limit=st.integers(1, 14_400),
    hangup_on_star=st.booleans(),
    action=st.none() | PATHS,
    method=METHODS,
    answer_on_bridge=st.booleans(),
)
REDIRECTS = st.builds(Redirect, PATHS, method=METHODS)
REJECTS = st.builds(Reject, st.sampled_from(["rejected", "busy"]))
DOCUMENTS = st.lists(SAYS | PAUSES | GATHERS | DIALS | REDIRECTS | REJECTS | st.builds(Hangup), max_size=4).map(tuple)


def written(document: Document) -> str:
    """The document as Twilio's library writes it."""
    response = VoiceResponse()
    for verb in document:
        write(response, verb)
    return str(response)


def write(to: VoiceResponse | SdkGather, verb: Verb) -> None:
    match verb:
        case Say():
            to.say(verb.words, voice=verb.voice, language=verb.language, loop=verb.loop)
        case Pause():
            to.pause(length=verb.length)
        case Gather():
            gather = SdkGather(
                input="dtmf",
                action=verb.action,
                method=verb.method,
                num_digits=verb.num_digits,
                timeout=verb.timeout,
                finish_on_key=verb.finish_on_key,
                action_on_empty_result=verb.action_on_empty_result,
            )
            for prompt in verb.prompts:
                write(gather, prompt)
            to.append(gather)
        case Dial():
            number = verb.number
            dial = SdkDial(
                caller_id=verb.caller_id,
                timeout=verb.timeout,
                time_limit=verb.time_limit,
                hangup_on_star=verb.hangup_on_star,
                action=verb.action,
                method=verb.method,
                answer_on_bridge=verb.answer_on_bridge,
                record="do-not-record",
            )
            dial.number(
                number.number,
                send_digits=number.send_digits or None,
                status_callback=number.callback,
                status_callback_method=number.callback_method if number.callback else None,
                status_callback_event=" ".join(sorted(number.callback_events)) or None,
            )
            to.append(dial)
        case Redirect():
            to.redirect(verb.url, method=verb.method)
        case Hangup():
            to.hangup()
        case Reject():
            to.reject(reason=verb.reason)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS)
def test_what_twilios_library_writes_is_read_as_it_was_meant(document: Document) -> None:
    assert read_document(written(document)) == document


@given(st.text(max_size=200) | st.text("<>/=\"' ResponsaySyDil&;!?x1", max_size=80))
def test_whatever_comes_is_verbs_or_one_of_twilios_errors(text: str) -> None:
    try:
        document = read_document(text)
    except TwimlError as problem:
        assert problem.code in (12100, 12200, 13223)
    else:
        assert isinstance(document, tuple)


def test_defaults_are_twilios() -> None:
    text = f"<Response><Gather/><Dial>{OFFICE}</Dial><Say>a  b\n c</Say><Redirect/><Reject/></Response>"
    gather, dial, say, redirect, reject = read_document(text)
    assert gather == Gather(num_digits=None, timeout=5, finish_on_key="#", action_on_empty_result=False, method="POST")
    assert dial == Dial(Number(OFFICE), timeout=30, time_limit=14_400, hangup_on_star=False)
    assert (say, redirect, reject) == (Say("a b c", "en-US"), Redirect(None), Reject("rejected"))


def test_a_callback_without_events_is_told_the_end() -> None:
    (dial,) = read_document(f'<Response><Dial><Number statusCallback="/s">{OFFICE}</Number></Dial></Response>')
    assert isinstance(dial, Dial)
    assert dial.number == Number(OFFICE, callback="/s", callback_events=frozenset(("completed",)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 12100),
        ("oops", 12100),
        ("<Response>", 12100),
        ("<Response/>junk", 12100),
        ('<!DOCTYPE Response [<!ENTITY a "b">]><Response><Say>&a;</Say></Response>', 12100),
        ("<Response><Say>&a;</Say></Response>", 12100),
        ("<Say>x</Say>", 12200),
        ("<response/>", 12200),
        ("<Response>words</Response>", 12200),
        ("<Response version='1'/>", 12200),
        ("<Response><Play>https://example.org/a.mp3</Play></Response>", 12200),
        ("<Response><say>x</say></Response>", 12200),
        ("<Response><Say/></Response>", 12200),
        ("<Response><Say><Pause/></Say></Response>", 12200),
        ("<Response><Say language='en'>x</Say></Response>", 12200),
        ("<Response><Say voice='robot'>x</Say></Response>", 12200),
        ("<Response><Say loop='-1'>x</Say></Response>", 12200),
        ("<Response><Say speed='2'>x</Say></Response>", 12200),
        (f"<Response><Say>{'x' * (LONGEST_SPEECH + 1)}</Say></Response>", 12200),
        ("<Response><Pause length='long'/></Response>", 12200),
        ("<Response><Pause>x</Pause></Response>", 12200),
        ("<Response><Gather input='speech'/></Response>", 12200),
        ("<Response><Gather numDigits='0'/></Response>", 12200),
        ("<Response><Gather timeout='auto'/></Response>", 12200),
        ("<Response><Gather finishOnKey='##'/></Response>", 12200),
        ("<Response><Gather actionOnEmptyResult='yes'/></Response>", 12200),
        ("<Response><Gather method='PUT'/></Response>", 12200),
        (f"<Response><Gather><Dial>{OFFICE}</Dial></Gather></Response>", 12200),
        ("<Response><Gather><Gather/></Gather></Response>", 12200),
        ("<Response><Dial/></Response>", 13223),
        ("<Response><Dial>office</Dial></Response>", 13223),
        ("<Response><Dial><Number>6025550190</Number></Dial></Response>", 13223),
        (f"<Response><Dial>{OFFICE}<Number>{OFFICE}</Number></Dial></Response>", 12200),
        (f"<Response><Dial><Number>{OFFICE}</Number><Number>{OFFICE}</Number></Dial></Response>", 12200),
        ("<Response><Dial><Client>joe</Client></Dial></Response>", 12200),
        (f"<Response><Dial record='maybe'>{OFFICE}</Dial></Response>", 12200),
        (f"<Response><Dial timeout='0'>{OFFICE}</Dial></Response>", 12200),
        (f"<Response><Dial><Number sendDigits='1,2'>{OFFICE}</Number></Dial></Response>", 12200),
        (f"<Response><Dial><Number statusCallbackEvent='done'>{OFFICE}</Number></Dial></Response>", 12200),
        ("<Response><Reject reason='rude'/></Response>", 12200),
        ("<Response><Hangup now='true'/></Response>", 12200),
        ("<Response><Redirect><Say>x</Say></Redirect></Response>", 12200),
        ("<Response>" + "<Gather>" * 200 + "</Gather>" * 200 + "</Response>", 12200),
        (f"<Response><!--{'x' * LONGEST_DOCUMENT}--></Response>", 11750),
    ],
)
def test_what_is_refused(text: str, code: int) -> None:
    with pytest.raises(TwimlError) as caught:
        read_document(text)
    assert caught.value.code == code
