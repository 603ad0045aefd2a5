"""The Message resource and the pages of a list, as Twilio writes them in JSON. Pure.

Source: Twilio's OpenAPI description of api/2010-04-01, schema ``api.v2010.account.message``.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from outreach.core.segments import measure
from outreach.rehearsal.account import API_VERSION, Account
from outreach.rehearsal.errors import WORDS
from outreach.rehearsal.ledger import Message
from outreach.rehearsal.listing import Page, Query


def messages_path(account: Account) -> str:
    return f"/{API_VERSION}/Accounts/{account.sid}/Messages"


def message_json(message: Message, account: Account) -> dict[str, Any]:
    """The resource; dates are real time in RFC 2822, as Twilio's are."""
    path = f"{messages_path(account)}/{message.sid}"
    return {
        "account_sid": account.sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": rfc2822(message.created),
        "date_sent": None if message.sent is None else rfc2822(message.sent),
        "date_updated": rfc2822(message.updated),
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


def page_json(messages: Page[Message], query: Query, account: Account) -> dict[str, Any]:
    """A page of the list of messages."""
    entries = [message_json(message, account) for message in messages.entries]
    return envelope(messages_path(account), "messages", entries, query, messages)


def envelope(path: str, name: str, entries: list[dict[str, Any]], query: Query, page: Page[Any]) -> dict[str, Any]:
    """A page of any list: ``entries`` under ``name``, and the URIs of the neighbours at ``path``."""

    def uri(number: int, token: str | None = None) -> str:
        parts = [*query.filters, ("PageSize", str(query.page_size)), ("Page", str(number))]
        if token is not None:
            parts.append(("PageToken", token))
        return f"{path}.json?{urlencode(parts)}"

    number, start = query.page, query.page * query.page_size
    return {
        "end": start + max(0, len(entries) - 1),
        "first_page_uri": uri(0),
        name: entries,
        "next_page_uri": None if page.older is None else uri(number + 1, page.older),
        "page": number,
        "page_size": query.page_size,
        "previous_page_uri": None if page.newer is None else uri(max(0, number - 1), page.newer),
        "start": start,
        "uri": uri(number),
    }


def _segments(message: Message) -> int:
    """0 while the Messaging Service has chosen no sender, as the schema says."""
    if message.sender is None:
        return 0
    if message.segments is None:
        message.segments = max(1, measure(message.body).segments)
    return message.segments


def rfc2822(seconds: float) -> str:
    """A real time as Twilio writes it, in GMT."""
    return formatdate(seconds).replace("-0000", "+0000")
