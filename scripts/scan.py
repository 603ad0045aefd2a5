#!/usr/bin/env python3
"""Look for secrets in every file of the repository: ``.venv/bin/python scripts/scan.py``.

What is known to be none stands in ``.secrets.baseline``, by file and hash; ``--accept`` writes it anew, to be read by a
person before it is committed. Nothing is sent anywhere: a find is not tried out. Exit 0 when nothing new is found.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / ".secrets.baseline"
PLUGINS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
"""What has a shape of its own. What only looks random is no find: locks, tests and tables are full of it."""
ENTROPY = {"name": "Base64HighEntropyString", "limit": 5.0}
"""But a key of ours: 32 random bytes in quotes, in code and settings."""
SETTINGS = {
    "plugins_used": [*({"name": name} for name in PLUGINS), ENTROPY],
    "filters_used": [
        {"path": "detect_secrets.filters.allowlist.is_line_allowlisted"},
        {"path": "detect_secrets.filters.heuristic.is_sequential_string"},
    ],
}
PASSED_BY = (".lock", ".png", ".svg", ".secrets.baseline")

POSSIBLE = re.compile(r"(?=[A-Za-z+/_=.-]*[0-9])[A-Za-z0-9+/_=.-]{20,}|[A-Za-z]{20,}|PRIVATE KEY|://[^/\s]*:[^/\s]*@")
"""What a file with a secret in it has somewhere; the others need not be read line by line."""

Find = tuple[str, str, str]


def files() -> list[Path]:
    """What is committed, or would be."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names = [name for name in listed.stdout.decode().split("\0") if name and not name.endswith(PASSED_BY)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def finds(paths: Iterable[Path], root: Path = ROOT) -> set[Find]:
    """What looks like a secret: file, kind, and a hash of it. The secret itself goes nowhere."""
    found = SecretsCollection()
    with transient_settings(SETTINGS):
        for path in paths:
            if not POSSIBLE.search(path.read_text(encoding="utf-8", errors="replace")):
                continue
            found.scan_file(str(path))
    return {(str(Path(name).relative_to(root)), secret.type, secret.secret_hash) for name, secret in found}


def known() -> set[Find]:
    """What a person has looked at and found to be no secret."""
    return {(one["file"], one["kind"], one["hash"]) for one in json.loads(BASELINE.read_text())["known"]}


def main() -> int:
    """Scan, and say what is new."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="take everything found for known: read it before")
    options = parser.parse_args()
    found = finds(files())
    if options.accept:
        rows = [{"file": file, "kind": kind, "hash": digest} for file, kind, digest in sorted(found)]
        BASELINE.write_text(json.dumps({"known": rows}, indent=1) + "\n")
        return 0
    new = sorted(found - known())
    for file, kind, _ in new:
        print(f"{file}: looks like a secret ({kind})")
    print(f"{len(new)} new, {len(found)} in all")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
