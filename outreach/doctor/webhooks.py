"""Where the carrier sends texts and calls: what it should be, what it is, and the changes between the two. Pure rules.

Nothing is wanted that is not named here; what the account's owner chose beyond that stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from outreach.carrier.account import Fields, OwnNumber, Service
from outreach.core.phone import mask
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding

LONGEST_VALIDITY: Final = 36_000
"""Seconds, the carrier's own most; every text of ours says its own, and may not be cut short."""
COMFORT: Final = frozenset({"sticky_sender", "validity_period", "status_callback"})
"""Fields whose wrong value loses nobody's text."""


class Wanted(NamedTuple):
    """What a field is set to, and what else it may be."""

    value: str | bool | int
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a number or service that should be something else. ``shown`` names the resource for a person."""

    sid: str
    shown: str
    field: str
    before: str | bool | int
    after: str | bool | int

    def as_json(self) -> dict[str, str | bool | int]:
        """Addresses without what may be secret in them."""
        before, after = _plain(self.before), _plain(self.after)
        return {"where": self.shown, "field": self.field, "before": before, "after": after}


def wanted_of_service(site: str) -> dict[str, Wanted]:
    """``site``: PUBLIC_BASE_URL. Smart encoding changes texts on the way: a lost answer is found again by its body."""
    texts = f"{site}/twilio/sms"
    return {
        "inbound_request_url": Wanted(texts),
        "inbound_method": Wanted("POST"),
        "use_inbound_webhook_on_number": Wanted(False),
        "fallback_url": Wanted("", (texts,)),
        "smart_encoding": Wanted(False),
        "status_callback": Wanted(""),  # each text names its own
        "sticky_sender": Wanted(True),
        "validity_period": Wanted(LONGEST_VALIDITY),
    }


def wanted_of_number(site: str, *, takes_texts: bool) -> dict[str, Wanted]:
    """``takes_texts``: no service does it for the number."""
    calls, texts = f"{site}/twilio/voice", f"{site}/twilio/sms"
    voice = {
        "voice_application_sid": Wanted(""),
        "trunk_sid": Wanted(""),
        "voice_url": Wanted(calls),
        "voice_method": Wanted("POST"),
        "voice_fallback_url": Wanted("", (calls,)),
        "status_callback": Wanted(""),
    }
    if not takes_texts:
        return voice
    return {
        **voice,
        "sms_application_sid": Wanted(""),
        "sms_url": Wanted(texts),
        "sms_method": Wanted("POST"),
        "sms_fallback_url": Wanted("", (texts,)),
    }


def changes(sid: str, shown: str, fields: Fields, wanted: Mapping[str, Wanted]) -> list[Change]:
    """What of a resource should be something else."""
    return [
        Change(sid, shown, name, fields[name], each.value)
        for name, each in wanted.items()
        if fields[name] != each.value and fields[name] not in each.also
    ]


def changes_of_service(service: Service, site: str) -> list[Change]:
    """What of the Messaging Service should be something else."""
    return changes(service.sid, service.sid, service.fields, wanted_of_service(site))


def changes_of_number(number: OwnNumber, site: str, *, takes_texts: bool) -> list[Change]:
    """What of a number should be something else; only of what it can do."""
    wanted = wanted_of_number(site, takes_texts=takes_texts and "sms" in number.can)
    if "voice" not in number.can:
        wanted = {name: each for name, each in wanted.items() if name.startswith("sms_")}
    return changes(number.sid, mask(number.number), number.fields, wanted)


def needed_changes(held: Examined) -> list[Change]:
    """All changes that the account needs. Raises CarrierError."""
    site, service = held.settings.public_base_url, held.service
    found = changes_of_service(service, site) if service else []
    for number in ours(held):
        found += changes_of_number(number, site, takes_texts=service is None)
    return found


def ours(held: Examined) -> list[OwnNumber]:
    """The numbers of the account that texts or calls of ours go out from. Raises CarrierError."""
    used = {*held.sending, held.settings.twilio_from_number}
    return [each for each in held.numbers if each.number in used]


def look_at_webhooks(held: Examined) -> Iterator[Finding]:
    """The service's, then each number's."""
    site, service = held.settings.public_base_url, held.service
    if service:
        yield judge_changes("webhooks.service", service.sid, changes_of_service(service, site))
    for number in ours(held):
        found = changes_of_number(number, site, takes_texts=service is None)
        yield judge_changes("webhooks.number", mask(number.number), found)


def judge_changes(check: str, shown: str, found: list[Change]) -> Finding:
    """``found``: what of one resource should be something else."""
    if not found:
        return finding(check, "ok", shown=shown)
    outcome = "comfort" if {each.field for each in found} <= COMFORT else "wrong"
    fields = "; ".join(f"{each.field} is {_said(each.before)}, not {_said(each.after)}" for each in found)
    return finding(check, outcome, shown=shown, fields=fields)


def _said(value: str | bool | int) -> str:
    plain = _plain(value)
    return "unset" if plain == "" else str(plain)


def _plain(value: str | bool | int) -> str | bool | int:
    """An address without user, password, query and fragment: those of somebody else's server may be secret."""
    if not isinstance(value, str) or "://" not in value:
        return value
    parts = urlsplit(value)
    port = f":{parts.port}" if parts.port else ""
    hidden = "?..." if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}{hidden}"
