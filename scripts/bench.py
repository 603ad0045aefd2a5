"""Measures how fast the parts are, after setting up what that needs. Options: ``--help``."""

import sys

from bootstrap import become, bootstrap

if __name__ == "__main__":
    # The development lock: it brings a PostgreSQL for machines without one. -P as in run.py.
    become(bootstrap("requirements-dev.lock"), ["-P", "-m", "outreach.bench", *sys.argv[1:]])
