"""How often a sign-up page may be used, and how often a number may be asked by text. Pure: the time is passed in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from config import table

_OURS: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""This machine and private networks (RFC 1918, RFC 4193): what asks from there is a proxy, or somebody inside."""


class Limit(NamedTuple):
    """At most so many in any stretch of time of this length."""

    most: int
    within: timedelta


ONE_NUMBER: Final = (Limit(1, timedelta(hours=24)), Limit(3, timedelta(days=7)))
"""Texts that ask one number for a yes, of all groups together (domain time)."""
ONE_ADDRESS: Final = (Limit(30, timedelta(minutes=10)), Limit(200, timedelta(days=1)))
"""Uses from one address (real time): a whole meeting may sit behind one."""
ONE_GROUP: Final = (Limit(200, timedelta(hours=1)), Limit(1_000, timedelta(days=1)))
"""Uses of one group's page (real time): what a stranger can make us text is bounded, whatever addresses they have."""
ONE_PREFIX: Final = (
    Limit(table("pumping")["prefix"]["hour"], timedelta(hours=1)),
    Limit(table("pumping")["prefix"]["day"], timedelta(days=1)),
)
"""Uses of all pages for numbers with the same first six digits (real time): who is paid for texts owns such blocks."""
ASKED_AGO: Final = (timedelta(hours=1), timedelta(days=1))
"""Whoever was asked less, or longer, ago than this is not judged by whether they said yes."""
ONE_READER: Final = (Limit(120, timedelta(minutes=1)),)
"""Looks at public pages from one address (real time)."""
LONGEST: Final = timedelta(days=1)
"""No use older than this matters."""
NETWORK: Final = 64
"""So many bits of an IPv6 address are one household's or one phone's."""


def allows(limits: Sequence[Limit], earlier: Iterable[datetime], now: datetime) -> bool:
    """Whether one more is within all limits, after those at these times. One that is still to come counts too."""
    times = list(earlier)
    return all(sum(at > now - limit.within for at in times) < limit.most for limit in limits)


def is_pumped(asked: int, confirmed: int) -> bool:
    """Whether so few of those who were asked have said yes that nobody may be there to say it."""
    rule = table("pumping")["watch"]
    return bool(asked >= rule["least"] and confirmed < rule["share"] * asked)


def prefix_of(e164: str) -> str:
    """Area code and exchange of a number of +1."""
    return e164[2:8]


def network_of(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 one. What is none is one as well."""
    try:
        found = ipaddress.ip_address((address or "").strip())
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), NETWORK), strict=False))


def is_ours(address: str | None) -> bool:
    """Whether an address is this machine's or a private network's."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)  # a socket for both kinds names its IPv4 peers so
    return any((mapped or found) in network for network in _OURS)


def asked_from(remote: str | None, forwarded: str | None, proxies: int = 1) -> str | None:
    """The address a request came from, past so many proxies of ours.

    The nearest stands on this machine or network; each appends the address it was asked from to ``X-Forwarded-For``.
    What anybody else writes there stands before that, and is not believed.
    """
    if proxies < 1 or not is_ours(remote):
        return remote
    told = [part.strip() for part in (forwarded or "").split(",")][-proxies:]
    return told[0] or remote
