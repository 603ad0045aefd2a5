"""What a further text begins with: what it costs with the longest names, what it says, and that the lint passes it."""

from __future__ import annotations

import pytest

from config import table
from outreach.core.segments import measure
from outreach.escalations.lint import lint
from outreach.escalations.waves import WHO
from tests.unit.test_default_drafts import ACTIONS, FIRST_NAME, GROUP, LANGUAGES, OFFICIAL, POLICIES, filled, values


def test_each_audience_has_its_text() -> None:
    assert set(table("message_templates/waves")) == set(WHO)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("who", WHO)
def test_a_further_text_is_two_plain_parts_at_most_and_passes_the_lint(who: str, policy: int, language: str) -> None:
    body = filled(table("message_templates/waves")[who][language], policy, language)
    cost = measure(body)
    assert (cost.encoding, cost.segments <= 2) == ("GSM-7", True), (cost, body)
    found = lint(body, "text", language, values(policy, language))
    assert [one.code for one in found if one.code != "reading"] == []
    for words in (FIRST_NAME, GROUP, OFFICIAL[language], *ACTIONS[language]):
        assert words in body
    assert body.count("?") == 1  # one ask
