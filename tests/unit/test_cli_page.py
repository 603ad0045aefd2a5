"""docs/cli.md against the command itself: each command has one heading, and a section that names its options."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from outreach.cli import cli

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
SPAN = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def commands(group: click.Group = cli, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its whole name."""
    for word in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), word)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, f"{name}{word} ")
        else:
            yield f"{name}{word}", found


KNOWN = dict(commands())


def options_of(command: click.Command) -> set[str]:
    return {
        name for one in command.params if isinstance(one, click.Option) for name in (*one.opts, *one.secondary_opts)
    }


def told(span: str) -> tuple[list[str], list[str]]:
    """The commands that a heading's code names, and what it names and is none: ``campaign list | show`` names two."""
    found, wrong = [], []
    group = ""
    for part in re.split(r" \| ", span):
        words = part.split()
        if words[0].startswith(("-", "[")):
            continue  # one option or the other
        name = next((name for size in (2, 1) if (name := " ".join(words[:size])) in KNOWN), None)
        if name is None and f"{group} {words[0]}" in KNOWN:
            name = f"{group} {words[0]}"
        if name is None:
            wrong.append(part)
        else:
            found.append(name)
            group = name.split()[0]
    return found, wrong


def sections(page: str) -> list[tuple[list[str], list[str], str]]:
    """Each section: its commands, what its heading names and is none, and its text with the heading."""
    found = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        named = [told(span) for span in SPAN.findall(section.splitlines()[0])]
        found.append(([one for good, _ in named for one in good], [one for _, bad in named for one in bad], section))
    return found


def faults(page: str) -> list[str]:
    """Whatever the page says and is not so, or does not say."""
    found = []
    counted = Counter(name for names, _, _ in sections(page) for name in names)
    found += [f"no heading: {name}" for name in KNOWN if not counted[name]]
    found += [f"two headings: {name}" for name, count in counted.items() if count > 1]
    for names, wrong, text in sections(page):
        found += [f"no command: {one}" for one in wrong]
        own = {option for name in names for option in options_of(KNOWN[name])}
        said = set(OPTION.findall(text))
        found += [f"{names[0]}: does not name {one}" for one in sorted(own - said - {"--json"})]
        elsewhere = {  # of another command, which is named with it
            option
            for span in SPAN.findall(FENCE.sub("", text))
            for name in told(span)[0]
            for option in options_of(KNOWN[name])
        }
        found += [f"{', '.join(names)}: has no {one}" for one in sorted(said - own - elsewhere)]
    return found


def test_the_page_says_what_the_command_has() -> None:
    assert faults(PAGE) == []


def test_a_page_that_is_wrong_is_found_out() -> None:
    heading = "## `purge [--json]`"
    assert heading in PAGE
    assert faults(PAGE.replace(heading, "## `purify [--json]`"))[:1] == ["no heading: purge"]
    assert "no command: purify [--json]" in faults(PAGE.replace(heading, "## `purify [--json]`"))
    assert faults(f"{PAGE}\n{heading}") == ["two headings: purge"]
    assert faults(PAGE.replace(heading, "## `purge [--hard] [--json]`")) == ["purge: has no --hard"]
    assert "reconfirm: does not name --text-es" in faults(PAGE.replace("--text-es TEXT", "TEXT"))
