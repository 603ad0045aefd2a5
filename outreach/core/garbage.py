"""No look for garbage while a program is imported, and none, later, through what it has imported.

To be imported before everything else: a program of a few hundred modules is imported in four fifths of the time. What
has been imported stays to the end. To look through it again and again stops every thread of a web process for an eighth
of a second, and makes the work-horses, which share it with their worker, copy it.
"""

from __future__ import annotations

import gc

gc.disable()


def begin() -> None:
    """Everything is imported and made; from now on what is new is looked through."""
    gc.freeze()
    gc.enable()
