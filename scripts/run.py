"""The main job: sets up what is missing, then tells the whole story. Options: ``--help``."""

import sys

from bootstrap import become, bootstrap

if __name__ == "__main__":
    # -P: a directory named config or workers where the user stands must not hide ours.
    become(bootstrap("requirements.lock"), ["-P", "-m", "outreach.story", *sys.argv[1:]])
