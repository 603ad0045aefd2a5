"""The form parameters of Twilio's webhooks for messages. Pure.

Source: Twilio's pages on the incoming-message webhook and on outbound message status callbacks.
"""

from __future__ import annotations

from datetime import UTC, datetime

from outreach.core.segments import measure
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.ledger import Message

STATES = {
    **dict.fromkeys(("480", "520", "602", "623", "928"), "AZ"),
    **dict.fromkeys(("505", "575"), "NM"),
    **dict.fromkeys(("702", "725", "775"), "NV"),
    **dict.fromkeys(("385", "435", "801"), "UT"),
    **dict.fromkeys(("619", "858"), "CA"),
    **dict.fromkeys(("303", "719", "970"), "CO"),
}
"""Area code -> state, as far as the demonstration's numbers go; elsewhere the state stays empty, as it may."""


def status_parameters(message: Message, account: Account) -> dict[str, str]:
    """A status callback for the message as it stands now."""
    parameters = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "From": message.sender or account.number,
        "MessageSid": message.sid,
        "MessageStatus": message.status,
        "SmsSid": message.sid,
        "SmsStatus": message.status,
        "To": message.to,
    }
    if message.service_sid:
        parameters["MessagingServiceSid"] = message.service_sid
    if message.error_code is not None:
        parameters["ErrorCode"] = str(message.error_code)
    if message.status in ("delivered", "undelivered"):
        parameters["RawDlrDoneDate"] = datetime.fromtimestamp(message.updated, UTC).strftime("%y%m%d%H%M")
    return parameters


def inbound_parameters(message: Message, account: Account, opt_out_type: str | None) -> dict[str, str]:
    """The webhook of an inbound message; ``opt_out_type`` is given in advanced opt-out mode only."""
    parameters = {
        "AccountSid": account.sid,
        "ApiVersion": API_VERSION,
        "Body": message.body,
        "From": message.sender or "",
        "MessageSid": message.sid,
        "MessagingServiceSid": account.service_sid,
        "NumMedia": "0",
        "NumSegments": str(max(1, measure(message.body).segments)),
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "To": message.to,
        **place_parameters("From", message.sender or ""),
        **place_parameters("To", message.to),
    }
    if opt_out_type is not None:
        parameters["OptOutType"] = opt_out_type
    return parameters


def place_parameters(side: str, number: str) -> dict[str, str]:
    """Where a number is at home; ``side`` begins the names: From or To."""
    american = number.startswith("+1")
    return {
        f"{side}City": "",
        f"{side}Country": "US" if american else "",
        f"{side}State": STATES.get(number[2:5], "") if american else "",
        f"{side}Zip": "",
    }
