"""Words for phone trees: what cannot be done and why, how somebody stands in a run, and how their branch does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from flask_babel import lazy_gettext

from outreach.core.errors import OutreachError
from outreach.phone_tree.models import TreeStep
from outreach.web import wizard_words

AREAS: Final[dict[str, Any]] = {"zip": lazy_gettext("the same ZIP code"), "city": lazy_gettext("the same city")}
CHANNELS: Final = {
    "text": lazy_gettext("by text"),
    "call": lazy_gettext("by a call first; whoever does not pick up gets a text"),
}
"""How captains are asked."""
MADE: Final[dict[str, Any]] = {
    "lists": lazy_gettext("Of the people in lists: branches of neighbors are made for you"),
    "hand": lazy_gettext("Empty: you put people in one by one"),
}
ERRORS: Final[dict[str, Any]] = {
    "tree_name": lazy_gettext("A tree's name has 1 to %(longest)s characters."),
    "tree_name_taken": lazy_gettext("Your group has another tree with this name. Choose another name."),
    "tree_changed": lazy_gettext(
        "Somebody else changed this tree while you had it open. Look at it as it is now, then change it again."
    ),
    "tree_has_runs": lazy_gettext("This tree has been used, and its runs are kept. It cannot be deleted."),
    "tree_node_unknown": lazy_gettext("This person is not in the tree any more."),
    "tree_nobody": lazy_gettext("There are fewer than two people in these lists who may be texted."),
    "tree_too_large": lazy_gettext("A tree has at most %(most)s people. Choose a smaller list."),
    "branch_size": lazy_gettext("A branch has %(least)s to %(most)s people."),
    "person_unknown": lazy_gettext("Your group knows nobody with this number."),
    "person_not_textable": lazy_gettext(
        "This person has not agreed to be texted, has opted out, or has a number that does not work."
    ),
    "tree_person_twice": lazy_gettext("This person is in the tree already: everybody is in it once."),
    "tree_branch_too_large": lazy_gettext(
        "A branch has at most %(most)s people. Put somebody else into another one first."
    ),
    "tree_cycle": lazy_gettext("Nobody can be put below somebody of their own branch."),
    "tree_backup_is_captain": lazy_gettext("A captain cannot be their own backup."),
    "tree_waits_wrong": lazy_gettext(
        "Captains are asked again after at least 1 minute, and before the backup is asked. The backup is asked after "
        "%(longest)s minutes at most."
    ),
    "tree_runs_already": lazy_gettext("This tree is running already."),
    "tree_not_running": lazy_gettext("This phone tree is not running."),
    "gate_not_paused": lazy_gettext("This phone tree is not paused."),
    "campaign_unknown": lazy_gettext("Choose a campaign."),
}
PROBLEMS: Final[dict[str, Any]] = {
    "tree_empty": lazy_gettext("Nobody is in this tree yet."),
    "tree_person_twice": lazy_gettext("They are in this tree twice."),
    "tree_branch_unreachable": lazy_gettext("They hang from nobody: move them to a branch."),
    "tree_captain_of_nobody": lazy_gettext("They lead nobody: add people below them, or move them to a branch."),
    "tree_branch_too_large": lazy_gettext("Their branch is too large: move somebody to another one."),
    "tree_backup_is_captain": lazy_gettext("They are their own backup: choose somebody else."),
}
"""What keeps a tree from being started, by the codes of ``branches.problems_of``."""
RUN_STATES: Final[dict[str, Any]] = {
    "running": lazy_gettext("running"),
    "paused": lazy_gettext("paused"),
    "done": lazy_gettext("over"),
    "stopped": lazy_gettext("stopped"),
}
STATUSES: Final[dict[str, Any]] = {
    "waiting": lazy_gettext("waits for their text"),
    "sent": lazy_gettext("text on its way"),
    "reached": lazy_gettext("reached"),
    "missed": lazy_gettext("text not delivered"),
    "excluded": lazy_gettext("not texted"),
}
"""How somebody stands, by ``reads.Status``."""
ROLES: Final[dict[str, Any]] = {
    "captain": lazy_gettext("captain"),
    "backup": lazy_gettext("backup"),
    "member": lazy_gettext("member"),
}
STEPS: Final[dict[str, Any]] = {
    "waiting": lazy_gettext("waits for the branch above"),
    "asked": lazy_gettext("captain asked"),
    "nudged": lazy_gettext("captain asked again"),
    "backup_asked": lazy_gettext("backup asked"),
    "captain": lazy_gettext("captain said yes"),
    "backup": lazy_gettext("backup said yes"),
    "routed_direct": lazy_gettext("texted by us"),
    "stopped": lazy_gettext("stopped"),
}
"""How a branch stands, by its step's state, or by who said yes."""
PASSED_OVER: Final[dict[str, Any]] = {
    "silent": lazy_gettext("the captain did not answer"),
    "declined": lazy_gettext("the captain cannot"),
    "lost": lazy_gettext("no text reaches the captain"),
}
"""Why a captain was passed over, by a step's reason."""
NEXT: Final[dict[str, Any]] = {
    "asked": lazy_gettext("asked again at %(time)s"),
    "nudged": lazy_gettext("passed over at %(time)s"),
    "backup_asked": lazy_gettext("we text them at %(time)s"),
}
"""What happens by itself, and when."""


class Branch(NamedTuple):
    """A branch's step for a page: ``badge`` is a key of STEPS, ``then`` says what comes by itself."""

    badge: str
    overdue: bool
    late: bool
    reason: Any
    then: str | None


def branch_of(step: TreeStep, when: Any, now: datetime, *, runs: bool) -> Branch:
    """A step in words; ``when`` puts a time into words, ``runs``: its run goes on."""
    badge = str(step.confirmed_by) if step.state == "confirmed" else step.state
    sentence = NEXT.get(step.state) if runs else None
    then = str(sentence) % {"time": when(step.deadline_at)} if sentence and step.deadline_at else None
    return Branch(badge, is_overdue(step, now), step.joined_at is not None, PASSED_OVER.get(step.reason or ""), then)


def is_overdue(step: TreeStep, now: datetime) -> bool:
    """Whether somebody was asked for a branch and has let the time pass in which to answer."""
    if step.state == "asked":
        return step.deadline_at is not None and step.deadline_at < now
    return step.state == "nudged" or (step.state == "backup_asked" and step.reason == "silent")


def tree_error(error: OutreachError) -> str:
    """A use case's refusal in the person's language."""
    if error.code == "tree_wrong":
        return str(PROBLEMS[str(error.details["problem"])])
    return filled(ERRORS, error) or wizard_words.words(error)


def filled(sentences: Mapping[str, Any], error: OutreachError) -> str | None:
    """The sentence of an error's code with its details, where there is one."""
    sentence = sentences.get(error.code)
    return str(sentence) % error.details if sentence else None
