"""Compares the code with an oracle that shares only the rules with it. Options: ``--help``."""

import os
import sys

from bootstrap import ROOT, become, bootstrap

if __name__ == "__main__":
    # The oracles are no part of the installed package. -P as in run.py.
    os.environ["PYTHONPATH"] = str(ROOT)
    become(bootstrap("requirements-dev.lock"), ["-P", "-m", "tests.oracles", *sys.argv[1:]])
