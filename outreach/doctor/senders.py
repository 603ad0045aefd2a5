"""Who sends: the Messaging Service and its numbers, what they can do, and how fast they may."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from outreach.carrier.account import OwnNumber, Service
from outreach.core.phone import mask
from outreach.doctor.examined import Examined
from outreach.doctor.findings import Finding, finding

TOLL_FREE: Final = frozenset(("800", "833", "844", "855", "866", "877", "888"))
TOLL_FREE_RATE: Final = 3.0
"""Texts a second for each toll-free number (Twilio's page on toll-free rates)."""
CAMPAIGN_RATE: Final = 75.0
"""Segments a second that the best 10DLC campaign gets at one network (Twilio's page on A2P 10DLC throughput)."""
CODE_RATE: Final = 100.0
"""Segments a second for each short code."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Senders by kind."""

    local: int
    toll_free: int
    short_codes: int


def is_toll_free(number: str) -> bool:
    """Whether an E.164 number is a North American toll-free one."""
    return number.startswith("+1") and number[2:5] in TOLL_FREE


def is_short_code(sender: str) -> bool:
    """Whether a sender is no number but a code."""
    return not sender.startswith("+")


def kinds_of(senders: Collection[str], short_codes: int = 0) -> Kinds:
    """How many there are of each."""
    numbers = [each for each in senders if not is_short_code(each)]
    free = sum(map(is_toll_free, numbers))
    return Kinds(len(numbers) - free, free, short_codes + len(senders) - len(numbers))


def look_at_service(held: Examined) -> Iterator[Finding]:
    """The service of the settings, where they name one."""
    if held.settings.twilio_messaging_service_sid:
        yield judge_service(held.service)


def judge_service(service: Service | None) -> Finding:
    """None: the account has no such service."""
    if service is None:
        return finding("sender.service", "missing")
    if not service.numbers and not service.short_codes:
        return finding("sender.service", "empty")
    return finding("sender.service", "ok", numbers=len(service.numbers), codes=service.short_codes)


def look_at_numbers(held: Examined) -> Iterator[Finding]:
    """What each sending number can do, and the one that calls."""
    owned = {each.number: each for each in held.numbers}
    for number in held.sending:
        yield judge_sender(number, owned.get(number))
    service = held.service
    pool = service.numbers if service else None
    yield judge_caller(held.settings.twilio_from_number, owned, pool)


def judge_sender(number: str, owned: OwnNumber | None) -> Finding:
    """Texts and pictures go out from it; whoever calls it back must be heard."""
    if is_short_code(number):
        return finding("sender.number", "short_code", number=number)
    shown = mask(number)
    if owned is None:
        return finding("sender.number", "not_owned", number=shown)
    if "sms" not in owned.can:
        return finding("sender.number", "no_sms", number=shown)
    lacks = [name for name in ("voice", "mms") if name not in owned.can]
    if lacks:
        return finding("sender.number", f"no_{lacks[0]}", number=shown)
    return finding("sender.number", "ok", number=shown)


def judge_caller(number: str | None, owned: dict[str, OwnNumber], pool: Sequence[str] | None) -> Finding:
    """TWILIO_FROM_NUMBER is whom people see calling. ``pool``: the service's numbers; None without a service."""
    if number is None:
        return finding("sender.caller", "none")
    if is_short_code(number):
        return finding("sender.caller", "short_code")
    shown = mask(number)
    if number not in owned:
        return finding("sender.caller", "not_owned", number=shown)
    if "voice" not in owned[number].can:
        return finding("sender.caller", "no_voice", number=shown)
    if pool is not None and number not in pool:
        return finding("sender.caller", "not_in_pool", number=shown)
    return finding("sender.caller", "ok", number=shown)


def look_at_rate(held: Examined) -> Iterator[Finding]:
    """OUTREACH_SENDER_RATE against what senders of these kinds may do."""
    if held.rehearsal:
        return
    service = held.service
    kinds = kinds_of(held.sending, service.short_codes if service else 0)
    yield judge_rate(held.settings.sender_rate, kinds)


def judge_rate(rate: float | None, kinds: Kinds) -> Finding:
    """Beyond what carriers take, texts wait in Twilio's queue, where quiet hours and STOP no longer reach them."""
    most = kinds.toll_free * TOLL_FREE_RATE + kinds.short_codes * CODE_RATE + (CAMPAIGN_RATE if kinds.local else 0.0)
    if rate is None:
        return finding("sender.rate", "unset", most=f"{most:g}")
    return finding("sender.rate", "too_fast" if rate > most else "ok", rate=f"{rate:g}", most=f"{most:g}")
