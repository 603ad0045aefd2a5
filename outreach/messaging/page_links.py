"""The link of a script's page: it names the text in which a person asked for the script, and works for some days.

No number and no name stands in it, and nobody signs in to follow it. Whoever has it may tell how the call went, and
ask for a call to the number that it was sent to; nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from config import table
from outreach.core.runtime import Runtime
from outreach.core.segments import measure
from outreach.core.short_tokens import key_for, make_token, read_token
from outreach.messaging.models import Gate, Reply
from outreach.messaging.render import MAX_BODY, fill

PATH: Final = "/s/"
PURPOSE: Final = "script page"
SCRIPT_PARTS: Final = 3
ASK_PARTS: Final = 0
"""A text has its link where it costs no more parts with it than these, or than without."""
NEWEST = select(func.max(Reply.id)).where(
    Reply.number_hash == bindparam("number"), Reply.gate_id == bindparam("gate"), Reply.channel == "text",
    Reply.constituent_id.is_not(None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link leads to: whose it is, its campaign's gate, and when it was asked for (domain time)."""

    reply_id: int
    group_id: int
    gate_id: int
    constituent_id: int
    number_hash: bytes
    asked_at: datetime
    language: str
    tactic: str | None
    event_at: datetime | None = None

    def ends_at(self) -> datetime:
        """When it ceases to work, by domain time; that of an event works until people have told of it."""
        rule = table("follow_ups")
        ends = self.asked_at + timedelta(days=rule["page_days"])
        if self.event_at is None:
            return ends
        return max(ends, self.event_at + timedelta(days=rule["page_days_after_event"]))


@lru_cache(maxsize=8)
def _key(secret: str, purpose: str) -> bytes:
    return key_for(secret, purpose)


def token_for(runtime: Runtime, number: int, purpose: str = PURPOSE) -> str:
    """The token of a number, a reply's unless the purpose is another; ``purpose``: of a page, or of a form on it."""
    return make_token(_key(runtime.settings.secret_key.get_secret_value(), purpose), number)


def number_of(runtime: Runtime, token: str, purpose: str = PURPOSE) -> int | None:
    """The number that a token was made for; None for one that was made for nothing."""
    return read_token(_key(runtime.settings.secret_key.get_secret_value(), purpose), token)


def page_address(runtime: Runtime, reply_id: int) -> str:
    """The whole address of the page, for a text."""
    return f"{runtime.settings.public_base_url}{PATH}{token_for(runtime, reply_id)}"


def newest_address(session: Session, runtime: Runtime, number_hash: bytes, gate_id: int) -> str | None:
    """The same for a person's newest text in a campaign; None where they have sent none."""
    reply_id = session.connection().execute(NEWEST, {"number": number_hash, "gate": gate_id}).scalar()
    return None if reply_id is None else page_address(runtime, reply_id)


def with_link(body: str, address: str, language: str, most: int = SCRIPT_PARTS) -> str:
    """A text with its link behind it, where that costs no more than ``most`` parts, or nothing. Pure."""
    words = fill(table("message_templates/script_page")["link"][language], {"link": address})
    longer = f"{body}\n{words}"
    parts = measure(longer).segments
    fits = len(longer) <= MAX_BODY and (parts <= most or parts == measure(body).segments)
    return longer if fits else body


def find_link(session: Session, runtime: Runtime, token: str) -> Linked | None:
    """Where a link leads to; None for one that we never sent."""
    reply_id = number_of(runtime, token)
    if reply_id is None:
        return None
    query = (
        select(
            Reply.group_id, Reply.gate_id, Reply.constituent_id, Reply.number_hash, Reply.received_at, Reply.language,
            Gate.tactic, Gate.event_at,
        )
        .join(Gate, Gate.id == Reply.gate_id)
        .where(Reply.id == reply_id, Reply.constituent_id.is_not(None))
    )  # fmt: skip
    row = session.execute(query).first()
    if row is None:
        return None
    asked_at = runtime.clock.at(row.received_at.timestamp())
    return Linked(
        reply_id, row.group_id, row.gate_id, row.constituent_id, row.number_hash, asked_at, row.language, row.tactic,
        row.event_at,
    )  # fmt: skip
