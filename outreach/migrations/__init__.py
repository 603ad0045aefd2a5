"""The schema's history, and the commands that bring a database up to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script, ScriptDirectory
from sqlalchemy import MetaData

from outreach.accounts import models as accounts
from outreach.accounts import safety
from outreach.accounts import sign_in_models as account_models
from outreach.approvals import models as approvals
from outreach.calls import models as calls
from outreach.core import leases
from outreach.core.db import Base, Database
from outreach.escalations import models as escalations
from outreach.escalations import pacing_models as pacing
from outreach.escalations import promise_models as promise_drafts
from outreach.escalations import stand_down_models as stand_downs
from outreach.messaging import follow_up_models as follow_ups
from outreach.messaging import inbox_models as inbox
from outreach.messaging import models as messaging
from outreach.messaging import reminder_models as reminders
from outreach.messaging import restored_models as restored
from outreach.messaging import sign_up_models as sign_ups
from outreach.migrations.patience import one_at_a_time, with_patience
from outreach.officials import hostility_models as hostility
from outreach.officials import manual_models as manuals
from outreach.officials import models as officials
from outreach.officials import plan_models as plans
from outreach.officials import promise_models as promises
from outreach.people import models as people
from outreach.people import segment_models as segments
from outreach.phone_tree import models as phone_tree
from outreach.spending import models as spending
from outreach.tallies import sheet_models as sheets
from outreach.watch import models as watch

MODELS = (
    accounts, account_models, people, segments, officials, hostility, manuals, plans, promises, messaging, sign_ups,
    follow_ups, inbox, reminders, restored, escalations, promise_drafts, pacing, stand_downs, calls, phone_tree, sheets,
    leases, safety, spending, approvals, watch,
)  # fmt: skip


def metadata() -> MetaData:
    """Every table of every feature."""
    return Base.metadata


def _config(db: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database"] = db
    return config


def upgrade(db: Database, revision: str = "head", say: Callable[[str], None] = lambda _: None) -> list[str]:
    """Bring the database to a revision; running it again does nothing. Returns the revisions that were run.

    One at a time: a second one waits for the first, then finds nothing to do. On PostgreSQL each migration is a
    transaction of its own; one that would wait for a lock longer than ``LOCK_TIMEOUT`` gives up, so that nobody queues
    behind it, and is tried again. Raises OutreachError when it could not be run in all that time.
    """
    config = _config(db)
    run: list[str] = []

    def note(step: MigrationInfo) -> None:
        run.append(str(step.up_revision_id))
        said = step.up_revision.module.__doc__ if isinstance(step.up_revision, Script) else ""
        say(f"{step.up_revision_id}: {said}")

    config.attributes["note"] = note
    with one_at_a_time(db, say):
        with_patience(lambda: command.upgrade(config, revision), say)
    return run


def make_revision(db: Database, message: str) -> None:
    """Write a new revision from the difference between models and database (for developers)."""
    command.revision(_config(db), message, autogenerate=True)


def revision_of(db: Database) -> str:
    """The revision that a database stands at; empty when it has no schema of ours."""
    with db.connection() as connection:
        return ", ".join(sorted(MigrationContext.configure(connection).get_current_heads()))


def is_known(db: Database, revision: str) -> bool:
    """Whether a revision is one of this code's, or none at all."""
    known = {script.revision for script in ScriptDirectory.from_config(_config(db)).walk_revisions()}
    return not revision or set(revision.split(", ")) <= known


class Standing(NamedTuple):
    """How a schema stands to this code.

    ``state``: current; behind, and ``pending`` are to be run in this order; or ahead: a newer release has migrated it,
    and expand/contract lets this one go on beside it (docs/operations.md).
    """

    state: Literal["current", "behind", "ahead"]
    revision: str
    newest: str
    pending: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether this code may work on it."""
        return self.state != "behind"


def standing(db: Database) -> Standing:
    """Hold the database's revision against this code's."""
    scripts = ScriptDirectory.from_config(_config(db))
    newest = ", ".join(sorted(scripts.get_heads()))
    revision = revision_of(db)
    if not is_known(db, revision):
        return Standing("ahead", revision, newest, ())
    if set(revision.split(", ")) == set(scripts.get_heads()):
        return Standing("current", revision, newest, ())
    lower = tuple(revision.split(", ")) if revision else "base"
    pending = [script.revision for script in scripts.iterate_revisions("heads", lower)]
    return Standing("behind", revision, newest, tuple(reversed(pending)))


def is_current(db: Database) -> bool:
    """Whether the database stands at the newest revision."""
    return standing(db).state == "current"
