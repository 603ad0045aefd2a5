"""Lists messages or calls newest first, filtered and paged as Twilio's lists do. Pure over the shelf it reads."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Generic, Protocol, TypeVar

from outreach.rehearsal.errors import Refusal

DEFAULT_PAGE = 50
LARGEST_PAGE = 1000
DAY = 86_400.0
OLDER_THAN = "PA"
NEWER_THAN = "PB"
"""A page token is one of these and the message that the page is next to."""


class Listed(Protocol):
    """What can be listed."""

    @property
    def sid(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def to(self) -> str: ...
    @property
    def sender(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def listed_at(self) -> float | None: ...


T = TypeVar("T", bound=Listed)
T_co = TypeVar("T_co", bound=Listed, covariant=True)


class Shelf(Protocol[T_co]):
    """Where it stands, in order of creation."""

    @property
    def everything(self) -> Sequence[T_co]: ...
    @property
    def by_to(self) -> Mapping[str, Sequence[T_co]]: ...
    @property
    def by_sid(self) -> Mapping[str, T_co]: ...


@dataclass(frozen=True, slots=True)
class Query:
    """What a list request asks for; times are spans of real seconds, the end excluded."""

    to: str | None = None
    sender: str | None = None
    status: str | None = None
    begun_from: float | None = None
    begun_before: float | None = None
    page: int = 0
    page_size: int = DEFAULT_PAGE
    token: str | None = None
    filters: list[tuple[str, str]] = field(default_factory=list)
    """The filters as they were written, for the URIs of the neighbours."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Entries of one page, newest first, and the tokens of its neighbours."""

    entries: list[T]
    newer: str | None
    older: str | None


def read_query(given: Mapping[str, str], dated: str = "DateSent", statuses: Sequence[str] = ()) -> Query:
    """Read a list request; ``dated`` names its filter by time. Raises Refusal for a value that cannot be used."""
    begun_from, begun_before = _span_of(given, dated)
    status = (given.get("Status") or None) if statuses else None
    if status is not None and status not in statuses:
        raise Refusal(20001)
    size = _whole(given.get("PageSize", str(DEFAULT_PAGE)), least=1)
    return Query(
        to=given.get("To") or None,
        sender=given.get("From") or None,
        status=status,
        begun_from=begun_from,
        begun_before=begun_before,
        page=_whole(given.get("Page", "0"), least=0),
        page_size=min(size, LARGEST_PAGE),
        token=given.get("PageToken") or None,
        filters=[(name, value) for name, value in given.items() if name not in ("PageSize", "Page", "PageToken")],
    )


def read_page(shelf: Shelf[T], query: Query) -> Page[T]:
    """What a query asks for. Raises Refusal for an unknown page token."""
    pool = shelf.by_to.get(query.to, ()) if query.to else shelf.everything
    edge = _edge(shelf, pool, query.token)
    if query.token and query.token.startswith(NEWER_THAN):
        ahead = list(islice(_matching(pool[edge:], query), query.page_size))
        found = ahead[::-1]
    else:
        skip = 0 if query.token else query.page * query.page_size
        found = list(islice(_matching(_backwards(pool, edge), query), skip, skip + query.page_size))
    if not found:
        return Page([], None, None)
    first, last = found[0], found[-1]
    newer = any(True for _ in _matching(pool[_place(pool, first.index + 1) :], query))
    older = any(True for _ in _matching(_backwards(pool, _place(pool, last.index)), query))
    return Page(found, NEWER_THAN + first.sid if newer else None, OLDER_THAN + last.sid if older else None)


def _edge(shelf: Shelf[T], pool: Sequence[T], token: str | None) -> int:
    """Where in the pool a page begins: backwards from here, or forwards for a newer page."""
    if token is None:
        return len(pool)
    neighbour = shelf.by_sid.get(token[2:])
    if neighbour is None or token[:2] not in (OLDER_THAN, NEWER_THAN):
        raise Refusal(20001)
    return _place(pool, neighbour.index + (token[:2] == NEWER_THAN))


def _place(pool: Sequence[T], index: int) -> int:
    return bisect_left(pool, index, key=lambda entry: entry.index)


def _backwards(pool: Sequence[T], end: int) -> Iterator[T]:
    return (pool[position] for position in range(end - 1, -1, -1))


def _matching(entries: Iterable[T], query: Query) -> Iterator[T]:
    for entry in entries:
        if query.sender is not None and entry.sender != query.sender:
            continue
        if query.status is not None and entry.status != query.status:
            continue
        at = entry.listed_at
        if query.begun_from is not None and (at is None or at < query.begun_from):
            continue
        if query.begun_before is not None and (at is None or at >= query.begun_before):
            continue
        yield entry


def _span_of(given: Mapping[str, str], dated: str) -> tuple[float | None, float | None]:
    begun_from = begun_before = None
    if on := given.get(dated):
        start, width = _moment(on)
        begun_from, begun_before = start, start + width
    if after := given.get(f"{dated}>"):
        begun_from = _moment(after)[0]
    if until := given.get(f"{dated}<"):
        start, width = _moment(until)
        begun_before = start + width
    return begun_from, begun_before


def _moment(text: str) -> tuple[float, float]:
    """Start and width, in seconds, of a date (a day of GMT) or a time (its second)."""
    text = text.strip()
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            raise Refusal(20001) from None
    start = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return start, DAY if len(text) == len("2017-06-01") else 1.0


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise Refusal(20001)
    return int(text)
