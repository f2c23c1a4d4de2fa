"""What the tests of the data services share: a small dataset that needs no queue."""

from __future__ import annotations

import pytest

from studio.services.datasets import Datasets
from tests.dataset_jobs import NoQueue, import_file, write_rows


@pytest.fixture
def tea(settings, person, tmp_path) -> tuple[Datasets, str]:
    """A dataset of 30 rows without a queue: the import ran in this process."""
    made = import_file(person.workspace, write_rows(tmp_path / "tea.jsonl", 30, broken=2))
    return Datasets(settings, NoQueue()), made.dataset_id
