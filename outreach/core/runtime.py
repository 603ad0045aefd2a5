"""What every use case is handed: settings, database, keys and clocks of one process."""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings
from outreach.core.clock import Clock
from outreach.core.crypto import Vault
from outreach.core.db import Database, JobQueue
from outreach.core.queue import RedisQueue


@dataclass(frozen=True, slots=True)
class Runtime:
    """One process's hold on the world. Make it after a fork, never before."""

    settings: Settings
    db: Database
    vault: Vault
    clock: Clock


def open_runtime(settings: Settings, queue: JobQueue | None = None) -> Runtime:
    """Connect to what the settings name; jobs go to Redis unless another queue is given."""
    vault = Vault(settings.field_keys, settings.index_key)
    db = Database(settings.database_url, queue or RedisQueue(settings.redis_url))
    return Runtime(settings, db, vault, settings.clock)
