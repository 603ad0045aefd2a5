"""The Call resource as Twilio writes it in JSON, and the form parameters of the webhooks of a call. Pure.

Source: Twilio's OpenAPI description of api/2010-04-01, schema ``api.v2010.account.call``, and its pages on the
requests to a voice URL, on ``<Gather>``, ``<Dial>`` and on call status callbacks.
"""

from __future__ import annotations

import re
from typing import Any, Final

from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.listing import Page, Query
from outreach.rehearsal.parameters import place_parameters
from outreach.rehearsal.resources import envelope, rfc2822
from outreach.rehearsal.voice.legs import Leg
from outreach.rehearsal.voice.states import FINAL

STATUSES: Final = ("queued", "ringing", "in-progress", "canceled", "completed", "failed", "busy", "no-answer")
SUBRESOURCES: Final = {
    "notifications": "Notifications",
    "recordings": "Recordings",
    "payments": "Payments",
    "events": "Events",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}


def calls_path(account: Account) -> str:
    return f"/{API_VERSION}/Accounts/{account.sid}/Calls"


def call_json(leg: Leg, account: Account) -> dict[str, Any]:
    """The resource; dates are real time in RFC 2822, the duration is in seconds of the carrier's clock."""
    path = f"{calls_path(account)}/{leg.sid}"
    return {
        "account_sid": account.sid,
        "answered_by": leg.answered_by,
        "api_version": API_VERSION,
        "caller_name": None,
        "date_created": rfc2822(leg.created),
        "date_updated": rfc2822(leg.updated),
        "direction": leg.direction,
        "duration": None if leg.duration is None else str(leg.duration),
        "end_time": None if leg.ended is None else rfc2822(leg.ended),
        "forwarded_from": None,
        "from": leg.sender,
        "from_formatted": _formatted(leg.sender),
        "group_sid": None,
        "parent_call_sid": leg.parent_sid,
        "phone_number_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": leg.sid,
        "start_time": None if leg.begun is None else rfc2822(leg.begun),
        "status": leg.status,
        "subresource_uris": {name: f"{path}/{place}.json" for name, place in SUBRESOURCES.items()},
        "to": leg.to,
        "to_formatted": _formatted(leg.to),
        "trunk_sid": None,
        "uri": f"{path}.json",
    }


def calls_json(calls: Page[Leg], query: Query, account: Account) -> dict[str, Any]:
    """A page of the list of calls."""
    return envelope(calls_path(account), "calls", [call_json(leg, account) for leg in calls.entries], query, calls)


def call_parameters(leg: Leg, account: Account) -> dict[str, str]:
    """What every webhook of a leg has."""
    parameters = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "CallSid": leg.sid,
        "CallStatus": leg.call_status,
        "Called": leg.to,
        "Caller": leg.sender,
        "Direction": leg.direction,
        "From": leg.sender,
        "To": leg.to,
        **place_parameters("From", leg.sender),
        **place_parameters("To", leg.to),
    }
    if leg.parent_sid is not None:
        parameters["ParentCallSid"] = leg.parent_sid
    return parameters


def document_parameters(leg: Leg, account: Account, digits: str | None, child: Leg | None) -> dict[str, str]:
    """A request for TwiML: after a ``<Gather>`` with its digits, after a ``<Dial>`` with what that came to."""
    parameters = call_parameters(leg, account)
    if digits is not None:
        parameters["Digits"] = digits
    if child is not None:
        parameters["DialCallSid"] = child.sid
        parameters["DialCallStatus"] = child.call_status
        parameters["DialBridged"] = "true" if child.answered else "false"
        if child.duration is not None:
            parameters["DialCallDuration"] = str(child.duration)
    if leg.answered_by is not None and not leg.documents:
        parameters["AnsweredBy"] = leg.answered_by
    return parameters


def callback_parameters(leg: Leg, account: Account, sequence: int, now: float) -> dict[str, str]:
    """A status callback for the leg as it stands now; ``now`` is real time."""
    parameters = {
        **call_parameters(leg, account),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "Timestamp": rfc2822(now),
    }
    if leg.call_status in FINAL:
        parameters["CallDuration"] = str(leg.duration or 0)
        if leg.answered_by is not None:
            parameters["AnsweredBy"] = leg.answered_by
    return parameters


def _formatted(number: str) -> str:
    american = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"({american[1]}) {american[2]}-{american[3]}" if american else number
