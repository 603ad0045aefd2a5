"""What is done with each command of the documents: the tables of tests/integration/test_docs_commands.py."""

from __future__ import annotations

from typing import NamedTuple

from tests.documented import NUMBER


class Run(NamedTuple):
    """How a command is run on the site: its words there, how it ends, and what it says."""

    words: str
    says: str
    code: int = 0


RUN = {
    "backup /backups --keep-days 30": Run("backup {root}/backups --keep-days 30", r"\.backup: "),
    "backup /backups --protections": Run("backup {root}/backups --protections", r"\.protections\b"),
    "backup /backups --protections --keep-days 30": Run(
        "backup {root}/backups --protections --keep-days 30", r"\.protections\b"
    ),
    "backup backups --keep-days 30": Run("backup {root}/backups --keep-days 30", r"\.backup: "),
    "backup backups --protections --keep-days 30": Run(
        "backup {root}/backups --protections --keep-days 30", r"\.protections\b"
    ),
    "restore backups/FILE.backup --replace --protections backups/FILE.protections": Run(
        "restore {backup} --replace --protections {protections}", "could not be asked", 1
    ),
    "replaced remove --yes": Run("replaced remove --yes", "0 removed"),
    "restore /backups/FILE.backup --replace --protections /backups/FILE.protections": Run(
        "restore {backup} --replace --protections {protections}", "could not be asked", 1
    ),  # 1: this site has no carrier to catch up with
    "campaign pause ID": Run("campaign pause {launched}", "Campaign 2 is paused"),
    "campaign tally ID": Run("campaign tally {launched}", "delivered .* 0"),
    "campaign cancel ID": Run("campaign cancel {launched}", "0 texts were canceled"),
    "campaign resume ID": Run("campaign resume {paused}", "Campaign 3 goes on"),
    "keys rotate": Run("keys rotate", "0 documents sealed anew under rehearsal-1"),
    "keys show": Run("keys show", "rehearsal-1"),
    "purge": Run("purge", "0 texts, 0 replies"),
    'constituents show NUMBER --reason "complaint"': Run(
        f"constituents show {NUMBER} --reason complaint", "signed a sheet"
    ),
    'optouts import complaint.csv --reason "complaint by mail"': Run(
        "optouts import {root}/complaint.csv --reason 'complaint by mail'", "1 suppressed now"
    ),
    "db check": Run("db check", "the one of this release"),
    "db upgrade": Run("db upgrade", "up to date"),
    'group add "Valley Neighbors"': Run("group add 'Valley Neighbors'", "Valley Neighbors"),
    "login-link": Run("login-link", "/enter/"),
    "doctor": Run("doctor", "Doctor: not ready", 1),  # 1: nobody works here, and no carrier answers
    "doctor --fix": Run("doctor --fix", "Doctor: not ready", 1),
    "doctor --json": Run("doctor --json", '"ready": false', 1),
}
"""Commands of ``outreach``, without what stands before it."""

LONG = {
    "python3 scripts/run.py": "tests/browser/test_story.py::test_an_organizers_first_hour",
    "python3 scripts/run.py --once --json": "tests/journeys/test_story.py::test_the_story_reconciles_to_the_last_text",
    "python3 scripts/test.py": "tests/unit/test_bootstrap.py::test_three_workers_unless_the_caller_chose",
    "python3 scripts/test.py tests/unit": (
        "tests/unit/test_bootstrap.py::test_the_browser_is_needed_by_browser_tests_alone"
    ),
    "python3 scripts/bench.py tally --json": (
        "tests/integration/test_bench.py::test_the_quick_measurement_ends_in_one_line_of_json_and_leaves_nothing_behind"
    ),
    "python3 scripts/canaries.py --numbers 10000 --json": (
        "tests/journeys/test_canaries.py::test_no_number_is_left_in_any_file_of_the_instance"
    ),
    "python3 scripts/chaos.py --kills 50 --recipients 5000 --database postgresql --json": (
        "tests/journeys/test_chaos.py::test_whatever_is_killed_nobody_is_texted_twice_and_nobody_is_lost"
    ),
    "python3 scripts/drill.py --recipients 600 --database postgresql --json": (
        "tests/journeys/test_drill.py::test_terms_a_restore_another_key_and_a_purge_leave_books_that_reconcile"
    ),
}
"""What takes minutes is read by its own parser here; the test named runs it, with less to do."""

COMPOSE = {
    "docker compose build", "docker compose up --detach", "docker compose ps", "docker compose stop worker",
    "docker compose stop web worker importer upkeep", "docker compose restart redis", "docker compose restart upkeep",
    "docker compose restart worker importer",
    "docker compose logs --tail 100 upkeep", "docker compose run --rm backup",
    "docker compose run --rm release outreach db check",
    "docker compose run --rm --volume ./backups:/backups release outreach restore /backups/FILE.backup --replace"
    " --protections /backups/FILE.protections",
    "docker compose exec web outreach campaign resume ID",
    "docker compose run --rm release outreach replaced remove --yes",
    "docker compose exec database df -h /var/lib/postgresql/data",
    "cd /srv/outreach && docker compose run --rm backup",
    "cd /srv/outreach && docker compose run --rm backup outreach backup /backups --protections --keep-days 30",
}  # fmt: skip
"""A test has no daemon: services, options and paths are held against compose.yaml; ``outreach`` in them is run."""

SHELL = {
    "cp .env.example .env": ".env",
    "chmod 600 .env": "",
    "set -a; . ./.env; set +a": "",
    "install --directory --owner 10001 --group 10001 --mode 700 backups": "backups",
    "install --directory --mode 700 backups": "backups",
    "date -u": "",
}
"""Run by a shell beside .env.example; the file that is there afterwards."""

SYSTEMD = {
    "sudo systemctl enable --now outreach@web outreach@worker outreach@importer outreach@upkeep",
    "sudo systemctl start outreach@web outreach@worker outreach@importer outreach@upkeep",
    "sudo systemctl stop 'outreach@*'",
}
"""A test has no manager of processes either: what these name is held against the Procfile."""

KEYS = {"openssl rand -base64 48", "openssl rand -base64 32"}
"""What they print is as long as the settings want it; the program itself is not ours."""
