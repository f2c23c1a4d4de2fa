"""Rows of real files for the checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from studio.data.checks import CheckRow, example_row
from tests.dataset_jobs import import_file

Rows = Callable[[], Iterator[CheckRow]]


@pytest.fixture
def shared_rows(shared_data, tmp_path) -> Callable[[str], Rows]:
    """The rows of a file of the real inputs, imported as the app imports it."""

    def imported(path: str) -> Rows:
        records = import_file(tmp_path / path.replace("/", "-"), shared_data / path).records()
        return lambda: (example_row(number, record) for number, record in enumerate(records, 1))

    return imported
