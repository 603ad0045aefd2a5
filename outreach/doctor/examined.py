"""What is examined: one deployment, and what several looks need of it, read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeVar

from redis import Redis
from sqlalchemy.orm import Session

from config.settings import Settings
from outreach.carrier.account import OwnNumber, Service, TwilioAccount
from outreach.carrier.base import CarrierError
from outreach.core.queue import connect
from outreach.core.runtime import Runtime

T = TypeVar("T")


class NotLooked(Exception):
    """Why a look was not made; ``outcome`` is one of the section ``every`` of ``config/doctor.toml``."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


@dataclass
class Examined:
    """A deployment. What does not answer once is not asked again: each look that needs it says so instead."""

    runtime: Runtime
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    database_away: bool = False
    schema: Literal["current", "behind", "ahead", "empty"] = "current"
    redis_away: bool = False

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    @property
    def rehearsal(self) -> bool:
        return self.settings.mode == "rehearsal"

    @cached_property
    def account(self) -> TwilioAccount:
        """The account at the carrier."""
        return TwilioAccount(self.settings)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Read the database. Raises NotLooked where it did not answer before."""
        if self.database_away:
            raise NotLooked("database_away")
        with self.runtime.db.snapshot() as session:
            yield session

    @contextmanager
    def tables(self) -> Iterator[Session]:
        """Read our tables. Raises NotLooked where there are none yet, so that the server's log is not full of it."""
        if self.schema == "empty":
            raise NotLooked("no_schema")
        with self.snapshot() as session:
            yield session

    @cached_property
    def _redis(self) -> Redis:
        return connect(self.settings.redis_url)

    @property
    def redis(self) -> Redis:
        """Raises NotLooked where it did not answer before."""
        if self.redis_away:
            raise NotLooked("redis_away")
        return self._redis

    @cached_property
    def _numbers(self) -> list[OwnNumber] | CarrierError:
        return _kept(self.account.numbers)

    @cached_property
    def _service(self) -> Service | CarrierError | None:
        sid = self.settings.twilio_messaging_service_sid
        return _kept(lambda: self.account.service(sid) if sid else None)

    @property
    def numbers(self) -> list[OwnNumber]:
        """The numbers of the account. Raises CarrierError, each time the same."""
        return _said(self._numbers)

    @property
    def service(self) -> Service | None:
        """The service of the settings; None: they name none, or the account has not got it. Raises CarrierError."""
        return _said(self._service)

    @property
    def sending(self) -> list[str]:
        """The numbers that texts go out from. Raises CarrierError."""
        if self.settings.twilio_messaging_service_sid:
            return list(self.service.numbers) if self.service else []
        return [number] if (number := self.settings.twilio_from_number) else []

    def look_again_at_carrier(self) -> None:
        """Forget what was read at the carrier: it has been changed."""
        if "account" in self.__dict__:
            self.account.close()
        for name in ("account", "_numbers", "_service"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Close every connection; the deployment can still be looked at, by new ones."""
        self.look_again_at_carrier()
        self.runtime.db.dispose()


def _kept(ask: Callable[[], T]) -> T | CarrierError:
    try:
        return ask()
    except CarrierError as error:
        return error


def _said(kept: T | CarrierError) -> T:
    if isinstance(kept, CarrierError):
        raise kept
    return kept
