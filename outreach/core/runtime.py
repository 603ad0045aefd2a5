"""What every use case is handed: settings, database, keys and clocks of one process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import structlog
from sqlalchemy.exc import DBAPIError

from config.settings import Settings
from outreach.core.clock import Clock
from outreach.core.crypto import Vault
from outreach.core.db import Database, JobQueue
from outreach.core.key_checks import require_own_keys
from outreach.core.queue import RedisQueue

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's hold on the world. Make it after a fork, never before."""

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock


def open_runtime(settings: Settings, queue: JobQueue | None = None, *, any_keys: bool = False) -> Runtime:
    """Connect to what the settings name; jobs go to Redis unless another queue is given.

    Nothing is written under other keys than the database was begun with (SettingsError), unless ``any_keys``: a
    restore looks itself.
    """
    vault = Vault(settings.field_keys, settings.index_key)
    guard = None if any_keys else partial(require_own_keys, vault=vault)
    db = Database(settings.database_url, queue or RedisQueue(settings.redis_url), guard)
    return Runtime(settings, db, vault, settings.clock)


def require_usable(runtime: Runtime) -> None:
    """What a process asks before it begins: whether it may write at all. Raises SettingsError; a database that is away
    is asked before the first write.
    """
    try:
        runtime.db.ask_guard()
    except DBAPIError as error:
        log.warning("keys_not_held_against_the_database", error=type(error).__name__)
    finally:
        runtime.db.dispose()  # whoever forks from here opens connections of their own
