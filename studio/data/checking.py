"""What a person has chosen for the checks of a dataset: words, fields, what to compare with, which base to cut for."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FACT = "checks"
MOST_WORDS = 1_000
LONGEST_MAXIMUM = 1_048_576

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class CheckSettings(BaseModel):
    """Kept among the dataset's facts under FACT, so that a version keeps them too.

    forbidden: words that must not occur. group_field: None for those that are groups by custom. compared: ids of other
    datasets; None for all of the workspace. base: whose tokens count for `max_length`; None where none was chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    forbidden: tuple[Word, ...] = Field(default=(), max_length=MOST_WORDS)
    group_field: str | None = Field(default=None, max_length=200)
    compared: tuple[str, ...] | None = Field(default=None, max_length=1_000)
    base: str | None = Field(default=None, max_length=300)
    max_length: int = Field(default=2048, ge=1, le=LONGEST_MAXIMUM)
