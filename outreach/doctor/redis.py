"""Redis: does it answer, does it keep what it is given, is there room, and who else may write into it."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from config.settings import is_local
from outreach.doctor.examined import Examined, NotLooked
from outreach.doctor.findings import Finding, finding

OLDEST: Final = (6, 2)
FULL: Final = 0.8
"""Of ``maxmemory``: beyond this a burst of jobs may be refused."""


@dataclass(frozen=True, slots=True)
class Access:
    """How it is reached. ``open_socket``: a socket file that anybody on the machine may use."""

    scheme: str
    password: bool
    near: bool
    open_socket: bool = False


def look_whether_it_answers(held: Examined) -> Iterator[Finding]:
    """Must be the first look at Redis."""
    try:
        info = held.redis.info()
    except (RedisError, OSError) as error:
        held.redis_away = True
        yield finding("redis.reachable", "away", reason=type(error).__name__)
        return
    yield from judge_info(info)


def judge_info(info: Mapping[str, Any]) -> Iterator[Finding]:
    """By what INFO says, for CONFIG is refused by many who host Redis."""
    name = info.get("server_name", "redis")
    version = str(info.get("valkey_version") or info["redis_version"])
    numbers = tuple(int(part) for part in version.split(".")[:2])
    yield finding("redis.reachable", "old" if numbers < OLDEST else "ok", name=name, version=version)
    if info.get("aof_last_write_status", "ok") != "ok":
        yield finding("redis.lasting", "cannot_write")
    elif not info.get("aof_enabled"):
        yield finding("redis.lasting", "forgets")
    else:
        yield finding("redis.lasting", "ok")
    policy, most, used = info.get("maxmemory_policy"), int(info.get("maxmemory", 0)), int(info["used_memory"])
    if policy != "noeviction":
        yield finding("redis.room", "evicts", policy=policy)
    elif most and used > most * FULL:
        yield finding("redis.room", "nearly_full", percent=round(100 * used / most))
    else:
        yield finding("redis.room", "ok", megabytes=round(used / 1e6, 1))


def look_who_may_write(held: Examined) -> Iterator[Finding]:
    """Whoever can write into Redis can hold up the work; jobs of theirs are refused by the workers' list."""
    if held.redis_away:
        raise NotLooked("redis_away")
    yield judge_access(read_access(held.settings.redis_url))


def read_access(url: str) -> Access:
    """How a Redis URL is reached."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        path = Path(parts.path)
        is_open = bool(path.stat().st_mode & stat.S_IWOTH and path.parent.stat().st_mode & stat.S_IXOTH)
        return Access("unix", bool(parts.password), near=True, open_socket=is_open)
    return Access(parts.scheme, bool(parts.password), near=is_local(url))


def judge_access(access: Access) -> Finding:
    """Who else may write into it."""
    if access.scheme == "unix":
        return finding("redis.private", "open_socket" if access.open_socket and not access.password else "socket")
    if not access.near and (not access.password or access.scheme != "rediss"):
        return finding("redis.private", "public")
    if not access.password:
        return finding("redis.private", "no_password")
    return finding("redis.private", "ok")
