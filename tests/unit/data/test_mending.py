"""A refused row's text read once more: as many rows as it holds are seen, and none is dropped."""

from __future__ import annotations

import pytest

from studio.data.formats import FORMATS
from studio.data.mending import Reading, mend

TABLE = Reading(
    kind="conversation", container="csv", columns=("prompt", "completion"), reader=FORMATS["prompt_completion"]
)


@pytest.mark.parametrize("container", ["csv", "jsonl"])
def test_a_text_of_one_row_becomes_one_record(container):
    text = 'a,"b, c"\n\n' if container == "csv" else '{"prompt": "a", "completion": "b, c"}'
    mended = mend(Reading("conversation", container, columns=TABLE.columns, reader=TABLE.reader), text)
    assert [turn["content"] for turn in mended.record["messages"]] == ["a", "b, c"]


def test_lines_after_the_first_are_counted_and_not_dropped():
    mended = mend(TABLE, text := "a,b\nc,d\n\ne,f")
    assert mended.record is None
    assert (mended.cause, mended.values, mended.text) == ("rows_within", {"count": 3}, text)


@pytest.mark.parametrize(
    ("text", "cause"),
    [("", "csv_too_few_cells"), ("a", "csv_too_few_cells"), ("a,b,c", "csv_too_many_cells"), ('a,"b', "csv_quote_open")],
)  # fmt: skip
def test_what_is_no_row_of_the_table_is_told(text, cause):
    assert mend(TABLE, text).cause == cause


def test_empty_cells_past_the_last_column_are_passed_over_as_at_the_import():
    assert mend(TABLE, "a,b,,").record is not None


def test_a_cell_may_be_as_long_as_in_a_file():
    """Python's own limit for a cell is 131,072 characters."""
    assert mend(TABLE, "a," + "b" * 200_000).record is not None
