"""Becomes the program it is told to start, after telling the watchdog its session.

Run by path, in a session of its own, as ``child.py <watchdog descriptor> <user or -> <program> [arguments]``.
The process holds the watchdog's pipe open until its number is written, so a supervisor killed at any instant
leaves no process that the watchdog does not know. Standard library only: this must start in milliseconds.
"""

import os
import pwd
import signal
import sys


def become(user: str) -> None:
    """Give up root for good."""
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=user, LOGNAME=user)


def main(watchdog: int, user: str, argv: list[str]) -> None:
    """Report, close the pipe, and run the program in this very process."""
    os.write(watchdog, f"start {os.getsid(0)}\n".encode())
    os.close(watchdog)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # this interpreter ignores it, and the program would inherit that
    try:
        if user != "-":
            become(user)
        os.execvp(argv[0], argv)  # noqa: S606 - replacing this process is the point
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
