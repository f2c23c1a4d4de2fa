"""What the editor offers beside a row: the words that the dataset's rows use for labels, entities, verifiers and tags."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from studio.data.selection import FLAG
from studio.errors import RequestRefused
from studio.people import Person
from studio.services.datasets import Datasets
from studio.store.dataset_file import SUFFIX, open_dataset

MOST_WORDS = 200
_LOOK_S = 0.5
_ROWS_A_LOOK = 20_000
_QUERIES = {
    "label": "SELECT word.value FROM looked, json_each(CASE json_type(record, '$.label') WHEN 'array'"
    " THEN json_extract(record, '$.label') ELSE json_array(json_extract(record, '$.label')) END) AS word"
    " WHERE kind = 'classification'",
    "entity": "SELECT json_extract(word.value, '$.label') FROM looked, json_each(record, '$.entities') AS word"
    " WHERE kind = 'extraction'",
    "verifier": "SELECT json_extract(record, '$.verifier') FROM looked WHERE kind = 'verifiable'",
}


class RowHints:
    """Words of one dataset, the most used first. Looked for in the first rows, for at most half a second."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets

    def words(self, person: Person, dataset_id: str, what: str) -> list[str]:
        """what: label, entity, verifier or tag. Raises NotYours."""
        self._datasets.info(person, dataset_id)
        if what != "tag" and what not in _QUERIES:
            raise RequestRefused()
        with open_dataset(person.workspace / "datasets" / f"{dataset_id}{SUFFIX}") as connection:
            if what == "tag":
                found = connection.execute("SELECT tag FROM row_tags WHERE tag != ? GROUP BY tag LIMIT 1000", (FLAG,))
                return [row[0] for row in found][:MOST_WORDS]
            deadline_s = time.monotonic() + _LOOK_S
            counts: Counter[str] = Counter()
            looked = "WITH looked AS (SELECT kind, record FROM rows WHERE deleted = 0 ORDER BY row_id LIMIT ?) "
            for (word,) in connection.execute(looked + _QUERIES[what], (_ROWS_A_LOOK,)):
                _add(counts, word)
                if time.monotonic() > deadline_s:
                    break
        return [word for word, _ in counts.most_common(MOST_WORDS)]


def _add(counts: Counter[str], word: Any) -> None:
    if isinstance(word, str) and word.strip():
        counts[word] += 1
