"""Every page of the site: the name of its picture, and its address with the ids that the played story fills in."""

from __future__ import annotations

from typing import Final, NamedTuple


class PageShot(NamedTuple):
    """One page; ``status`` is what it must answer with, ``readme`` whether the README shows it."""

    name: str
    path: str
    status: int = 200
    readme: bool = False


EMPTY: Final = (
    PageShot("empty-home", "/"),
    PageShot("empty-officials", "/officials/"),
    PageShot("empty-people", "/people/"),
    PageShot("empty-campaigns", "/campaigns/"),
    PageShot("empty-trees", "/trees/"),
    PageShot("empty-tallies", "/tallies/"),
    PageShot("empty-inbox", "/inbox/"),
    PageShot("empty-phones", "/phones/"),
    PageShot("empty-review", "/review/"),
)
"""Before the story begins, as a newcomer sees the site."""

PLAYED: Final = (
    PageShot("home", "/"),
    PageShot("officials", "/officials/"),
    PageShot("official", "/officials/{official}"),
    PageShot("official-new", "/officials/new"),
    PageShot("officials-import", "/officials/import"),
    PageShot("office", "/officials/offices/{office}"),
    PageShot("office-new", "/officials/{official}/offices/new"),
    PageShot("meeting-form", "/meetings/new/{official}"),
    PageShot("meeting", "/meetings/{meeting}"),
    PageShot("people", "/people/"),
    PageShot("person", "/people/{person}"),
    PageShot("person-data", "/people/{person}/data"),
    PageShot("person-erase", "/people/{person}/erase"),
    PageShot("people-export", "/people/export"),
    PageShot("segments", "/people/segments/"),
    PageShot("segment-new", "/people/segments/new"),
    PageShot("segment", "/people/segments/{segment}"),
    PageShot("districts", "/people/districts/"),
    PageShot("district", "/people/districts/{district}"),
    PageShot("district-new", "/people/districts/new"),
    PageShot("import", "/people/import"),
    PageShot("opt-outs", "/people/opt-outs"),
    PageShot("sign-up", "/people/sign-up"),
    PageShot("poster", "/people/sign-up/poster/en"),
    PageShot("join", "/join/{sign_up}"),
    PageShot("join-sent", "/join/{sign_up}/sent"),
    PageShot("import-preview", "/people/import/{upload}"),
    PageShot("wizard-tasks", "/campaigns/{draft}/draft/"),
    PageShot("wizard-about", "/campaigns/{draft}/draft/about"),
    PageShot("wizard-audience", "/campaigns/{draft}/draft/audience"),
    PageShot("wizard-text", "/campaigns/{draft}/draft/text", readme=True),
    PageShot("wizard-review", "/campaigns/{draft}/draft/review"),
    PageShot("wizard-cancel", "/campaigns/{draft}/cancel"),
    PageShot("campaigns", "/campaigns/"),
    PageShot("campaign-waits", "/campaigns/{waits}"),
    PageShot("campaign-again", "/campaigns/{campaign}/again/"),
    PageShot("campaign", "/campaigns/{campaign}", readme=True),
    PageShot("campaign-people", "/campaigns/{campaign}/people"),
    PageShot("campaign-people-reason", "/campaigns/{campaign}/people?reason=carrier:30003"),
    PageShot("campaign-calls", "/campaigns/{campaign}/calls"),
    PageShot("campaign-counter", "/campaigns/{campaign}/counter"),
    PageShot("tallies", "/tallies/"),
    PageShot("tallies-zip", "/tallies/?by=zip&period=week"),
    PageShot("tallies-file", "/tallies/file"),
    PageShot("pressure", "/officials/{official}/pressure"),
    PageShot("counter", "/count/{counter}"),
    PageShot("script-page", "/s/{script}"),
    PageShot("captain-page", "/t/{captain}"),
    PageShot("trees", "/trees/"),
    PageShot("tree-new", "/trees/new"),
    PageShot("tree", "/trees/{tree}"),
    PageShot("tree-person", "/trees/people/{node}"),
    PageShot("tree-start", "/trees/{tree}/start"),
    PageShot("tree-run", "/trees/runs/{run}"),
    PageShot("tree-run-table", "/trees/runs/{run}/table"),
    PageShot("tree-run-stop", "/trees/runs/{run}/stop"),
    PageShot("phones", "/phones/"),
    PageShot("phone", "/phones/{phone}?campaign={campaign}"),
    PageShot("inbox", "/inbox/"),
    PageShot("thread", "/inbox/{thread}", readme=True),
    PageShot("inbox-settings", "/inbox/settings/"),
    PageShot("ready-answer-new", "/inbox/settings/ready/new"),
    PageShot("ready-answer", "/inbox/settings/ready/{ready}"),
    PageShot("review", "/review/"),
    PageShot("error", "/campaigns/999999999", status=404),
)
"""Once the story is played."""

SIGNED_OUT: Final = (
    PageShot("sign-in", "/sign-in"),
    PageShot("enter", "/enter/a-link-that-opens-nothing"),
)
"""For somebody who has not signed in."""
