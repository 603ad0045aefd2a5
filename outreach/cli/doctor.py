"""``outreach doctor``: is everything as it must be before people are texted, and how is it mended?"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import closing
from itertools import groupby, pairwise

import click

from config.settings import SETTING_NAMES, Settings
from outreach.carrier.base import CarrierError
from outreach.cli.context import runtime
from outreach.core.errors import SettingsError
from outreach.doctor.environment import refused
from outreach.doctor.examine import examine
from outreach.doctor.examined import Examined
from outreach.doctor.findings import STATUSES, Finding, counted, title
from outreach.doctor.mending import make_changes
from outreach.doctor.webhooks import Change, needed_changes

OWN = SETTING_NAMES - {"OUTREACH_MODE", "PORT", "WEB_CONCURRENCY", "TWILIO_BASE_URL", "TWILIO_OPT_OUT", "SENTRY_DSN"}
"""Settings that nobody has by accident: an environment with one of them is what is meant."""
REHEARSAL = ", for a rehearsal only: no real phone would be reached"
"""Said last, where nobody overlooks it: one that lies about is examined where the settings were not read."""
COLORS = {"ok": "green", "warning": "yellow", "problem": "red", "unknown": "cyan"}


@click.command()
@click.option("--fix", is_flag=True, help="Set the webhooks of service and numbers at Twilio; nothing else.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line.")
@click.pass_context
def doctor(ctx: click.Context, fix: bool, yes: bool, as_json: bool) -> None:
    """Look at everything that must be right before people are texted.

    Exit code 0: no problem; 1: problems; 2: it could not be run at all.
    """
    if fix and as_json and not yes:
        raise click.UsageError("--fix with --json asks nothing, so it needs --yes.")
    changes: list[Change] = []
    mode: str | None = None
    try:
        held = _examined()
    except SettingsError as error:
        if error.code != "settings_wrong":
            raise
        findings = refused(error)
    else:
        mode = held.settings.mode
        with closing(held):
            if fix:
                changes = _fixed(held, ask=not yes, shown=not as_json)
            findings = examine(held)
    counts = counted(findings)
    if as_json:
        said = {**counts, "mode": mode, "findings": [each.as_json() for each in findings]}
        click.echo(json.dumps({**said, "changes": [each.as_json() for each in changes]}))
    else:
        _show(findings, mode)
    ctx.exit(0 if counts["ready"] else 1)


def _examined() -> Examined:
    """This environment's deployment, else the data directory's. Raises SettingsError."""
    if any(os.environ.get(name) for name in OWN):
        Settings.from_environment()  # all that is wrong, where only DATABASE_URL is forgotten as well
    return Examined(runtime())


def _fixed(held: Examined, *, ask: bool, shown: bool) -> list[Change]:
    """Set the webhooks; what was changed, as far as it came. Raises Abort when the person says no."""
    done: list[Change] = []
    try:
        changes = needed_changes(held)
        for change in changes if shown else ():
            said = change.as_json()
            before, after = (said[end] if said[end] != "" else "unset" for end in ("before", "after"))
            click.echo(f"{said['where']}  {said['field']}: {before} -> {after}")
        if not changes:
            if shown:
                click.echo("The webhooks are as they should be; nothing to set.")
        elif ask:
            click.confirm("Set this at Twilio?", abort=True)
        for made in make_changes(held, changes):
            done.append(made)  # as far as it came, whatever is refused after it
    except CarrierError as error:
        click.echo(f"Twilio did not take it ({error}).", err=True)
    held.look_again_at_carrier()
    return done


def _show(findings: Sequence[Finding], mode: str | None) -> None:
    """Grouped, what is well in a line each, the rest with how to mend it. Last whether it is ready, and what for."""
    for heading, group in groupby(findings, key=lambda each: title(each.check)):
        click.echo(click.style(f"\n{heading}", bold=True))
        for each, after in pairwise([*group, None]):
            assert each is not None  # noqa: S101  only the last one is
            name = "" if each.status == "ok" else click.style(f"  [{each.check}]", dim=True)
            click.echo(f"  {click.style(f'{each.status:<8}', fg=COLORS[each.status])} {each.message}{name}")
            if each.mend and (after is None or after.mend != each.mend):  # once for those that are mended alike
                click.echo(f"           -> {each.mend}")
    counts = {status: sum(each.status == status for each in findings) for status in STATUSES}
    names = (("problem", "problems"), ("warning", "warnings"), ("unknown", "not looked at"))
    rest = ", ".join(f"{name}: {counts[status]}" for status, name in names if counts[status])
    verdict = ("not ready" if counts["problem"] else "ready") + (REHEARSAL if mode == "rehearsal" else "")
    click.echo(f"\nDoctor: {verdict}{f' ({rest})' if rest else ''}")
