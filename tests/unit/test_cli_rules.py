"""The rules at the command line: one answer a line, in order, whatever the line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from outreach.cli.rules import classify, phones, segments

ROOT = Path(__file__).parents[2]


def run(command: click.Command, lines: bytes, *options: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(command, list(options), input=lines)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout_bytes.isascii()
    return result.exit_code, [json.loads(line) for line in result.stdout_bytes.splitlines()]


def rows(*objects: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in objects)


def test_segments() -> None:
    code, answers = run(
        segments, rows({"id": 7, "text": "Hola"}, {"id": "b", "text": "’" * 71}, {"id": None, "text": ""})
    )
    assert code == 0
    assert answers == [
        {"id": 7, "encoding": "GSM-7", "segments": 1, "units": 4},
        {"id": "b", "encoding": "UCS-2", "segments": 2, "units": 71},
        {"id": None, "encoding": "GSM-7", "segments": 0, "units": 0},
    ]


def test_phones() -> None:
    lines = rows(
        {"input": "(480) 555-0117 x4", "zip": "10001"}, {"input": "1.5E+10"}, {"input": "800-555-0117", "zip": None}
    )
    code, answers = run(phones, lines)
    assert code == 0
    assert answers[0] == {
        "input": "(480) 555-0117 x4",
        "valid": True,
        "e164": "+14805550117",
        "extension": "4",
        "reason": None,
        "zones": ["America/New_York", "America/Phoenix"],
        "region": "US",
    }
    assert (answers[1]["valid"], answers[1]["e164"], answers[1]["reason"]) == (False, None, "scientific_notation")
    assert answers[2]["reason"] == "toll_free"
    assert run(phones, lines, "--kind", "office")[1][2]["e164"] == "+18005550117"


def test_classify() -> None:
    code, answers = run(
        classify,
        rows(
            {"id": 1, "text": "STOP"},
            {"id": 2, "text": "3", "asked": "call_report"},
            {"id": 3, "text": "3", "asked": None},
        ),
    )
    assert code == 0
    assert [(row["id"], row["intent"], row["outcome"]) for row in answers] == [
        (1, "opt_out", None),
        (2, "report", "mailbox_full"),
        (3, "other", None),
    ]
    assert all(set(row) == {"id", "intent", "outcome", "lang", "confidence", "rule"} for row in answers)


@pytest.mark.parametrize(
    ("line", "error", "id_"),
    [
        (b"", "not_json", None),
        (b"{", "not_json", None),
        (b'{"id": 1, "text": "\xff"}', "not_utf8", None),
        (b"[]", "not_an_object", None),
        (b'"STOP"', "not_an_object", None),
        (b'{"id": 4}', "missing_field", 4),
        (b'{"text": "a"}', "missing_field", None),
        (b'{"id": 5, "text": 12}', "not_a_string", 5),
        (b'{"id": 6, "text": null}', "not_a_string", 6),
        (b'{"id": NaN, "text": "a"}', "not_json", None),
        (b'{"id": 1e999, "text": "a"}', "not_json", None),
        (b"[" * 100_000, "not_json", None),
        (b"9" * 10_000, "not_json", None),
    ],
)
def test_a_bad_line_is_answered_and_the_rest_goes_on(line: bytes, error: str, id_: object) -> None:
    code, answers = run(segments, line + b"\n" + rows({"id": 9, "text": "a"}))
    assert code == 1
    assert answers[0]["error"]["code"] == error
    assert answers[0]["error"]["message"] not in ("", error)
    assert answers[0].get("id") == id_
    assert answers[1]["segments"] == 1


def test_an_unknown_question_is_an_error_of_its_line() -> None:
    code, answers = run(classify, rows({"id": 1, "text": "1", "asked": "weather"}))
    assert code == 1
    assert answers == [{"id": 1, "error": {"code": "unknown_asked", "message": answers[0]["error"]["message"]}}]


def test_nothing_in_nothing_out_and_no_newline_at_the_end_is_fine() -> None:
    assert run(segments, b"") == (0, [])
    assert run(segments, b'{"id":1,"text":"a"}')[1][0]["segments"] == 1
    assert run(segments, b'\xef\xbb\xbf{"id":1,"text":"a"}\r\n')[1][0]["segments"] == 1


@pytest.mark.parametrize("command", [segments, phones, classify])
@given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=5))
def test_any_bytes_get_one_answer_a_line(command: click.Command, lines: list[bytes]) -> None:
    _, answers = run(command, b"".join(line + b"\n" for line in lines))
    assert len(answers) == len(lines)


@pytest.mark.parametrize("command", [segments, phones, classify])
@given(st.text(st.characters(), max_size=80))
def test_any_text_is_answered(command: click.Command, text: str) -> None:
    code, answers = run(command, rows({"id": 1, "text": text, "input": text}))
    assert code == 0
    assert "error" not in answers[0]


def test_answers_come_while_the_input_is_still_open_and_need_no_environment() -> None:
    code = "from outreach.cli.rules import classify; classify()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text, intent in (("stop", "opt_out"), ("ayuda", "help")):
            process.stdin.write(rows({"id": text, "text": text}))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["intent"] == intent
        process.stdin.close()
        assert process.wait(timeout=30) == 0
