"""Twilio's error answers: code, HTTP status and wording, in its JSON shape. Pure."""

from __future__ import annotations

from typing import Any

STATUS_OF = {20003: 401, 20004: 405, 20404: 404, 20429: 429, 20500: 500}
"""HTTP statuses other than 400."""

WORDS = {
    20001: "A parameter has a value that cannot be used",
    20003: "Authenticate",
    20004: "Method not allowed",
    20404: "The requested resource was not found",
    20429: "Too many requests",
    20500: "An internal server error has occurred",
    21211: "The 'To' number is not a valid phone number",
    21212: "The 'From' number is not a valid phone number",
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
