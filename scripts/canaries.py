"""Plays a rehearsal and looks for its people's numbers in everything that it leaves. Options: ``--help``."""

import sys

from bootstrap import become, bootstrap

if __name__ == "__main__":
    # The lock of the site itself is enough. -P as in run.py.
    become(bootstrap("requirements.lock"), ["-P", "-m", "outreach.canaries", *sys.argv[1:]])
