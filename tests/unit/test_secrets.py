"""No secret in the repository: the scan that anybody can run, and that it would notice one."""

from __future__ import annotations

import secrets
import string
from pathlib import Path

import pytest

from scripts.scan import BASELINE, PLUGINS, files, finds, known


def test_no_secret_stands_in_the_tree() -> None:
    found = finds(files())
    assert sorted(found - known()) == [], "none, or one for .secrets.baseline: see scripts/scan.py"
    assert sorted(known() - found) == [], "what is gone from the files goes from the baseline"
    assert len(PLUGINS) > 15
    assert BASELINE.is_file()


def text(letters: str, length: int) -> str:
    """Random: a fixed one would be found in this very file."""
    return "".join(secrets.choice(letters) for _ in range(length))


@pytest.mark.parametrize(
    ("planted", "kind"),
    [
        ("aws", "AWS Access Key"),
        ("github", "GitHub Token"),
        ("stripe", "Stripe Access Key"),
        ("key", "Private Key"),
        ("url", "Basic Auth Credentials"),
        ("twilio", "Twilio API Key"),
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, planted: str, kind: str) -> None:
    word = string.ascii_letters + string.digits
    line = {
        "aws": 'id = "AKIA' + text(string.ascii_uppercase + string.digits, 16) + '"',
        "github": 'token = "gh' + "p_" + text(word, 36) + '"',
        "stripe": 'key = "sk_' + "live_" + text(word, 24) + '"',
        "key": "-----BEGIN RSA PRIVATE" + " KEY-----",
        "url": 'url = "postgresql://outreach:' + text(word, 16) + '@db.internal/outreach"',
        "twilio": 'token = "SK' + text("0123456789abcdef", 32) + '"',
    }[planted]
    path = tmp_path / "settings.py"
    path.write_text(f"# settings\n{line}\n")
    # One that is random enough is found a second time, for being random.
    assert kind in {found for _, found, _ in finds([path], tmp_path)}
    path.write_text("# settings\nnothing = 1\n")
    assert finds([path], tmp_path) == set()
