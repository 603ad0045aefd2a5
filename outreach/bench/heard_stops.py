"""STOPs that people text while something is measured, and the tally that staff read: what each of them waited."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from outreach.accounts.links import first_admin, make_login_link
from outreach.bench import BenchError
from outreach.bench.bystanders import stop_sid
from outreach.bench.child import finish, program
from outreach.bench.crowd import number
from outreach.bench.ground import Ground
from outreach.bench.rows import rounded
from outreach.stage.processes import Program
from outreach.story.ledger import Row
from outreach.story.play import Launched

OK = 200


@dataclass(slots=True)
class Heard:
    """Filled when the bystanders have gone. Each entry: when it began (real time), milliseconds, status."""

    stops: list[tuple[float, float, int]] = field(default_factory=list)
    pages: list[tuple[float, float, int]] = field(default_factory=list)
    syncs: list[tuple[float, float, int]] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    """The STOPs as the carrier's books would have them."""

    def stop_times(self, since: float, until: float) -> list[float]:
        """Milliseconds of the STOPs that began in this span. Raises BenchError when one was not taken, or none came."""
        chosen = [each for each in self.stops if since <= each[0] <= until]
        if not chosen:
            raise BenchError("bench_no_stops")
        lost = [status for _, _, status in chosen if status != OK]
        if lost:
            raise BenchError("bench_stops_lost", lost=len(lost), stops=len(chosen), status=lost[0])
        return [took for _, took, _ in chosen]

    def sync_times(self, since: float, until: float) -> list[float]:
        """Milliseconds in which the disk took a page, in this span."""
        return [took for began, took, _ in self.syncs if since <= began <= until]

    def page_figures(self) -> dict[str, Any]:
        """How the tally page did."""
        times = [took for _, took, _ in self.pages]
        answered = sum(status == OK for _, _, status in self.pages)
        figures: dict[str, Any] = {"asked": len(times), "answered": answered}
        if times:
            figures |= {"p50_ms": rounded(quantile(times, 0.5)), "p99_ms": rounded(quantile(times, 0.99))}
        return figures


def quantile(values: Sequence[float], part: float) -> float:
    """The value that this part of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def link_for(at: Ground, group_id: int) -> str:
    """A token with which a member of staff signs in."""
    with at.alone.db.transaction() as tx:
        return make_login_link(tx, first_admin(tx, group_id), at.alone.clock.real_now())


@contextmanager
def bystanders(at: Ground, *, last: int, per_second: float, watching: Launched | None = None) -> Iterator[Heard]:
    """Let people text STOP, from the ``last`` of the crowd backwards, and staff watch a campaign, within the block."""
    options: dict[str, object] = {"last": last, "per_second": per_second, "file": at.directory / "synced"}
    if watching is not None:
        options |= {"campaign": watching.campaign_id, "link": link_for(at, watching.group_id)}
    chosen: Program = program("bystanders", at.env, **options)
    heard = Heard()
    at.processes.start(chosen)
    try:
        yield heard
    except BaseException:
        at.processes.stop(chosen.name)
        raise
    at.processes.kill(chosen.name, signal.SIGTERM)
    said = finish(at.processes, chosen)
    heard.stops, heard.pages, heard.syncs = said["stops"], said["pages"], said["syncs"]
    heard.texts = [Row(stop_sid(mine), "inbound", "", "received", number(last - mine), False) for mine in said["asked"]]
