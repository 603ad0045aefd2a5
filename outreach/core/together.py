"""Writes that many wait for, several in one transaction: a commit that waits for the disk then serves them all.

SQLite writes one transaction after the other, and a durable one waits milliseconds for the disk with the lock in hand.
Of the threads of one process that want to write, the first writes for all who stand behind it by then, each in a
savepoint of its own: one that fails takes nothing of the others with it. PostgreSQL does as much by itself.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Engine

AT_ONCE: Final = 16
"""Works in one transaction: it must not keep others from the lock for long."""

Session = Any
"""``db.Transaction``, which this stands below of."""
Work = Callable[[Session], Any]


@dataclass(slots=True, eq=False)
class _Turn:
    work: Work
    jobs: list[Any] = field(default_factory=list)
    result: Any = None
    error: BaseException | None = None
    is_done: bool = False


class Together:
    """The line before one engine; for the threads of one process."""

    def __init__(self, engine: Engine, open_session: Callable[..., Session]) -> None:
        self._engine = engine
        self._open = open_session
        self._waiting: deque[_Turn] = deque()
        self._lead = threading.Lock()

    def write(self, work: Work) -> tuple[Any, list[Any]]:
        """What ``work`` returns, once it is committed, and the jobs that it asked for. Raises what it raises, and what
        the commit raises.
        """
        turn = _Turn(work)
        self._waiting.append(turn)
        while not turn.is_done:
            with self._lead:
                if not turn.is_done:  # whoever led until now may have written this as well
                    self._serve()
        if turn.error is not None:
            raise turn.error
        return turn.result, turn.jobs

    def _serve(self) -> None:
        turns = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        try:
            if len(turns) == 1:
                self._alone(turns[0])
            else:
                self._several(turns)
        except BaseException as error:  # the lock, or the commit: nothing of it is there
            for turn in turns:
                turn.error = turn.error or error
            if not isinstance(error, Exception):
                raise
        finally:
            for turn in turns:
                turn.is_done = True

    def _alone(self, turn: _Turn) -> None:
        with self._open(self._engine, expire_on_commit=False) as tx:
            tx.is_sqlite = True
            tx.connection()  # begin at once: the write lock is taken before anything is read
            result = turn.work(tx)
            tx.commit()
            turn.result, turn.jobs = result, tx.jobs

    def _several(self, turns: Sequence[_Turn]) -> None:
        with self._engine.begin() as connection:
            for turn in turns:
                with self._open(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as tx:
                    tx.is_sqlite = True
                    try:
                        result = turn.work(tx)
                        tx.commit()
                    except Exception as error:  # its own: the others go on
                        turn.error = error
                    else:
                        turn.result, turn.jobs = result, tx.jobs
