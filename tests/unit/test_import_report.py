"""What a report keeps of a file's problems."""

from __future__ import annotations

from outreach.people.imports import read_file

JUNK = "name,phone\n" + "Nobody,1\n" * 3_000


def test_a_file_of_nothing_but_problems_is_counted_and_not_kept_whole() -> None:
    with read_file(
        JUNK.encode(), None, group_id=0, list_name="Fair", consent=None, seals=False, processes=0, most_problems=10
    ) as reading:
        report = reading.report
    assert (report.rows, report.counts["invalid"], report.problem_count) == (3_000, 3_000, 3_000)
    assert len(report.problems) <= 20
    assert [found.row for found in report.problems[:10]] == list(range(2, 12))
