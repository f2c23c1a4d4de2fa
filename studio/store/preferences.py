"""Preference projects of a workspace and their pairs; the votes on them have a file of their own."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from studio.errors import NotYours
from studio.preferences.lints import find_problem
from studio.preferences.pairs import NewPair
from studio.store.catalogue import FILE_NAME, MIGRATIONS, Catalogue, VersionEntry, unique_name
from studio.store.connection import open_database, transaction
from studio.store.votes import Votes

_ID = re.compile(r"p-[0-9a-f]{16}")
_OPEN = "project_id = ? AND vote IS NULL AND problem IS NULL AND a IS NOT NULL AND b IS NOT NULL"
_CHOSE = "json_extract(origin_{}, '$.side') IS 'chosen'"
_LABELLED = f"({_CHOSE.format('a')} OR {_CHOSE.format('b')})"


def is_project_id(text: object) -> bool:
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Project:
    """guideline: {prefer, good, avoid}. source: where its pairs came from. seed: draws which reply stands left."""

    project_id: str
    name: str
    guideline: dict[str, str]
    source: dict[str, Any]
    seed: str
    created: str


@dataclass(frozen=True)
class Pair:
    """A stored pair. a, b: None while a reply is still to come. problem: code of what keeps it from being judged."""

    pair_id: int
    project_id: str
    position: int
    prompt: list[dict[str, Any]]
    a: list[dict[str, Any]] | None
    b: list[dict[str, Any]] | None
    origin_a: dict[str, Any]
    origin_b: dict[str, Any]
    split_key: float
    held_out: bool
    problem: str | None


@contextmanager
def open_preferences(workspace: Path) -> Iterator[Preferences]:
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open_database(workspace / FILE_NAME, MIGRATIONS) as connection:
        yield Preferences(connection)


class Preferences:
    """The projects behind a connection. Methods that write are one transaction each unless they say otherwise."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection
        self.votes = Votes(connection)

    @contextmanager
    def writing(self) -> Iterator[Votes]:
        """The votes, to be written to as one transaction: all of it is on the disk at the end of the block, or nothing."""
        with transaction(self._sql):
            yield self.votes

    # Projects ---------------------------------------------------------------------------------------------------------

    def projects(self) -> list[Project]:
        """Newest first."""
        return [_project(row) for row in self._sql.execute("SELECT * FROM projects ORDER BY created DESC, project_id")]

    def find_project(self, project_id: str) -> Project | None:
        found = self._sql.execute("SELECT * FROM projects WHERE project_id = ?", (project_id,)).fetchone()
        return _project(found) if found else None

    def project(self, project_id: str) -> Project:
        """Raises NotYours."""
        found = self.find_project(project_id)
        if found is None:
            raise NotYours(what="project")
        return found

    def names(self) -> set[str]:
        return {row[0] for row in self._sql.execute("SELECT name FROM projects")}

    def insert_project(self, project: Project, pairs: Iterable[NewPair]) -> None:
        """The project with its pairs, in the order given. Raises NameTaken."""
        values = (
            project.project_id, project.name, _text(project.guideline), _text(project.source), project.seed,
            project.created,
        )  # fmt: skip
        with unique_name(project.name), transaction(self._sql):
            self._sql.execute("INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?)", values)
            self._sql.executemany(
                "INSERT INTO pairs (project_id, position, prompt, a, b, origin_a, origin_b, split_key, held_out, problem)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_values(project.project_id, position, pair) for position, pair in enumerate(pairs, 1)),
            )

    def rename(self, project_id: str, name: str) -> None:
        """Its versions take the new name too. Raises NotYours, NameTaken."""
        with unique_name(name), transaction(self._sql):
            self.project(project_id)
            self._sql.execute("UPDATE projects SET name = ? WHERE project_id = ?", (name, project_id))
            self._sql.execute("UPDATE versions SET dataset_name = ? WHERE dataset_id = ?", (name, project_id))

    def set_guideline(self, project_id: str, guideline: Mapping[str, str]) -> None:
        with transaction(self._sql):
            self.project(project_id)
            self._sql.execute(
                "UPDATE projects SET guideline = ? WHERE project_id = ?", (_text(dict(guideline)), project_id)
            )

    def delete_project(self, project_id: str, kept: set[str]) -> list[str]:
        """Forget a project, its pairs, its votes and its versions except those in `kept`; the fingerprints no entry
        needs any more."""
        with transaction(self._sql):
            self.project(project_id)
            for table in ("votes", "pairs", "projects"):
                self._sql.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))
            return Catalogue(self._sql).forget_versions(project_id, kept)

    def insert_version(self, entry: VersionEntry) -> VersionEntry:
        """Enter a version compiled from a project, under its next number. Raises NotYours where the project is gone."""
        with transaction(self._sql):
            self.project(entry.dataset_id)
            return Catalogue(self._sql).number_version(entry)

    # Pairs ------------------------------------------------------------------------------------------------------------

    def pair(self, project_id: str, pair_id: int) -> Pair:
        """Raises NotYours."""
        found = self._sql.execute(
            "SELECT * FROM pairs WHERE pair_id = ? AND project_id = ?", (pair_id, project_id)
        ).fetchone()
        if found is None:
            raise NotYours(what="pair")
        return _pair(found)

    def open_pairs(self, project_id: str, count: int, without: Sequence[int]) -> list[Pair]:
        """Up to `count` pairs that nobody has voted on and that can be judged, in order, except those in `without`."""
        marks = ",".join("?" * len(without))
        found = self._sql.execute(
            f"SELECT * FROM pairs WHERE {_OPEN} AND pair_id NOT IN ({marks}) ORDER BY position LIMIT ?",
            (project_id, *without, count),
        )
        return [_pair(row) for row in found]

    def labelled(self, project_id: str) -> list[tuple[int, str]]:
        """(id, `a` or `b`) of pairs that nobody has voted on and whose source says which reply it chose, in order."""
        found = self._sql.execute(
            f"SELECT pair_id, CASE WHEN {_CHOSE.format('a')} THEN 'a' ELSE 'b' END FROM pairs"
            f" WHERE {_OPEN} AND {_LABELLED} ORDER BY position",
            (project_id,),
        )
        return [tuple(row) for row in found]

    def count_labelled(self, project_id: str) -> int:
        """How many `labelled` would give."""
        return self._sql.execute(f"SELECT COUNT(*) FROM pairs WHERE {_OPEN} AND {_LABELLED}", (project_id,)).fetchone()[
            0
        ]

    def still_open(self, project_id: str, pair_ids: Sequence[int]) -> list[int]:
        """Those of the pairs that nobody has voted on."""
        marks = ",".join("?" * len(pair_ids))
        found = self._sql.execute(
            f"SELECT pair_id FROM pairs WHERE {_OPEN} AND pair_id IN ({marks})", (project_id, *pair_ids)
        )
        return [row[0] for row in found]

    def unfinished_pairs(self, project_id: str) -> list[Pair]:
        """Pairs of which a reply is still to come, in order."""
        found = self._sql.execute(
            "SELECT * FROM pairs WHERE project_id = ? AND (a IS NULL OR b IS NULL) ORDER BY position", (project_id,)
        )
        return [_pair(row) for row in found]

    def write_reply(self, pair_id: int, name: str, reply: list[dict[str, Any]], origin: Mapping[str, Any]) -> bool:
        """Give a pair its reply `a` or `b`, once; False where it has it already or the pair is gone."""
        with transaction(self._sql):
            written = self._sql.execute(
                f"UPDATE pairs SET {name} = ?, origin_{name} = ? WHERE pair_id = ? AND {name} IS NULL",
                (_text(reply), _text(dict(origin)), pair_id),
            ).rowcount
            found = self._sql.execute("SELECT * FROM pairs WHERE pair_id = ?", (pair_id,)).fetchone()
            if written and found["a"] is not None and found["b"] is not None:
                pair = _pair(found)
                problem = find_problem(pair.a or [], pair.b or [])
                self._sql.execute("UPDATE pairs SET problem = ? WHERE pair_id = ?", (problem, pair_id))
        return bool(written)

    def counts(self, project_id: str) -> dict[str, Any]:
        """pairs: all of them; held_out, open (can be voted on now), unfinished (a reply is missing); problems: pairs
        that cannot be judged, by code."""
        total, held_out, unfinished = self._sql.execute(
            "SELECT COUNT(*), COALESCE(SUM(held_out), 0), COALESCE(SUM((a IS NULL OR b IS NULL)), 0) FROM pairs"
            " WHERE project_id = ?",
            (project_id,),
        ).fetchone()
        open_now = self._sql.execute(f"SELECT COUNT(*) FROM pairs WHERE {_OPEN}", (project_id,)).fetchone()[0]
        problems = self._sql.execute(
            "SELECT problem, COUNT(*) FROM pairs WHERE project_id = ? AND problem IS NOT NULL GROUP BY problem",
            (project_id,),
        )
        return {
            "pairs": total,
            "held_out": held_out,
            "open": open_now,
            "unfinished": unfinished,
            "problems": {row[0]: row[1] for row in problems},
        }


def _values(project_id: str, position: int, pair: NewPair) -> tuple[Any, ...]:
    problem = find_problem(pair.a, pair.b) if pair.a is not None and pair.b is not None else None
    sides = [None if reply is None else _text(list(reply)) for reply in (pair.a, pair.b)]
    return (
        project_id, position, _text(list(pair.prompt)), *sides, _text(dict(pair.origin_a)), _text(dict(pair.origin_b)),
        pair.split_key, int(pair.held_out), problem,
    )  # fmt: skip


def _project(row: sqlite3.Row) -> Project:
    return Project(**dict(row) | {name: orjson.loads(row[name]) for name in ("guideline", "source")})


def _pair(row: sqlite3.Row) -> Pair:
    sides = {name: None if row[name] is None else orjson.loads(row[name]) for name in ("a", "b")}
    return Pair(
        pair_id=row["pair_id"],
        project_id=row["project_id"],
        position=row["position"],
        prompt=orjson.loads(row["prompt"]),
        origin_a=orjson.loads(row["origin_a"]),
        origin_b=orjson.loads(row["origin_b"]),
        split_key=row["split_key"],
        held_out=bool(row["held_out"]),
        problem=row["problem"],
        **sides,
    )


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()
