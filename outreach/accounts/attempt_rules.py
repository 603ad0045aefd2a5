"""How long somebody waits who has given wrong passwords or codes. Pure; times are real.

A wait belongs to whoever failed, never to the account alone, or a stranger could keep its owner out by failing for
them. A browser that has signed in to the account before counts by itself: nothing that others do makes it wait. Any
other counts with its network. Many failures against one account from all over make each unknown network's free
tries fewer, down to one; none is taken away.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Final, NamedTuple


class Patience(NamedTuple):
    """``free`` failures without a wait, then ``first`` after the next, twice as long after each further one."""

    free: int
    first: timedelta
    longest: timedelta


DEVICE: Final = Patience(10, timedelta(seconds=10), timedelta(minutes=15))
"""One account from a browser that has signed in to it before."""
PAIR: Final = Patience(5, timedelta(seconds=15), timedelta(hours=1))
"""One account from one network."""
NETWORK: Final = Patience(40, timedelta(seconds=10), timedelta(minutes=15))
"""Every account from one network: a whole office may sit behind it."""
CODE: Final = Patience(10, timedelta(seconds=30), timedelta(hours=1))
"""Codes of one account from unknown browsers: only who has its password gets so far, so it may stop them all."""
CONFIRM: Final = Patience(5, timedelta(seconds=15), timedelta(hours=1))
"""Passwords that one session gives again."""
FORGET: Final = timedelta(hours=24)
"""After so long without a failure counting begins anew."""
PRESSED: Final = 50
"""Failures against one account from unknown browsers that make every one's tries fewer."""
TOLD: Final = (5, 20, 100, 500, 2_500)
"""Failures in a row of which the account's group is told in its book."""
MOST_DOUBLINGS: Final = 20


def wait_after(patience: Patience, failures: int) -> timedelta:
    """How long to wait after so many failures."""
    beyond = failures - patience.free
    if beyond <= 0:
        return timedelta(0)
    return min(patience.longest, patience.first * (1 << min(beyond - 1, MOST_DOUBLINGS)))


def under_pressure(patience: Patience, against_account: int) -> Patience:
    """A network's patience with an account against which so many have failed: fewer free tries, never none."""
    fewer = against_account // PRESSED
    return patience._replace(free=max(1, patience.free - fewer))


def wide_network(network: str) -> str:
    """The network that one customer of a provider may hold: an IPv4 address, or 48 bits of an IPv6 one."""
    try:
        found = ipaddress.ip_network(network)
    except ValueError:
        return network
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen > 48:
        return str(found.supernet(new_prefix=48))
    return str(found)
