"""What is told of checks: each with its codes, each finding as a sentence, what was set aside and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.data.checking import FACT, CheckSettings
from studio.data.checks import CHECKS, OTHER_ROW, SEVERITIES, Check, severity_of
from studio.services.dataset_rows import DatasetRows
from studio.store.findings import CheckRun, Findings, Ignored, StoredFinding
from studio.words import say


@dataclass(frozen=True)
class CheckState:
    """Everything that a list of checks needs, read in one go."""

    runs: Mapping[str, CheckRun]
    open: Mapping[tuple[str, str], tuple[int, int]]
    all: Mapping[tuple[str, str], int]
    stale: Mapping[tuple[str, str], int]
    ignored: list[Ignored]
    last_change: int
    rows: int
    settings: CheckSettings


def read_state(rows: DatasetRows) -> CheckState:
    found = Findings(rows.connection)
    return CheckState(
        runs={name: run for name, run in found.runs().items() if name in CHECKS},
        open=found.count_open(),
        all=found.count_all(),
        stale=found.count_stale(),
        ignored=[one for one in found.ignored() if one.check_name in CHECKS],
        last_change=rows.changes.last_id(),
        rows=rows.table.counts()[0],
        settings=read_settings(rows),
    )


def read_settings(rows: DatasetRows) -> CheckSettings:
    return CheckSettings.model_validate(rows.table.fact(FACT) or {})


def told_check(check: Check, state: CheckState) -> dict[str, Any]:
    """One check with its codes; status: never, missing, found, passed."""
    run = state.runs.get(check.name)
    codes = []
    for code in check.words:
        key = (check.name, code)
        count, on_rows = state.open.get(key, (0, 0))
        told = {"code": code, "severity": severity_of(check, code), "found": count, "rows": on_rows}
        stale = state.stale.get(key, 0)
        ignored = max(state.all.get(key, 0) - count - stale, 0)
        whole = any(one.row_id is None and (one.check_name, one.code) == key for one in state.ignored)
        codes.append(
            told | {"stale": stale, "ignored": ignored, "is_ignored": whole, "is_fixable": code in check.fixable}
        )
    codes.sort(key=lambda code: SEVERITIES.index(code["severity"]))
    found = sum(code["found"] for code in codes)
    standing = [code["severity"] for code in codes if code["found"]]
    status = "never" if run is None else "missing" if run.missing else "found" if found else "passed"
    return {
        "name": check.name,
        "title": vars(check.title),
        "summary": vars(check.summary),
        "severity": standing[0] if standing else check.severity,
        "status": status,
        "uses": list(check.uses),
        "missing": run.missing if run else check.needs,
        "found": found,
        "ran": run.time if run else None,
        "seconds": run.seconds if run else None,
        "looked_at": run.rows if run else None,
        "is_stale": run is not None and run.last_change < state.last_change,
        "is_outdated": run is not None and _is_outdated(check, run, state.settings),
        "codes": codes,
    }


def told_finding(language: str, rows: DatasetRows, finding: StoredFinding) -> dict[str, Any]:
    check = CHECKS[finding.check_name]
    other = finding.values.get(OTHER_ROW)
    return {
        "finding_id": finding.finding_id,
        "check": finding.check_name,
        "code": finding.code,
        "title": vars(check.title),
        "severity": severity_of(check, finding.code),
        "row_id": finding.row_id,
        "position": None if finding.row_id is None else rows.table.position(finding.row_id),
        "other_row": other,
        "words": _words(language, rows, finding),
        "is_fixable": finding.code in check.fixable,
    }


def _words(language: str, rows: DatasetRows, finding: StoredFinding) -> str:
    """The sentence of a finding; rows are named by their place, causes of refused records by their words."""
    values = finding.values
    if OTHER_ROW in values:
        values[OTHER_ROW] = rows.table.position(int(values[OTHER_ROW]))
    if "cause" in values:
        values["cause"] = say(language, f"refused.{values['cause']}", **values)
    return CHECKS[finding.check_name].words[finding.code].said(language, **values)


def told_ignored(language: str, rows: DatasetRows, one: Ignored) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("ignored_id", "check_name", "code", "reason", "person", "time")}
    words = None
    if one.row_id is not None and one.details is not None:
        finding = StoredFinding(0, one.check_name, one.code, one.row_id, None, one.details)
        words = _words(language, rows, finding)
    position = rows.table.position(one.row_id) if one.row_id is not None else None
    return told | {"row_id": one.row_id, "position": position, "words": words}


def _is_outdated(check: Check, run: CheckRun, settings: CheckSettings) -> bool:
    """Whether what the check depends on was chosen anew since it ran."""
    now = settings.model_dump(mode="json")
    return any(run.settings.get(name) != now[name] for name in check.uses)
