"""What a job is to do, written once as `job.json` when it is submitted."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

JobKind = Literal[
    "import",
    "save_version",
    "measure",
    "probe",
    "train",
    "download",
    "look_dataset",
    "fetch_dataset",
    "export",
    "compile_pairs",
    "write_replies",
    "make_rows",
    "duplicate_dataset",
    "merge_datasets",
    "export_rows",
    "check",
    "differences",
    "restore",
    "measure_rows",
    "change_rows",
    "step_rows",
]
Lane = Literal["device", "light"]

LANE_OF_KIND: dict[str, Lane] = {
    "import": "light",
    "save_version": "light",
    "measure": "light",
    "download": "light",
    "look_dataset": "light",
    "fetch_dataset": "light",
    "export": "light",
    "compile_pairs": "light",
    "write_replies": "light",
    "make_rows": "light",
    "duplicate_dataset": "light",
    "merge_datasets": "light",
    "export_rows": "light",
    "check": "light",
    "differences": "light",
    "restore": "light",
    "measure_rows": "light",
    "change_rows": "light",
    "step_rows": "light",
    "probe": "device",
    "train": "device",
}


ASKING_KINDS = frozenset({"write_replies", "make_rows"})
"""Jobs that ask models for replies, and are given a token for that."""


class JobSpec(BaseModel):
    """One job: whose it is, what kind of work, and that kind's own options. Holds no secrets.

    deed: the id of the form that asked for it; the same id submits once. `options` is checked by the model of the
    kind that reads it (DESIGN: a spec is written once and never changed).
    """

    model_config = ConfigDict(frozen=True)
    format: int = 1
    id: str
    kind: JobKind
    lane: Lane
    owner: str
    title: str = Field(max_length=200)
    created: str
    deed: str
    launcher: Literal["local"] = "local"
    options: dict[str, Any]
