"""An operator's worst day in one blast: SIGTERM, kills, backup, keys, loss, restore, purge. Options: ``--help``."""

import sys

from bootstrap import become, bootstrap

if __name__ == "__main__":
    # The development lock: it brings a PostgreSQL for machines without one. -P as in run.py.
    become(bootstrap("requirements-dev.lock"), ["-P", "-m", "outreach.chaos.drill", *sys.argv[1:]])
