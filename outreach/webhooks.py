"""Every Twilio endpoint: verify -> dedupe -> use case -> TwiML. No SQL here.

The signature covers the public URL and the sorted parameters without delimiters, so a strict gate stands in front
of it: form bodies only, each key once, identifiers of the right shape, our own account. What fails is 403.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from hmac import compare_digest

from flask import Blueprint, Flask, Request, Response, abort, request
from twilio.request_validator import RequestValidator
from twilio.twiml.messaging_response import MessagingResponse
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from config.settings import Settings
from outreach.access import count_as, note_ids, note_requests
from outreach.calls.dialing_in import stranger, take_call
from outreach.calls.flow import Heard
from outreach.calls.talking import call_status, leg_status, next_turn
from outreach.carrier.forms import CALL_SID, CALL_STATUS, CALLS, SENDER, SID, STATUS, TEXTS, Kind, read_form
from outreach.core.latencies import LATENCIES
from outreach.core.proof import proof
from outreach.core.runtime import Runtime
from outreach.messaging.answers import Answer
from outreach.messaging.inbound import InboundText
from outreach.messaging.reports import record_status
from outreach.replies import answer_text, lead_by_key
from outreach.serving import DatabaseId, refuse_strange_hosts, runtime

webhooks = Blueprint("webhooks", __name__, url_prefix="/twilio")

SIDS = {"MessageSid": "message_sid", "CallSid": "call_sid"}
"""The carrier's ids in a signed form, and what the log calls them."""
MAX_BODY = 4_096
UNSIGNED = "unsigned"
"""How a form is counted that names our account and has another signature. Strangers do not know the account: it is our
token or our address that has changed, and every STOP is refused until it is mended."""
E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
MAX_FORM = 64 * 1024
"""Bytes. A text of 1,600 characters, all emoji, with ten pictures is a third of it; who sends more is a stranger,
whom reading a megabyte would let take half a second of a processor."""


def webhook_app(held: Runtime) -> Flask:
    """The endpoints by themselves: what pages need of a request (who asks, in which language) costs as much again."""
    app = Flask(__name__, static_folder=None)
    app.url_map.converters["int"] = DatabaseId
    app.url_map.merge_slashes = False  # another address is not ours, and no redirect to ours either
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM
    app.extensions["outreach"] = held
    app.register_blueprint(webhooks)
    note_requests(app, "webhook", LATENCIES)
    app.before_request(refuse_strange_hosts)
    app.after_request(_private)
    return app


def _private(response: Response) -> Response:
    """Answers hold what a person is told: nobody on the way keeps one, or takes it for something else."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def verified(incoming: Request, shapes: Mapping[str, re.Pattern[str]], kind: Kind = TEXTS) -> dict[str, str]:
    """The form of a request that Twilio signed; aborts with 403 when anything is not as Twilio sends it.

    ``shapes``: the parameters that must be there.
    """
    settings = runtime().settings
    # Werkzeug takes a method in any case; Twilio's is in capitals.
    if incoming.environ["REQUEST_METHOD"] != "POST" or incoming.query_string or "Content-Encoding" in incoming.headers:
        abort(403)
    try:
        raw = incoming.get_data(cache=False)
        form = read_form(incoming.content_type or "", raw, kind)
    except (ValueError, RequestEntityTooLarge):
        abort(403)
    if incoming.content_length != len(raw):  # broken off; the server hands over what it got, a chunked one's too
        abort(403)
    if form.get("AccountSid") != settings.twilio_account_sid:
        abort(403)
    if any(not shape.fullmatch(form.get(key, "")) for key, shape in shapes.items()):
        abort(403)
    if not _is_signed(settings, settings.public_base_url + incoming.path, form, incoming.headers):
        count_as(UNSIGNED)
        abort(403)
    note_ids(**{name: form[key] for key, name in SIDS.items() if key in shapes})
    return form


def _is_signed(settings: Settings, url: str, form: dict[str, str], headers: Headers) -> bool:
    """By the address as we gave it; the SDK's own check, which also tries it with and without a port, costs twice."""
    signature = headers.get("X-Twilio-Signature", "")
    validator = RequestValidator(settings.twilio_auth_token.get_secret_value())
    as_given: str = validator.compute_signature(url, form)
    if compare_digest(as_given.encode(), signature.encode("utf-8", "replace")):
        return True
    return bool(validator.validate(url, form, signature))


