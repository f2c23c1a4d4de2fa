"""Making a row that is cut short enough: shown as a difference first, then applied as one change that can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.data.shortening import DROP, OLDEST, WAYS, WINDOWS, cut_oldest, drop_turn, list_ways, split_windows
from studio.data.version_diff import compare_records
from studio.errors import EditConflict, OptionsInvalid, RequestRefused
from studio.people import Person
from studio.services.dataset_bulk import apply_changes
from studio.services.datasets import Datasets
from studio.services.versions import dataset_path
from studio.services.xray import Xray
from studio.store.changes import Changes
from studio.store.connection import transaction
from studio.store.dataset_file import open_dataset
from studio.store.row_changes import RowChange
from studio.store.table import Table

ACTION = "shorten"


class Mending:
    """Rows are shortened as they are saved, never as they stand in an editor. Thread-safe."""

    def __init__(self, datasets: Datasets, xray: Xray) -> None:
        self._datasets = datasets
        self._xray = xray

    def preview(self, person: Person, dataset_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a row would become: {"ways", "revision", "position", "total", "turns", "records": [{"parts", "total", "trained", "cut"}]}.

        asked: row_id, base, max_length in tokens, way (None: only the ways are told), turn (the index of the one to
        drop). total: tokens, of the longer side. turns: {"index", "role", "text"} of what can be dropped. parts: as
        `compare_records` has them; of further windows all of theirs. Raises OptionsInvalid, RecordInvalid, NotYours.
        """
        row = self._datasets.row(person, dataset_id, asked["row_id"])
        told = {
            "ways": list_ways(row["record"]),
            "revision": row["revision"],
            "position": row["position"],
            "total": self._counts(person, asked, row["record"])["total"],
            "turns": _list_turns(row["record"]),
        }
        if asked.get("way") is None:
            return told | {"records": []}
        made = self._shorten(person, asked, row["record"])
        shown = []
        for number, record in enumerate(made):
            parts = compare_records(row["record"] if number == 0 else None, record)
            if number == 0 and len(made) > 1:  # what goes on in the next window is not gone
                parts = [part for part in parts if part["after"] is not None]
            shown.append({"parts": parts} | self._counts(person, asked, record))
        return told | {"records": shown}

    def apply(self, person: Person, dataset_id: str, asked: Mapping[str, Any], revision: int, deed: str) -> dict:
        """Does what `preview` shows: {"row_id", "position", "added": number of new rows}. New rows keep the row's side of the split.

        Raises EditConflict where the row is not as it was looked at; else as `preview`.
        """
        row_id = asked["row_id"]
        self._datasets.info(person, dataset_id)
        with open_dataset(dataset_path(person, dataset_id)) as connection:
            done = Changes(connection, person.id).find(deed)
        made = [] if done else self._made(person, dataset_id, asked, revision)
        with open_dataset(dataset_path(person, dataset_id)) as connection, transaction(connection):
            table = Table(connection)
            row = table.row(row_id)
            if not done and row.revision != revision:
                raise EditConflict(row=table.position(row_id))
            changes = [
                RowChange(row_id, revision, record=made[0]),
                *(RowChange(None, record=record, split_key=row.split_key) for record in made[1:]),
            ] if made else []  # fmt: skip
            apply_changes(connection, person.id, deed, ACTION, {"way": asked["way"]}, changes)
            return {"row_id": row_id, "position": table.position(row_id), "added": max(len(made) - 1, 0)}

    def _made(self, person: Person, dataset_id: str, asked: Mapping[str, Any], revision: int) -> list[Any]:
        row = self._datasets.row(person, dataset_id, asked["row_id"])
        if row["revision"] != revision:
            raise EditConflict(row=row["position"])
        return self._shorten(person, asked, row["record"])

    def _shorten(self, person: Person, asked: Mapping[str, Any], record: dict[str, Any]) -> list[Any]:
        if asked["way"] not in WAYS:
            raise RequestRefused()
        if asked["way"] == DROP:
            if asked.get("turn") is None:
                raise OptionsInvalid([{"field": "turn", "code": "turn_missing"}])
            return drop_turn(record, asked["turn"])

        def fits(one: Mapping[str, Any]) -> bool:
            return not self._counts(person, asked, one)["cut"]

        return {OLDEST: cut_oldest, WINDOWS: split_windows}[asked["way"]](record, fits)

    def _counts(self, person: Person, asked: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, int]:
        """Tokens, trained ones and those beyond the cut; of a pair those of the longer side."""
        found = self._xray.count(person, asked["base"], dict(record), asked["max_length"])
        total = max((side["total"] for side in found), default=0)
        return {
            "total": total,
            "trained": max((side["trained"] for side in found), default=0),
            "cut": max(total - asked["max_length"], 0),
        }


def _list_turns(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    section = "messages" if "messages" in record else "prompt"
    turns = record.get(section, [])
    return [{"index": index, "role": turn["role"], "text": turn["content"][:120]} for index, turn in enumerate(turns)]
