"""The schema's history, and the commands that bring a database up to it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData

from outreach.accounts import models as accounts
from outreach.accounts import sign_in_models as account_models
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
from outreach.messaging import sign_up_models as sign_ups
from outreach.officials import hostility_models as hostility
from outreach.officials import manual_models as manuals
from outreach.officials import models as officials
from outreach.officials import plan_models as plans
from outreach.officials import promise_models as promises
from outreach.people import models as people
from outreach.people import segment_models as segments
from outreach.phone_tree import models as phone_tree
from outreach.tallies import sheet_models as sheets

MODELS = (
    accounts, account_models, people, segments, officials, hostility, manuals, plans, promises, messaging, sign_ups,
    follow_ups, inbox, reminders, escalations, promise_drafts, pacing, stand_downs, calls, phone_tree, sheets, leases,
)  # fmt: skip


def metadata() -> MetaData:
    """Every table of every feature."""
    return Base.metadata


def _config(db: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database"] = db
    return config


def upgrade(db: Database, revision: str = "head") -> None:
    """Bring the database to a revision; running it again does nothing."""
    command.upgrade(_config(db), revision)


def make_revision(db: Database, message: str) -> None:
    """Write a new revision from the difference between models and database (for developers)."""
    command.revision(_config(db), message, autogenerate=True)


def is_current(db: Database) -> bool:
    """Whether the database stands at the newest revision."""
    heads = set(ScriptDirectory.from_config(_config(db)).get_heads())
    with db.connection() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads
