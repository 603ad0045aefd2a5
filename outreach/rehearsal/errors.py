"""Twilio's error answers: code, HTTP status and wording, in its JSON shape. Pure."""

from __future__ import annotations

from typing import Any

STATUS_OF = {20003: 401, 20004: 405, 20404: 404, 20429: 429, 20500: 500}
"""HTTP statuses other than 400."""

WORDS = {
    11100: "The URL cannot be used",
    11200: "The answer was no success",
    11205: "No connection, or no answer within 15 seconds",
    11210: "The host does not exist",
    11750: "The TwiML is larger than 64 KB",
    12100: "The document is not well-formed XML, or has a document type",
    12200: "The document does not keep to the schema of TwiML",
    12300: "The answer has a content type that cannot be used",
    13214: "The 'callerId' is not a number that may be shown",
    13223: "The number to dial is not in E.164",
    13224: "The number to dial is not a valid phone number",
    20001: "A parameter has a value that cannot be used",
    20003: "Authenticate",
    20004: "Method not allowed",
    20404: "The requested resource was not found",
    20429: "Too many requests",
    20500: "An internal server error has occurred",
    21201: "A 'To' number is required",
    21205: "The 'Url' is missing or not valid",
    21208: "The 'Timeout' must be a whole number from 1 to 600",
    21209: "The method must be GET or POST",
    21210: "The 'From' number does not belong to this account",
    21211: "The 'To' number is not a valid phone number",
    21212: "The 'From' number is not a valid phone number",
    21213: "A 'From' number is required",
    21214: "The 'To' number cannot be called",
    21215: "Permission to call the region of the 'To' number is not enabled",
    21220: "The call is not in progress",
    21266: "The 'To' and 'From' numbers must not be the same",
    21408: "Permission to send to the region of the 'To' number is not enabled",
    21602: "A message body is required",
    21603: "A 'From' number or a Messaging Service is required",
    21604: "A 'To' number is required",
    21606: "The 'From' number does not belong to this account or cannot send messages",
    21609: "The 'StatusCallback' URL is not valid",
    21610: "The recipient has opted out of messages from this sender",
    21614: "The 'To' number cannot receive text messages",
    21617: "The message body is longer than 1600 characters",
    21624: "The validity period must be a whole number from 1 to 36000",
    21626: "An event of 'StatusCallbackEvent' does not exist",
    21701: "The Messaging Service does not exist",
    21705: "The Messaging Service SID is not valid",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30007: "Message filtered",
    30036: "Validity period expired",
    30409: "This message cannot be canceled",
    35111: "Scheduling needs the parameter 'SendAt'",
    35114: "The 'SendAt' time cannot be scheduled",
}


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code

    @property
    def status(self) -> int:
        return STATUS_OF.get(self.code, 400)

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": WORDS[self.code],
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
