"""The card of a dataset: what it is for, what it holds, what was checked, and how far it is from good training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.data.checks import CHECKS, severity_of
from studio.data.profile import FACT as PROFILE
from studio.errors import OptionsInvalid
from studio.people import Person
from studio.services.check_reports import CheckState, read_state, told_check, told_ignored
from studio.services.dataset_rows import DatasetRows
from studio.services.datasets import Datasets
from studio.store.connection import transaction

FACT = "card"
LONGEST_PURPOSE, LONGEST_LICENCE = 300, 200
GOOD_TAGS, BAD_TAGS = ("good",), ("bad",)
"""Tags by which a person says of single rows that they are to be followed, or not."""


class Cards:
    """The cards of every workspace's datasets. What a person wrote is kept among the facts, so versions keep it too."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    def read(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """{purpose, licence, info, profile, checks, ignored, points}. Raises NotYours.

        profile: None until the checks have run. points: the checklist, each {name, is_met, reason, values} in order.
        """
        info = self._datasets.info(person, dataset_id)
        with self._datasets.rows(person, dataset_id) as rows:
            state = read_state(rows)
            card, profile = read_card(rows), rows.table.fact(PROFILE)
            told = [told_check(check, state) for check in CHECKS]
            ignored = [told_ignored(person.language, rows, one) for one in state.ignored]
            points = list_points(card, rows, state, profile)
        names = ("name", "kind", "rows", "held_out", "refused", "created", "latest_version", "edits", "source")
        checks = [{name: check[name] for name in ("name", "title", "status", "found", "is_stale")} for check in told]
        return card | {
            "info": {name: info[name] for name in names},
            "profile": profile,
            "is_profile_stale": bool(profile) and profile["last_change"] < state.last_change,
            "checks": checks,
            "ignored": ignored,
            "points": points,
        }

    def write(self, person: Person, dataset_id: str, given: Mapping[str, Any]) -> dict[str, str]:
        """Keep purpose and licence. Raises OptionsInvalid with all problems, NotYours."""
        limits = {"purpose": LONGEST_PURPOSE, "licence": LONGEST_LICENCE}
        card = {name: " ".join(str(given.get(name) or "").split()) for name in limits}
        problems = [
            {"field": name, "code": "text_too_long", "maximum": most}
            for name, most in limits.items()
            if len(card[name]) > most
        ]
        if problems:
            raise OptionsInvalid(problems)
        with self._datasets.rows(person, dataset_id) as rows, transaction(rows.connection):
            rows.table.write_facts({FACT: card})
        return card


def read_card(rows: DatasetRows) -> dict[str, str]:
    return {"purpose": "", "licence": ""} | (rows.table.fact(FACT) or {})


def list_points(
    card: Mapping[str, str], rows: DatasetRows, state: CheckState, profile: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """The four points of good fine-tuning data, each met or not by what is known, never by what is hoped."""
    purpose = _point("purpose", bool(card["purpose"]), "stated" if card["purpose"] else "missing")
    return [purpose, _examples(rows, profile), _personal_data(state), _evaluation(rows, state)]


def _point(name: str, is_met: bool, reason: str, **values: Any) -> dict[str, Any]:
    return {"name": name, "is_met": is_met, "reason": reason, "values": values}


def _examples(rows: DatasetRows, profile: Mapping[str, Any] | None) -> dict[str, Any]:
    """Good ones and bad ones: pairs, rated replies, or rows that a person tagged."""
    good, bad = (profile["good"], profile["bad"]) if profile else (0, 0)
    tagged = dict(
        rows.connection.execute(
            "SELECT tag, COUNT(*) FROM row_tags JOIN rows USING (row_id) WHERE deleted = 0 AND tag IN (?, ?) GROUP BY tag",
            (*GOOD_TAGS, *BAD_TAGS),
        ).fetchall()
    )
    good, bad = good + tagged.get(GOOD_TAGS[0], 0), bad + tagged.get(BAD_TAGS[0], 0)
    if good and bad:
        return _point("examples", True, "both", good=good, bad=bad)
    return _point("examples", False, "no_bad" if not bad else "no_good")


def _personal_data(state: CheckState) -> dict[str, Any]:
    return _checked("personal_data", ("personal_data",), state)


def _evaluation(rows: DatasetRows, state: CheckState) -> dict[str, Any]:
    held_out = rows.table.counts()[1]
    if not held_out:
        return _point("evaluation", False, "nothing_held_out")
    point = _checked("evaluation", ("leakage", "group_leakage"), state, only="error")
    return point | {"values": point["values"] | {"held_out": held_out}}


def _checked(name: str, checks: tuple[str, ...], state: CheckState, only: str | None = None) -> dict[str, Any]:
    """Met where the checks have looked at the rows as they stand and nothing stands open. only: of this severity."""
    runs = [state.runs.get(check) for check in checks]
    if any(run is None or run.missing for run in runs):
        return _point(name, False, "not_checked")
    if any(run is not None and run.last_change < state.last_change for run in runs):
        return _point(name, False, "checked_before_changes")
    found = sum(
        count
        for (check, code), (count, _) in state.open.items()
        if check in checks and (only is None or severity_of(CHECKS[check], code) == only)
    )
    if found:
        return _point(name, False, "found", count=found)
    ignored = sum(one.check_name in checks for one in state.ignored)
    return _point(name, True, "clean_but_ignored" if ignored else "clean", ignored=ignored)
