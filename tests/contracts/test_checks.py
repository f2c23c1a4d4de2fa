"""Every check finds in its worked example what it says, mends it as it says, and is silent about clean rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import orjson
import pytest

from studio.data.checks import CHECKS, OTHER_DATASET, OTHER_NUMBER, SEVERITIES, Check, CheckRow, Finding, severity_of
from tests.architecture.words_rules import places, wrong_words


class Placeholders:
    """A fixer that numbers values as they come."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], str] = {}

    def placeholder(self, kind: str, value: str) -> str:
        number = sum(known == kind for known, _ in self.found) + 1
        return self.found.setdefault((kind, value), f"⟨{kind.upper()}_{number}⟩")


def _given(check: Check, rows: Sequence[CheckRow]) -> Callable[[], Iterator[CheckRow]]:
    return lambda: (row for row in rows if check.kinds is None or row.kind in check.kinds)


def _found(check: Check, rows: Sequence[CheckRow]) -> list[Finding]:
    return list(check.find(_given(check, rows), check.example.context))


def _sorted(findings: Sequence[Finding]) -> list[tuple]:
    return sorted((f.row_id or 0, f.code, orjson.dumps(dict(f.values), option=orjson.OPT_SORT_KEYS)) for f in findings)


@pytest.mark.parametrize("name", CHECKS.names)
def test_a_check_finds_in_its_example_exactly_what_it_says(name):
    check = CHECKS[name]
    rows = copy.deepcopy(check.example.rows)
    assert check.example.findings
    assert _sorted(_found(check, rows)) == _sorted(check.example.findings)
    assert rows == check.example.rows, "a check must not change what it reads"


@pytest.mark.parametrize("name", CHECKS.names)
def test_a_check_is_silent_about_clean_rows_and_no_rows(name):
    check = CHECKS[name]
    assert check.example.clean
    assert _found(check, check.example.clean) == []
    assert _found(check, ()) == []


@pytest.mark.parametrize("name", CHECKS.names)
def test_every_code_of_a_check_is_in_its_example_and_has_words_in_both_languages(name):
    check = CHECKS[name]
    assert {finding.code for finding in check.example.findings} == set(check.words)
    assert check.severity in SEVERITIES
    assert {severity_of(check, code) for code in check.words} <= set(SEVERITIES)
    assert set(check.severities) | check.fixable <= set(check.words)
    for text in (check.title, check.summary, *check.words.values()):
        assert list(wrong_words(text.en, text.ja)) == []
    assert check.elsewhere <= check.fixable
    for finding in check.example.findings:
        assert finding.code not in check.elsewhere or {OTHER_DATASET, OTHER_NUMBER} <= set(finding.values)
        assert places(check.words[finding.code].en) <= set(finding.values)


@pytest.mark.parametrize("name", CHECKS.names)
def test_a_fix_gives_the_record_it_promises_and_is_done_when_done(name):
    check = CHECKS[name]
    records = {row.row_id: row.record for row in check.example.rows}
    fixed, fixer = {}, Placeholders()
    for finding in check.example.findings:
        if finding.code not in check.fixable or finding.row_id is None:
            continue
        before = fixed.get(finding.row_id, records[finding.row_id])
        if before is None:
            continue
        given = copy.deepcopy(before)
        fixed[finding.row_id] = check.fix(given, finding.values, fixer)
        assert given == before, "a fix must not change what it is given"
        if (after := fixed[finding.row_id]) is not None:
            assert check.fix(after, finding.values, fixer) == after
    assert fixed == dict(check.example.fixed)


@pytest.mark.parametrize("name", CHECKS.names)
def test_what_is_fixed_is_found_no_more(name):
    check = CHECKS[name]
    fixed = check.example.fixed
    left = [row for row in check.example.rows if fixed.get(row.row_id, row.record) is not None]
    mended = [CheckRow(**(vars(row) | {"record": fixed.get(row.row_id, row.record)})) for row in left]
    still = [finding for finding in _found(check, mended) if finding.row_id in fixed and finding.code in check.fixable]
    assert still == []


@pytest.mark.parametrize("name", CHECKS.names)
def test_a_check_ticks_so_that_it_can_be_stopped(name):
    class _Stopped(Exception):
        pass

    def stop(_done: int) -> None:
        raise _Stopped

    check = CHECKS[name]
    context = type(check.example.context)(**(vars(check.example.context) | {"tick": stop}))
    with pytest.raises(_Stopped):
        list(check.find(_given(check, check.example.rows), context))


@pytest.mark.parametrize("name", CHECKS.names)
def test_findings_can_be_kept_as_json(name):
    for finding in CHECKS[name].example.findings:
        assert orjson.loads(orjson.dumps(dict(finding.values))) == dict(finding.values)
