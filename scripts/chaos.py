"""Kills what can be killed during a blast, and counts who was texted twice or lost. Options: ``--help``."""

import sys

from bootstrap import become, bootstrap

if __name__ == "__main__":
    # The development lock: it brings a PostgreSQL for machines without one. -P as in run.py.
    become(bootstrap("requirements-dev.lock"), ["-P", "-m", "outreach.chaos", *sys.argv[1:]])
