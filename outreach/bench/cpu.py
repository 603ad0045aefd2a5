"""CPU seconds of processes that are not ours to ask: read from ``/proc``, children that have ended included."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def of_tree(root: int) -> float:
    """CPU seconds (user and system) that a process and all its descendants have taken so far.

    A descendant that has ended counts through the parent that collected it. Linux only.
    """
    taken: dict[int, float] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
            except OSError:  # it has just ended
                continue
            fields = stat[stat.rindex(")") + 2 :].split()
            taken[int(entry.name)] = sum(int(ticks) for ticks in fields[11:15]) / TICKS
            children[int(fields[1])].append(int(entry.name))
    total, waiting = 0.0, [root]
    while waiting:
        pid = waiting.pop()
        total += taken.get(pid, 0.0)
        waiting += children[pid]
    return total
