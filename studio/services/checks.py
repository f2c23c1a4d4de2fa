"""Checks as the pages use them: run, read, mended, ignored with a reason; every call is one person's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import orjson
from pydantic import ValidationError

from studio.data.checking import FACT, CheckSettings
from studio.data.checks import CHECKS, SEVERITIES
from studio.data.profile import FACT as PROFILE
from studio.data.selection import Selection
from studio.data.version_diff import compare_records
from studio.errors import NotYours, OptionsInvalid, RequestRefused
from studio.jobs.folder import JobFolder
from studio.people import Person
from studio.services.bases import Bases
from studio.services.check_reports import read_settings, read_state, told_check, told_finding, told_ignored
from studio.services.dataset_bulk import Bulk
from studio.services.dataset_card import list_points, read_card
from studio.services.dataset_rows import DatasetRows
from studio.services.datasets import Datasets
from studio.services.queue import Queue
from studio.store.catalogue import open_catalogue
from studio.store.connection import transaction
from studio.store.findings import Findings
from studio.store.fixing import Fixing
from studio.store.masks import Masks, masks_path
from studio.store.other_rows import OtherRows
from studio.store.placeholders import standing_numbers

KIND = "check"
PAGE_FINDINGS = 50
LONGEST_REASON = 500
FIRST_RUN_ROWS = 50_000
"""A dataset of at most so many rows is checked by itself when it is opened first: half a minute on one core."""

COMPARED_ROWS = 200_000
"""Rows of all other datasets that such a first run reads at most."""

_PREVIEW_ROWS = 20
_EXAMPLES = 3
_FIELD_ROWS, _MOST_FIELDS = 200, 100


class Checks:
    """The checks of every workspace's datasets. Thread-safe: each call opens what it needs and closes it."""

    def __init__(self, datasets: Datasets, bases: Bases, queue: Queue, bulk: Bulk) -> None:
        self._datasets = datasets
        self._bases = bases
        self._queue = queue
        self._bulk = bulk

    # Reading ----------------------------------------------------------------------------------------------------------

    def list(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """{checks, ignored, counts, ran, is_stale, job, purpose, points …}.

        counts: standing findings by severity. ran: how many checks have run. is_stale: rows were changed since one of
        them looked. job: {"job_id", "share"} of a run on its way, else None. Raises NotYours.
        """
        with self._opened(person, dataset_id) as rows:
            state = read_state(rows)
            ignored = [told_ignored(person.language, rows, one) for one in state.ignored]
            checks = [told_check(check, state) for check in CHECKS]
            card = read_card(rows)
            points = list_points(card, rows, state, rows.table.fact(PROFILE))
            for check in checks:
                for code in check["codes"]:
                    code["examples"] = _examples(person.language, rows, check["name"], code) if code["found"] else []
        counts = dict.fromkeys(SEVERITIES, 0)
        for check in checks:
            for code in check["codes"]:
                counts[code["severity"]] += code["found"]
        job = self._running(person, dataset_id)
        return {
            "checks": checks,
            "ignored": ignored,
            "counts": counts,
            "ran": len(state.runs),
            "is_stale": any(run.last_change < state.last_change for run in state.runs.values()),
            "purpose": card["purpose"],
            "points": {"met": sum(point["is_met"] for point in points), "all": len(points)},
            "is_small": state.rows <= FIRST_RUN_ROWS,
            "rows": state.rows,
            "settings": state.settings.model_dump(mode="json"),
            "job": job and {"job_id": job.id, "status": job.state().status},
        }

    def findings(self, person: Person, dataset_id: str, check: str, code: str, page: int) -> dict[str, Any]:
        """Standing findings of a code, page from 1: {"findings", "total", "page", "pages"}. Raises NotYours."""
        _check_code(check, code)
        with self._opened(person, dataset_id) as rows:
            found = Findings(rows.connection)
            total = found.count_open().get((check, code), (0, 0))[0]
            pages = max(-(-total // PAGE_FINDINGS), 1)
            page = min(max(page, 1), pages)
            listed = found.page(check, code, (page - 1) * PAGE_FINDINGS, PAGE_FINDINGS)
            told = [told_finding(person.language, rows, finding) for finding in listed]
        return {"findings": told, "total": total, "page": page, "pages": pages}

    def of_row(self, person: Person, dataset_id: str, row_id: int) -> list[dict[str, Any]]:
        """The standing findings of a row, the gravest first. Raises NotYours."""
        with self._opened(person, dataset_id) as rows:
            found = [told_finding(person.language, rows, one) for one in Findings(rows.connection).of_rows([row_id])]
        return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))

    def errors_of_version(self, person: Person, fingerprint: str) -> dict[str, Any]:
        """{"id": of its dataset, "errors"}: findings that should be mended or ignored before it is trained on.

        Those that stood open when the version was saved; while the dataset is as it was then, those that stand now.
        Raises NotYours.
        """
        self._datasets.version(person, fingerprint)
        with open_catalogue(person.workspace) as catalogue:
            version = catalogue.version(fingerprint)
        told = {"id": version.dataset_id, "errors": version.about.get("checks", {}).get("errors", 0)}
        try:
            with self._opened(person, version.dataset_id) as rows:
                if rows.changes.last_id() == version.last_change:
                    told["errors"] = Findings(rows.connection).count_errors()
        except NotYours:  # a deleted dataset's version, or a project's: nothing stands but what was kept
            pass
        return told

    # Running ----------------------------------------------------------------------------------------------------------

    def run(self, person: Person, dataset_id: str, names: list[str], deed: str, compares: bool = True) -> str:
        """Queue a run of some checks, all of them where none is named; the job's id. One at a time for a dataset.

        compares: whether other datasets are read too.
        Raises NotYours, RequestRefused, ModelNotFound for a base that is gone.
        """
        if any(name not in CHECKS for name in names):
            raise RequestRefused()
        title = self._datasets.info(person, dataset_id)["name"]
        if running := self._running(person, dataset_id):
            return running.id
        options: dict[str, Any] = {"dataset_id": dataset_id, "checks": names, "compares": compares}
        base = self.settings(person, dataset_id).base
        if base is not None:
            options["base_folder"] = str(self._bases.find(base).folder)
        return self._queue.submit(person, KIND, title, options, deed)

    def run_first(self, person: Person, dataset_id: str) -> str | None:
        """Check a dataset that never was, unless it is so large that a person should decide; the job's id, or None.

        Where the other datasets are large together, it is compared with none of them until a person asks for it.
        """
        with self._opened(person, dataset_id) as rows:
            present, _ = rows.table.counts()
            if not 0 < present <= FIRST_RUN_ROWS or Findings(rows.connection).runs():
                return None
        others = sum(one["rows"] for one in self._datasets.list(person) if one["id"] != dataset_id)
        return self.run(person, dataset_id, [], f"first-check-{dataset_id}", others <= COMPARED_ROWS)

    def settings(self, person: Person, dataset_id: str) -> CheckSettings:
        with self._opened(person, dataset_id) as rows:
            return read_settings(rows)

    def choices(self, person: Person, dataset_id: str) -> dict[str, Any]:
        """What the settings can be: {"bases": [{id, title, context}], "datasets": [{id, name}], "fields": names}.

        fields: those that the first rows had besides what is learned, any of which may name a group.
        """
        with self._opened(person, dataset_id) as rows:
            metas = [orjson.loads(row.meta) for row in rows.table.page(0, _FIELD_ROWS)]
        fields = dict.fromkeys(name for meta in metas for name in meta.get("fields") or {})
        others = [one for one in self._datasets.list(person) if one["id"] != dataset_id]
        names = ("id", "title", "context")
        return {
            "bases": [{name: base[name] for name in names} for base in self._bases.list(person)],
            "datasets": [{"id": one["id"], "name": one["name"]} for one in others],
            "fields": list(fields)[:_MOST_FIELDS],
        }

    def set_settings(self, person: Person, dataset_id: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Raises OptionsInvalid with all problems, NotYours, ModelNotFound for an unknown base."""
        try:
            settings = CheckSettings.model_validate(dict(given))
        except ValidationError as problem:
            fields = [str(error["loc"][0]) if error["loc"] else "settings" for error in problem.errors()]
            raise OptionsInvalid([{"field": name, "code": "check_setting_unusable"} for name in fields]) from problem
        if settings.base is not None:
            settings = settings.model_copy(update={"base": self._bases.find(settings.base).id})
        for other in settings.compared or ():
            self._datasets.info(person, other)
        with self._opened(person, dataset_id) as rows, transaction(rows.connection):
            rows.table.write_facts({FACT: settings.model_dump(mode="json")})
        return settings.model_dump(mode="json")

    # Mending ----------------------------------------------------------------------------------------------------------

    def preview_fix(
        self, person: Person, dataset_id: str, check: str, code: str, row_ids: list[int] | None = None
    ) -> dict[str, Any]:
        """{"rows", "fixes": the first as {row_id, position, leaves_out, parts}}; parts: as `compare_records` has them.

        Nothing is written, the map of placeholders neither. Raises NotYours, RequestRefused for a code without a fix.
        """
        _check_fixable(check, code)
        with self._opened(person, dataset_id) as rows, OtherRows(person.workspace, dataset_id) as others:
            total = Findings(rows.connection).count_open().get((check, code), (0, 0))[1]
            masks = Masks(masks_path(person.workspace, dataset_id), partial(standing_numbers, rows.connection))
            fixing = Fixing(rows.connection, check, code, masks, others, row_ids)
            fixes = [
                {
                    "row_id": fix.row_id,
                    "position": rows.table.position(fix.row_id),
                    "leaves_out": fix.after is None,
                    "parts": compare_records(fix.before, fix.after),
                }
                for fix in islice(fixing.iterate(), _PREVIEW_ROWS)
            ]
        return {"rows": len(row_ids) if row_ids is not None else total, "fixes": fixes}

    def fix(
        self, person: Person, dataset_id: str, check: str, code: str, deed: str, row_ids: list[int] | None = None
    ) -> dict[str, Any]:
        """Mend all rows of a code, or some of them, as one change: what `Bulk.apply` gives.

        Raises NotYours, RequestRefused, FileUnreadable for a damaged map of placeholders.
        """
        _check_fixable(check, code)
        only = None if row_ids is None else tuple(row_ids)
        selection = Selection(check=check, check_code=code, row_ids=only)
        return self._bulk.apply(person, dataset_id, selection, {"kind": "fix", "check": check, "code": code}, deed)

    # Setting aside ----------------------------------------------------------------------------------------------------

    def ignore(
        self, person: Person, dataset_id: str, check: str, code: str, reason: str, finding_id: int | None = None
    ) -> None:
        """Set one finding aside, or everything of a code. Raises OptionsInvalid without a reason, NotYours."""
        _check_code(check, code)
        reason = reason.strip()
        if not reason or len(reason) > LONGEST_REASON:
            raise OptionsInvalid([{"field": "reason", "code": "reason_missing", "maximum": LONGEST_REASON}])
        with self._opened(person, dataset_id) as rows:
            found = Findings(rows.connection)
            finding = None if finding_id is None else found.find(finding_id)
            if finding_id is not None and (finding is None or (finding.check_name, finding.code) != (check, code)):
                raise NotYours(what="finding")
            whole = finding is None or finding.row_id is None
            found.ignore((check, code) if whole else finding, reason, person.name)

    def take_back(self, person: Person, dataset_id: str, ignored_id: int) -> None:
        """What was ignored counts again. Safe to repeat. Raises NotYours."""
        with self._opened(person, dataset_id) as rows:
            Findings(rows.connection).take_back(ignored_id)

    # Inside -----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _opened(self, person: Person, dataset_id: str) -> Iterator[DatasetRows]:
        with self._datasets.rows(person, dataset_id) as rows:
            yield rows

    def _running(self, person: Person, dataset_id: str) -> JobFolder | None:
        for job in self._queue.jobs(person, [KIND]):
            if job.spec.options.get("dataset_id") == dataset_id and not job.state().is_ended:
                return job
        return None


def _examples(language: str, rows: DatasetRows, check: str, code: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The first findings of a code, as sentences with their rows' places."""
    listed = Findings(rows.connection).page(check, code["code"], 0, _EXAMPLES)
    told = [told_finding(language, rows, finding) for finding in listed]
    return [{name: one[name] for name in ("row_id", "position", "words")} for one in told]


def _check_code(check: str, code: str) -> None:
    if check not in CHECKS or code not in CHECKS[check].words:
        raise RequestRefused()


def _check_fixable(check: str, code: str) -> None:
    _check_code(check, code)
    if code not in CHECKS[check].fixable:
        raise RequestRefused()
