"""What a training job is asked to do, as its `job.json` holds it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PROMPTS = 2
PROMPT_CHARACTERS = 4000

Prompt = Annotated[str, StringConstraints(max_length=PROMPT_CHARACTERS)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{4,128}$")]


class Parent(BaseModel):
    """The adapter that training starts from. folder: what its id was found to mean when the run was submitted."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Name
    name: Annotated[str, StringConstraints(max_length=200)]
    folder: str


class TrainSpec(BaseModel):
    """One run. `base_folder` and `version_path` are what the ids were found to mean when the run was submitted.

    keeps_split: the version's own split, not one drawn anew for another share. prompts: up to two of the person's own;
    the held-out rows give them where there are none. method_options and adapter_options are complete, as `read_options`
    made them; `choices` are the defaults among them with their reasons. parent: the adapter to continue, or None for a
    new one; adapter and adapter_options are then the parent's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = 1
    base: Name
    base_folder: str
    version: Fingerprint
    dataset_id: str | None = None
    dataset_name: str | None = None
    method: Name
    adapter: Name
    method_options: dict[str, Any]
    adapter_options: dict[str, Any]
    choices: list[dict[str, Any]] = Field(default_factory=list)
    keeps_split: bool = True
    prompts: Annotated[list[Prompt], Field(max_length=PROMPTS)] = Field(default_factory=list)
    title: Annotated[str, StringConstraints(max_length=200)] = ""
    parent: Parent | None = None
