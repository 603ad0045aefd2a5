"""While a deploy goes on the release that is out works on the schema of the one that comes: here it plays its story."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPIENTS = 40
PLAY = (
    "import sys, outreach.migrations as schema; from pathlib import Path; "
    "assert Path(schema.__file__).is_relative_to(sys.argv.pop(1)); "
    "schema.upgrade = lambda *_: None; "  # it is there already, and newer
    "from outreach.story.__main__ import main; sys.exit(main())"
)


def previous_code(target: Path) -> str:
    """Unpack the release that is out; its commit. It needs the history: a shallow clone fetches it with --unshallow."""
    commit: str = tomllib.loads((ROOT / "config" / "release.toml").read_text())["previous"]
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    assert packed.returncode == 0, f"{commit} is not in this clone's history: git fetch --unshallow. {packed.stderr!r}"
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as files:
        files.extractall(target, filter="data")
    return commit


def test_the_release_that_is_out_works_on_the_new_schema(new_postgres: Callable[[str], str], tmp_path: Path) -> None:
    old = tmp_path / "old"
    previous_code(old)
    env = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "TWILIO_BASE_URL"}}
    done = subprocess.run(
        [sys.executable, "-P", "-c", PLAY, str(old), "--once", "--json", "--recipients", str(RECIPIENTS),
         "--data-dir", str(tmp_path / "data")],
        env={**env, "PYTHONPATH": str(old), "DATABASE_URL": new_postgres("test_old_code")},
        cwd=old, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["recipients"], told["reconciles"], told["carrier"]["duplicates"]) == (RECIPIENTS, True, 0)
    assert told["delivered"] > RECIPIENTS // 2
