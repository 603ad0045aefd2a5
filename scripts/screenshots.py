"""Takes pictures of every page of the site, after setting up what that needs. Options: ``--help``."""

import os
import sys

from bootstrap import ROOT, become, bootstrap

if __name__ == "__main__":
    # The camera is no part of the installed package. -P as in run.py.
    os.environ["PYTHONPATH"] = str(ROOT)
    become(bootstrap("requirements-dev.lock"), ["-P", "-m", "tests.pictures", *sys.argv[1:]])
