"""``python -m tests.oracles``, which ``scripts/oracle.py`` becomes: the code against a second opinion, in numbers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.oracles import phones, quiet_cases, rehearsed_calls, replies, reply_wave, stop_races, tree_run, webhooks

CORPORA = Path(__file__).parents[1] / "unit" / "corpus"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 0 they agree, 1 they do not, 2 usage."""
    parser = argparse.ArgumentParser(
        prog="scripts/oracle.py",
        description="Compares the code's answers with those of an oracle that shares nothing with it but the rules.",
        allow_abbrev=False,
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other cases (1)")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    # The same two are understood behind the name as well; left out there, they keep what was said before it.
    behind = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    behind.add_argument("--seed", type=int, metavar="S")
    behind.add_argument("--json", action="store_true")
    names = parser.add_subparsers(dest="name", required=True)
    hours = names.add_parser("quiet-hours", parents=[behind], help="when a number may be texted")
    hours.add_argument("--cases", type=int, default=1_000_000, metavar="N", help="how many are drawn (1,000,000)")
    races = names.add_parser(
        "stop-races", parents=[behind], help="who commits first, a STOP or the slice of that person's text"
    )
    races.add_argument("--races", type=int, default=10_000, metavar="N", help="how many are run (10,000)")
    races.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    numbers = names.add_parser("phones", parents=[behind], help="which number can be texted or called")
    numbers.add_argument("--numbers", type=int, default=100_000, metavar="N", help="how many are drawn (100,000)")
    wave = names.add_parser(
        "reply-wave", parents=[behind], help="a blast that everybody answers, and the inbox meanwhile"
    )
    wave.add_argument("--replies", type=int, default=100_000, metavar="N", help="so many people answer (100,000)")
    wave.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    wave.add_argument("--picture", type=Path, metavar="FILE", help="the inbox at the end, as a PNG")
    calls = names.add_parser("calls", parents=[behind], help="everybody replies CALL: our books and the carrier's")
    calls.add_argument("--calls", type=int, default=2_000, metavar="N", help="so many people (2,000)")
    calls.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    tree = names.add_parser("tree", parents=[behind], help="a phone tree while workers are killed")
    tree.add_argument("--people", type=int, default=1_000, metavar="N", help="so many are in it (1,000)")
    tree.add_argument("--silent", type=float, default=0.3, metavar="SHARE", help="of the captains (0.3)")
    tree.add_argument("--kills", type=int, default=15, metavar="N", help="of workers, work-horses and upkeep (15)")
    tree.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    meant = names.add_parser("classify", parents=[behind], help="what replies mean, against lines labelled by people")
    meant.add_argument("files", nargs="*", type=Path, metavar="FILE", help="corpora (those of tests/unit/corpus)")
    meant.add_argument("--misses", action="store_true", help="each line that is read as something else")
    hooks = names.add_parser(
        "webhooks", parents=[behind], help="which webhook is Twilio's: forged, re-cut, garbled ones"
    )
    hooks.add_argument("--mutants", type=int, default=50_000, metavar="N", help="how many are sent, at least (50,000)")
    hooks.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args(arguments)
    run = {
        "quiet-hours": _quiet_hours, "stop-races": _stop_races, "phones": _phones, "reply-wave": _reply_wave,
        "classify": _classify, "webhooks": _webhooks, "calls": _calls, "tree": _tree,
    }  # fmt: skip
    found = run[chosen.name](parser, chosen)
    if chosen.json:
        sys.stdout.write(json.dumps(found) + "\n")
    return 0 if found["ok"] else 1


def _quiet_hours(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.cases < 100:
        parser.error("--cases must be 100 or more")
    found = quiet_cases.as_json(chosen.seed, chosen.cases)
    sys.stderr.write(
        f"{found['cases']:,} cases in {found['seconds']} s: {found['wrongly_allowed']} allowed outside the shortened "
        f"window, {found['share']} of {found['inside']:,} inside allowed (at least {quiet_cases.SHARE}), "
        f"{found['wrong_ends']} wrong ends, {found['wrong_openings']} wrong openings.\n"
    )
    return found


def _stop_races(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.races < 10:
        parser.error("--races must be 10 or more")
    found = stop_races.run(chosen.database, chosen.races, chosen.seed)
    sys.stderr.write(
        f"{found['races']:,} races in {found['seconds']} s: {found['landed_between']:,} STOPs landed between claim and "
        f"slice, {found['committed_after_stop']} slices committed after one; {found['received']:,} creates, "
        f"{found['received_after_stop']} over a second after a STOP; from slice to carrier "
        f"{found['slice_to_carrier_p99']} s (p99), {found['slice_to_carrier_max']} s (max).\n"
    )
    return found


def _phones(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.numbers < 100:
        parser.error("--numbers must be 100 or more")
    found = phones.as_json(chosen.seed, chosen.numbers)
    sys.stderr.write(
        f"{found['numbers']:,} numbers in {found['seconds']} s: {found['valid']:,} valid, {found['wrong']} verdicts "
        f"unlike libphonenumber's {found['shapes'] or ''}\n"
    )
    return found


def _reply_wave(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if not 100 <= chosen.replies <= 1_000_000:
        parser.error("--replies must be 100 to 1,000,000")
    found = reply_wave.run(chosen.database, chosen.replies, chosen.picture)
    sys.stderr.write(
        f"{found['replies']:,} replies of {found['people']:,} people in {found['drained_in']} s: differences "
        f"{found['wrong'] or 'none'}; the inbox: {found['inbox']}, {'' if found['usable'] else 'not '}usable "
        f"{found['troubles'] or ''}\n"
    )
    return found


def _calls(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if not 10 <= chosen.calls <= 100_000:
        parser.error("--calls must be 10 to 100,000")
    found = rehearsed_calls.run(chosen.database, chosen.calls)
    sys.stderr.write(
        f"{found['calls']:,} calls and {found['office_legs']:,} office legs in {found['seconds']} s: "
        f"{found['endings']}; reported {found['reports']}; not called {dict(found['not_called'])}; "
        f"differences {found['wrong'] or 'none'}.\n"
    )
    return found


def _tree(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if not (20 <= chosen.people <= 5_000 and 0 <= chosen.silent <= 1 and chosen.kills >= 0):
        parser.error("--people must be 20 to 5,000, --silent 0 to 1")
    found = tree_run.run(chosen.database, chosen.people, chosen.silent, chosen.kills, chosen.seed)
    sys.stderr.write(
        f"{found['people']:,} people, {found['silent_captains']} of {found['captains']} captains silent, kills "
        f"{found['kills']}: {found['reached']:,} of {found['reachable']:,} reached ({found['share']:.1%}), "
        f"{found['routed_around']} routed around, differences {found['wrong'] or 'none'} in {found['seconds']} s.\n"
    )
    return found


def _classify(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    files = chosen.files or sorted(CORPORA.glob("*.toml"))
    if missing := [str(file) for file in files if not file.is_file()]:
        parser.error(f"no such file: {', '.join(missing)}")
    found, misses = replies.as_json(files)
    for miss in misses if chosen.misses else ():
        sys.stderr.write(
            f"{miss.line.lang} {miss.line.asked or '-'} {miss.line.intent}/{miss.line.outcome or '-'} read as "
            f"{miss.intent}/{miss.outcome or '-'} by {miss.rule}: {miss.line.text!r}\n"
        )
    for lang, rates in {"all": found, **found["by_lang"]}.items():
        shown = ", ".join(f"{name} {rates[name]:.2%}" for name in replies.GOALS if name in rates)
        sys.stderr.write(f"{lang}: {rates['lines']:,} lines, {shown}.\n")
    return found


def _webhooks(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> dict[str, Any]:
    if chosen.mutants < 100:
        parser.error("--mutants must be 100 or more")
    found = webhooks.run(chosen.database, chosen.mutants, chosen.seed)
    sys.stderr.write("".join(f"{count:>8,} {kind}\n" for kind, count in found["kinds"].items()))
    sys.stderr.write(
        f"{found['mutants']:,} mutants in {found['seconds']} s: {found['accepted']} taken, "
        f"{found['answers_in_the_500s']} answers in the 500s; {found['parents_accepted']} of {found['parents']} "
        f"parents taken, {found['controls_accepted']:,} of {found['controls']:,} written otherwise; "
        f"{found['replays_answered']} of {found['replays']} replays answered; "
        f"{found['rows_that_differ']} rows unlike the parents'.\n"
    )
    sys.stderr.write("".join(f"{each}\n" for each in found["wrong"]))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
