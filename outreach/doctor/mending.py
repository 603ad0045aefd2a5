"""Sets webhooks at the carrier, and nothing else: each change is shown before it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import structlog

from outreach.doctor.examined import Examined
from outreach.doctor.webhooks import Change

log = structlog.get_logger(__name__)


def make_changes(held: Examined, changes: Sequence[Change]) -> Iterator[Change]:
    """Make them, one resource after the other, and say which are made. Raises CarrierError at what is refused.

    Setting the same again does no harm, so a lost answer is no matter: the next look shows how it stands.
    """
    for sid, group in groupby(changes, key=lambda change: change.sid):
        its = list(group)
        fields = {change.field: change.after for change in its}
        if sid.startswith("MG"):
            held.account.set_service(sid, fields)
        else:
            held.account.set_number(sid, fields)
        log.info("webhooks_set", sid=sid, fields=sorted(fields))
        yield from its
