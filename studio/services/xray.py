"""The X-ray as the pages use it: a record token by token, and how long the rows of a version are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from studio.data.records import PREFERENCE, Problem, canonical_text
from studio.errors import NotYours, OptionsInvalid, RequestRefused, ServerLost
from studio.models.rendering import FAMILIES
from studio.models.xray import LONGEST
from studio.people import Person
from studio.services.bases import Bases
from studio.services.datasets import Datasets
from studio.services.model_server import ModelServer
from studio.services.runs import Runs
from studio.services.versions import dataset_path
from studio.store.changes import Changes
from studio.store.dataset_file import open_dataset
from studio.store.row_lengths import RowLengths
from studio.training.batches import LARGEST_BATCH, compare_batches
from studio.training.measures import LISTED_ROWS, Lengths, Measure, find_measure, measure_path
from studio.training.methods import METHODS

BINS = 40
LONGEST_BYTES = 1_000_000
"""Of a record that is shown: 6 MB took ten seconds on two busy cores; no base here reads a tenth of it."""

COUNTED_BYTES = 2_000_000
"""Of the records of a page that are counted at once: about a second of tokenizing."""

_STEPS = (1, 2, 4, 5, 8)


class Xray:
    """How a base reads rows. Tokens come from the model server, lengths from the job that measures a version."""

    def __init__(self, datasets: Datasets, bases: Bases, runs: Runs, server: ModelServer) -> None:
        self._datasets = datasets
        self._bases = bases
        self._runs = runs
        self._server = server

    def bases(self, person: Person) -> list[dict[str, Any]]:
        """{"id", "title", "context", "template"} of what can be chosen, Pocket first."""
        names = ("id", "title", "context", "template")
        return [{name: base[name] for name in names} for base in self._bases.list(person)]

    def render(
        self, person: Person, base: str, record: dict[str, Any], max_length: int, template: str | None = None
    ) -> dict[str, Any]:
        """As `models.xray.render_record` has it, without a template where nothing was rendered.

        template: one of `families` in place of the base's own. Raises ModelNotFound, OptionsInvalid, ServerFailed.
        """
        return self._render(person, base, record, max_length, template=self._check_family(template))

    def count(self, person: Person, base: str, record: dict[str, Any], max_length: int) -> list[dict[str, Any]]:
        """The sides of a record without their tokens: only how many there are. Raises as `render` does."""
        return self._render(person, base, record, max_length, counts_only=True)["sides"]

    def count_rows(self, person: Person, base: str, dataset_id: str, row_ids: list[int]) -> dict[str, int]:
        """How many tokens rows have as they stand, by row id as text; rows too long for a page to wait for are left out.

        row_ids: at most COUNTED_RECORDS. Raises NotYours, ModelNotFound, ServerFailed.
        """
        found = self._bases.find(base)
        with self._datasets.rows(person, dataset_id) as rows:
            stored = rows.table.rows_by_id(row_ids)
        records, room = {}, COUNTED_BYTES
        for row in stored:
            room -= len(row.record)
            if room < 0:
                break
            record = orjson.loads(row.record)
            if find_unsendable(record) is None:
                records[row.row_id] = record
        if not records:
            return {}
        counts = self._server.client(person).count(found.id, list(records.values()))
        return {str(row_id): count for row_id, count in zip(records, counts, strict=True) if count is not None}

    @staticmethod
    def families() -> list[str]:
        """Chat templates that any base can be looked at with, by the name of the family that writes like that."""
        return list(FAMILIES)

    @staticmethod
    def _check_family(name: str | None) -> str | None:
        if name is not None and name not in FAMILIES:
            raise RequestRefused()
        return name

    def _render(
        self, person: Person, base: str, record: dict[str, Any], max_length: int, **more: Any
    ) -> dict[str, Any]:
        found, most = self._bases.find(base), check_length(max_length)
        if problem := find_unsendable(record):
            return {"sides": [], "template": None, "max_length": most, "problems": [{"side": None} | problem]}
        try:
            return self._server.client(person).render(found.id, record, most, **more)
        except ServerLost:  # it ended between two questions; asking twice harms nothing
            return self._server.client(person).render(found.id, record, most, **more)

    def lengths(
        self, person: Person, base: str, dataset_id: str, number: int | None, max_length: int
    ) -> dict[str, Any]:
        """How long the rows of a version are, or the rows as they stand: `summarise` with status "ready"; else "measuring", "failed".

        number: of the version; None for the rows as they stand, of which the last figures are told, with "behind", while
        they are counted again. versions: all numbers. Call again while "measuring" or "behind". Raises NotYours, ModelNotFound.
        """
        most = check_length(max_length)
        versions = self._datasets.versions(person, dataset_id)
        told = self._find(person, base, dataset_id, number)
        measure = told.pop("measure")
        told |= {"version": number, "versions": [version["number"] for version in versions]}
        return told | (summarise(measure, most) if measure else {})

    def batches(self, person: Person, base: str, dataset_id: str, number: int | None, cut: Mapping[str, Any]) -> dict:
        """What batches of the training rows would be made of: `compare_batches`, with status as `lengths` tells it.

        cut: max_length in tokens, and batch: rows in a batch. Raises OptionsInvalid, NotYours, ModelNotFound.
        """
        most, batch = check_length(cut["max_length"]), cut["batch"]
        if not 1 <= batch <= LARGEST_BATCH:
            problem = {"field": "batch_size", "code": "out_of_range", "minimum": 1, "maximum": LARGEST_BATCH}
            raise OptionsInvalid([problem])
        told = self._find(person, base, dataset_id, number)
        measure = told.pop("measure")
        return told | (compare_batches(measure.train, most, batch) if measure else {})

    def measure(self, person: Person, base: str, dataset_id: str) -> str:
        """Has every row as it stands counted by a job: "ready", "failed", or "measuring" as long as to call it again."""
        told = self._stand(person, base, dataset_id)
        return "measuring" if told["behind"] else str(told["status"])

    def _find(self, person: Person, base: str, dataset_id: str, number: int | None) -> dict[str, Any]:
        """{"status", "measure", "method", "behind"} of a version, or of the rows as they stand."""
        if number is None:
            return self._stand(person, base, dataset_id)
        version = self._pick(self._datasets.versions(person, dataset_id), number)
        method = choose_method(version["kind"])
        status, measure = self._runs.find_measure(person, base, version["fingerprint"], method)
        return {"status": status, "measure": measure, "method": method, "behind": False}

    def _stand(self, person: Person, base: str, dataset_id: str) -> dict[str, Any]:
        """The lengths of the rows as they stand, counted anew by a job when there is a newer change."""
        info = self._datasets.info(person, dataset_id)
        found, method = self._bases.find(base), choose_method(info["kind"])
        learns = METHODS[method].learns
        path = measure_path(person.workspace, dataset_id, found, learns)
        measure = find_measure(path)
        with open_dataset(dataset_path(person, dataset_id)) as connection:
            last_change = Changes(connection, person.id).last_id()
        if measure is not None and measure.last_change == last_change:
            return {"status": "ready", "measure": measure, "method": method, "behind": False}
        options = {"dataset_id": dataset_id, "base": found.id, "base_folder": str(found.folder), "learns": learns}
        job = self._runs.ensure_job(person, "measure_rows", info["name"], options, f"{path.name}|{last_change}")
        failed = job.state().status in ("failed", "stopped")
        status = "ready" if measure else "failed" if failed else "measuring"
        return {"status": status, "measure": measure, "method": method, "behind": not failed}

    def nothing_rows(self, person: Person, base: str, dataset_id: str, max_length: int) -> list[int]:
        """Ids of the rows as they stand that train nothing at so many tokens; at most LISTED_ROWS. Raises NotYours."""
        self._datasets.info(person, dataset_id)
        with open_dataset(dataset_path(person, dataset_id)) as connection:
            return RowLengths(connection, self._bases.find(base).id).list_nothing(check_length(max_length), LISTED_ROWS)

    def lost_rows(self, person: Person, dataset_id: str, cut: Mapping[str, Any]) -> list[int]:
        """Ids of the rows of a measured version that train nothing; none while it is not measured.

        cut: the version's number, and with which base and method and at how many tokens (max_length) rows are cut.
        """
        version = self._pick(self._datasets.versions(person, dataset_id), cut["number"])
        _, measure = self._runs.find_measure(person, cut["base"], version["fingerprint"], cut["method"])
        return measure.list_lost(check_length(cut["max_length"])) if measure else []

    def find_lost(self, person: Person, fingerprint: str, cut: Mapping[str, Any]) -> dict[str, Any]:
        """Where the rows of a version that train nothing are to be seen: what `lost_rows` takes, "count" and "listed".

        id: of the dataset. Raises NotYours where it is there no more.
        """
        version = self._datasets.version(person, fingerprint)
        dataset_id, number = version["dataset_id"], version["number"]
        self._datasets.versions(person, dataset_id)
        _, measure = self._runs.find_measure(person, cut["base"], fingerprint, cut["method"])
        counted = summarise(measure, check_length(cut["max_length"])) if measure else {"nothing": 0, "listed": 0}
        return dict(cut) | {
            "id": dataset_id,
            "number": number,
            "count": counted["nothing"],
            "listed": counted["listed"],
        }

    @staticmethod
    def _pick(versions: list[dict[str, Any]], number: int | None) -> dict[str, Any]:
        found = [version for version in versions if number in (None, version["number"])]
        if not found:
            raise NotYours(what="version")
        return found[0]


def find_unsendable(record: Mapping[str, Any]) -> Problem | None:
    """Why a record is not rendered at all: half a character in it, or so long that others would wait for it."""
    try:
        size = len(canonical_text(record))
    except TypeError:  # orjson's own error: the text is no Unicode
        return {"code": "json_half_surrogate"}
    return {"code": "too_long", "bytes": size, "limit_bytes": LONGEST_BYTES} if size > LONGEST_BYTES else None


def choose_method(kind: str) -> str:
    """The first method that learns from records of a kind: of pairs one that compares them, where there is one."""
    wanted = "pairs" if kind == PREFERENCE else "conversations"
    return next((name for name in METHODS.names if METHODS[name].learns == wanted), METHODS.names[0])


def check_length(max_length: int) -> int:
    """Raises OptionsInvalid for a maximum length that no run could have."""
    if not 1 <= max_length <= LONGEST:
        problem = {"field": "max_length_tokens", "code": "out_of_range", "minimum": 1, "maximum": LONGEST}
        raise OptionsInvalid([problem])
    return max_length


def summarise(measure: Measure, most: int) -> dict[str, Any]:
    """What becomes of the rows when they are cut to `most` tokens.

    rows: all that were read; of pairs the longer side counts. cut: longer than that. tokens, trained: of the rows that train something, after the cut.
    nothing: rows that train nothing for whatever cause; listed: how many of them can be shown. longest, middle: lengths
    in tokens. bins: [first length, last length, rows] without gaps.
    """
    both = measure.train + measure.held_out
    hopeless = sum(count for cause, count in measure.dropped.items() if cause != "wrong_kind")
    nothing = both.count_nothing(most) + hopeless
    return {
        "rows": measure.read,
        "cut": sum(count for length, count in both.lengths.items() if length > most),
        "tokens": both.count_tokens(most),
        "trained": both.count_trained(most),
        "nothing": nothing,
        "listed": min(nothing, LISTED_ROWS),
        "longest": both.longest,
        "middle": _middle(both),
        "bins": _bins(both),
    }


def _middle(lengths: Lengths) -> int | None:
    """The median length; of an even number of rows the lower one."""
    passed = 0
    for length in sorted(lengths.lengths):
        passed += lengths.lengths[length]
        if passed * 2 >= lengths.rows:
            return length
    return None


def _bins(lengths: Lengths) -> list[list[int]]:
    """At most BINS of equal width, a round one, from 0 to the longest row."""
    width = _round_width(lengths.longest / BINS)
    bins = [[n * width + 1, (n + 1) * width, 0] for n in range(math.ceil(lengths.longest / width))]
    for length, count in lengths.lengths.items():
        bins[(length - 1) // width][2] += count
    return bins


def _round_width(least: float) -> int:
    """1, 2, 4, 5, 8, 10, 20, 40 …: the first that is not below."""
    if least <= 1:
        return 1
    power = 10 ** math.floor(math.log10(least))
    return next((step * power for step in _STEPS if step * power >= least), 10 * power)
