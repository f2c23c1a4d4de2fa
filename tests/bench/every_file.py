"""Every file of the real inputs imported: rows in, understood, refused, what it was taken for, seconds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tests.bench.real_input import DATA
from tests.every_file import file_names, import_outcome, render_table, sorted_outcomes


def measure(quick: bool = False) -> dict[str, Any]:
    """table: Markdown, as it stands in RESULTS.md. seconds: of the import job's own work, without its start.

    Needs the real inputs beside the project (WHETSTONE_DATA). quick: the awkward files alone.
    """
    if not DATA.is_dir():
        raise SystemExit(f"the real inputs are not here: {DATA} (set WHETSTONE_DATA)")
    names = [name for name in file_names(DATA) if not quick or name.startswith("dirty/")]
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        outcomes = [import_outcome(Path(scratch), DATA, name) for name in names]
    return {
        "files": len(outcomes),
        "datasets": sum(outcome.error is None for outcome in outcomes),
        "no_format_fits": sum(outcome.error == "FormatUnknown" for outcome in outcomes),
        "rows_in": sum(outcome.rows for outcome in outcomes),
        "understood": sum(outcome.understood for outcome in outcomes),
        "refused": sum(outcome.refused for outcome in outcomes),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
        "table": render_table(sorted_outcomes(outcomes)),
    }