@webhooks.post("/sms", provide_automatic_options=False)
def inbound_text() -> Response:
    """A text from a person; a picture may come without words."""
    form = verified(request, {"MessageSid": SID, "From": SENDER, "To": SENDER})
    words = form.get("Body", "" if form.get("NumMedia", "0").strip("0") else None)
    if words is None:
        abort(403)
    at = runtime().clock.real_now()
    text = InboundText(
        form["MessageSid"], form["From"], form["To"], words[:MAX_BODY], at, form.get("OptOutType") or None
    )
    return twiml(answer_text(runtime(), text))


@webhooks.post("/status/<int:attempt_id>", provide_automatic_options=False)
def status_report(attempt_id: int) -> Response:
    """A carrier's report on one of our messages."""
    form = verified(request, {"MessageSid": SID, "MessageStatus": STATUS})
    code = form.get("ErrorCode", "")
    at: datetime = runtime().clock.real_now()
    record_status(runtime(), attempt_id, form["MessageSid"], form["MessageStatus"], int(code) if code else None, at)
    return Response(status=204)


@webhooks.post("/probe", provide_automatic_options=False)
def probe() -> Response:
    """The doctor's question: does a text that Twilio signed come through to us? Nothing is kept of it."""
    form = verified(request, {"MessageSid": SID, "From": SENDER, "To": SENDER})
    secret = runtime().settings.secret_key.get_secret_value()
    return Response(proof(secret, form["MessageSid"][2:].lower()), mimetype="text/plain")


@webhooks.post("/voice", provide_automatic_options=False)
def call_in() -> Response:
    """Somebody calls our number; who hides theirs hears who we are."""
    form = verified(request, {"CallSid": CALL_SID, "To": SENDER}, CALLS)
    sender = form.get("From", "")
    if not E164.fullmatch(sender):
        return voice(stranger(""))
    return voice(take_call(runtime(), form["CallSid"], sender))


@webhooks.post("/voice/<int:session_id>/<int:step>", provide_automatic_options=False)
def call_turn(session_id: int, step: int) -> Response:
    """A call of ours was taken, a question was answered with keys, or an office leg has ended."""
    form = verified(request, {"CallSid": CALL_SID}, CALLS)
    if step == 0:
        heard = Heard("answered")
    elif "DialCallStatus" in form:
        seconds = form.get("DialCallDuration", "0")
        heard = Heard(
            "dialed", status=form["DialCallStatus"], seconds=int(seconds or 0),
            sid=form.get("DialCallSid"),
        )  # fmt: skip
    else:
        heard = Heard("keys", keys=form.get("Digits", ""))
    said = next_turn(runtime(), session_id, step, heard, form["CallSid"], lead_by_key)
    return voice(said) if said is not None else abort(403)


@webhooks.post("/voice/<int:session_id>/status", provide_automatic_options=False)
def call_report(session_id: int) -> Response:
    """A carrier's report on one of our calls."""
    form = verified(request, {"CallSid": CALL_SID, "CallStatus": CALL_STATUS}, CALLS)
    number, lasted = int(form.get("SequenceNumber") or 0), int(form.get("CallDuration") or 0)
    known = call_status(runtime(), session_id, form["CallSid"], form["CallStatus"], number, lasted)
    return Response(status=204) if known else abort(403)


@webhooks.post("/voice/<int:session_id>/leg/<int:step>", provide_automatic_options=False)
def leg_report(session_id: int, step: int) -> Response:
    """A carrier's report on an office leg."""
    form = verified(request, {"CallSid": CALL_SID, "CallStatus": CALL_STATUS}, CALLS)
    seconds = form.get("CallDuration", "")
    lasted = int(seconds) if seconds else None
    known = leg_status(runtime(), session_id, step, form["CallSid"], form["CallStatus"], lasted)
    return Response(status=204) if known else abort(403)


def voice(document: str) -> Response:
    """What a caller hears."""
    return Response(document, mimetype="text/xml")


def twiml(answer: Answer | None) -> Response:
    """The webhook's response; an empty ``<Response/>`` says nothing."""
    document = MessagingResponse()
    if answer is not None:
        callback = f"{runtime().settings.public_base_url}/twilio/status/{answer.attempt_id}"
        document.message(body=answer.body, status_callback=callback)
    return Response(str(document), mimetype="text/xml")
