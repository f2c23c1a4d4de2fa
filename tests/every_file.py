"""Every file of the real inputs through the import, and what became of it: one line of a table each."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from studio.data.sources import plan_reading
from studio.errors import FormatUnknown, StudioError
from tests.dataset_jobs import Imported, import_file


@dataclass(frozen=True)
class Outcome:
    """One file. rows: that its container found, those unknown to any format among them. error: why no dataset was
    made of it, as its code, and for an unreadable file the cause."""

    name: str
    container: str | None
    format: str | None
    rows: int
    understood: int
    refused: int
    causes: dict[str, int]
    error: str | None
    seconds: float
    imported: Imported

    @property
    def told(self) -> str:
        """What it was taken for, or why it was not."""
        if self.error == "FormatUnknown":
            return "no format fits: the mapping asks"
        return self.error or str(self.format)


def file_names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def import_outcome(workspace: Path, folder: Path, name: str) -> Outcome:
    began_s = time.perf_counter()
    imported = import_file(workspace, folder / name)
    seconds = time.perf_counter() - began_s
    report, error = imported.report, imported.error
    guesses: dict[str, Any] = {key: guess["value"] for key, guess in report["guesses"].items()}
    rows = report["read"]
    if isinstance(error, FormatUnknown):
        # Nothing was understood or refused: the rows are there for a mapping.
        rows = sum(1 for _ in plan_reading(folder / name, name).rows())
    return Outcome(
        name,
        guesses.get("container"),
        guesses.get("format"),
        rows,
        report["understood"],
        report["refused"],
        report["causes"],
        _error_name(error),
        seconds,
        imported,
    )


def _error_name(error: Exception | None) -> str | None:
    if not isinstance(error, StudioError):
        return None if error is None else repr(error)
    cause = error.values.get("cause")
    return f"{error.code}: {cause}" if cause else error.code


def render_table(outcomes: Iterable[Outcome]) -> list[str]:
    """Lines of a Markdown table; files of one folder that met the same end share a line."""
    lines = [
        "| file | rows in | understood | refused | container | taken for | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for (folder, container, told, causes), group in groupby(outcomes, _kind):
        files = list(group)
        name = f"`{files[0].name}`" if len(files) == 1 else f"`{folder}` ({len(files)} files)"
        sums = [sum(getattr(file, field) for file in files) for field in ("rows", "understood", "refused")]
        refused = f"{sums[2]:,}" + (f" ({causes})" if causes else "")
        seconds = sum(file.seconds for file in files)
        lines.append(
            f"| {name} | {sums[0]:,} | {sums[1]:,} | {refused} | {container or '–'} | {told} | {seconds:.2f} |"
        )
    return lines


def _kind(outcome: Outcome) -> tuple[str, str | None, str, str]:
    """What files that share a line have in common. Those of which rows were refused stand alone by their causes."""
    folder = outcome.name.rpartition("/")[0] + "/"
    return folder, outcome.container, outcome.told, ", ".join(f"{cause} {n}" for cause, n in outcome.causes.items())


def sorted_outcomes(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """By folder, so that files with the same end stand together."""
    yield from sorted(outcomes, key=lambda outcome: (_kind(outcome)[0], *map(str, _kind(outcome)[1:]), outcome.name))
