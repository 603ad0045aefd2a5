"""The Message resource and the pages of a list, as Twilio writes them in JSON. Pure.

Source: Twilio's OpenAPI description of api/2010-04-01, schema ``api.v2010.account.message``.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from outreach.core.segments import measure
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.errors import WORDS
from outreach.rehearsal.ledger import Message


def messages_path(account: Account) -> str:
    return f"/{API_VERSION}/Accounts/{account.sid}/Messages"


def message_json(message: Message, account: Account) -> dict[str, Any]:
    """The resource; dates are real time in RFC 2822, as Twilio's are."""
    path = f"{messages_path(account)}/{message.sid}"
    return {
        "account_sid": account.sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": _date(message.created),
        "date_sent": None if message.sent is None else _date(message.sent),
        "date_updated": _date(message.updated),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None if message.error_code is None else WORDS[message.error_code],
        "from": message.sender,
        "messaging_service_sid": message.service_sid,
        "num_media": "0",
        "num_segments": str(_segments(message)),
        "price": None,
        "price_unit": None,
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": message.to,
        "uri": f"{path}.json",
    }


def page_json(
    messages: Sequence[Message],
    account: Account,
    *,
    query: Sequence[tuple[str, str]],
    page: int,
    page_size: int,
    newer: str | None,
    older: str | None,
) -> dict[str, Any]:
    """A page of a list. ``query`` holds the filters; ``newer`` and ``older`` are the tokens of the neighbours."""

    def uri(number: int, token: str | None = None) -> str:
        parts = [*query, ("PageSize", str(page_size)), ("Page", str(number))]
        if token is not None:
            parts.append(("PageToken", token))
        return f"{messages_path(account)}.json?{urlencode(parts)}"

    start = page * page_size
    return {
        "end": start + max(0, len(messages) - 1),
        "first_page_uri": uri(0),
        "messages": [message_json(message, account) for message in messages],
        "next_page_uri": None if older is None else uri(page + 1, older),
        "page": page,
        "page_size": page_size,
        "previous_page_uri": None if newer is None else uri(max(0, page - 1), newer),
        "start": start,
        "uri": uri(page),
    }


def _segments(message: Message) -> int:
    """0 while the Messaging Service has chosen no sender, as the schema says."""
    if message.sender is None:
        return 0
    if message.segments is None:
        message.segments = max(1, measure(message.body).segments)
    return message.segments


def _date(seconds: float) -> str:
    return formatdate(seconds).replace("-0000", "+0000")
