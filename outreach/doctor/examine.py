"""Every look in its order. What goes wrong in one hides none of the others."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from outreach.carrier.base import Ambiguous, CarrierError, Unreachable
from outreach.doctor import (
    address,
    clocks,
    database,
    environment,
    keeping,
    redis,
    registration,
    running,
    senders,
    twilio_account,
    webhooks,
)
from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding

log = structlog.get_logger(__name__)

Look = Callable[[Examined], Iterable[Finding]]

LOOKS: Final[tuple[tuple[str, Look], ...]] = (
    ("settings.values", environment.look_at_settings),
    ("database.reachable", database.look_whether_it_answers),
    ("database.schema", database.look_at_schema),
    ("database.storage", database.look_at_storage),
    ("database.files", database.look_for_room_for_files),
    ("redis.reachable", redis.look_whether_it_answers),
    ("redis.private", redis.look_who_may_write),
    ("running.upkeep", running.look_at_upkeep),
    ("running.workers", running.look_at_workers),
    ("running.queues", running.look_at_queues),
    ("address.public", address.look_from_outside),
    ("address.signature", address.look_at_signature),
    ("address.pages", address.look_at_pages),
    ("address.ready", address.look_whether_ready),
    ("carrier.account", twilio_account.look_at_account),
    ("carrier.balance", twilio_account.look_at_balance),
    ("carrier.calls", twilio_account.look_at_permissions),
    ("sender.service", senders.look_at_service),
    ("sender.number", senders.look_at_numbers),
    ("sender.rate", senders.look_at_rate),
    ("webhooks.service", webhooks.look_at_webhooks),
    ("registration.local", registration.look_at_campaign),
    ("registration.toll_free", registration.look_at_toll_free),
    ("opt_out.mode", registration.look_at_opt_outs),
    ("clock.carrier", clocks.look_at_carrier),
    ("clock.database", clocks.look_at_database),
    ("clock.zones", clocks.look_at_zones),
    ("keeping.backups", keeping.look_at_backups),
    ("keeping.keys", keeping.look_at_keys),
    ("keeping.admins", keeping.look_at_admins),
)
"""Each with the check that speaks for it when it could not be made. The first ones of database, Redis and carrier find
out whether there is anybody to ask.
"""


def examine(held: Examined) -> list[Finding]:
    """All findings, in order. Takes seconds; raises nothing."""
    return [found for check, look in LOOKS for found in take(held, check, look)]


def take(held: Examined, check: str, look: Look) -> list[Finding]:
    """One look. What kept it from being made is a finding of its own, beside what it found before."""
    found: list[Finding] = []
    try:
        for each in look(held):
            found.append(each)
    except NotLooked as reason:
        found.append(finding(check, reason.outcome))
    except (Unreachable, Ambiguous) as error:
        found.append(finding(check, "carrier_away", error=type(error).__name__.lower()))
    except CarrierError as error:
        found.append(finding(check, "carrier_refused", code=error.code))
    except Exception as error:
        if isinstance(error, DBAPIError) and held.schema in {"empty", "behind"}:
            return [*found, finding(check, "no_schema")]  # said once, where the schema is looked at
        at = traceback.extract_tb(error.__traceback__)[
            -1
        ]  # not its text: a driver's may quote an address with a password
        log.info("look_failed", check=check, error=type(error).__name__, file=at.filename, line=at.lineno)
        found.append(finding(check, "failed", error=type(error).__name__))
    return found
