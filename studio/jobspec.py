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
Lane = Literal["device", "light", "asking"]

LANE_OF_KIND: dict[str, Lane] = {
    "import": "light",
    "save_version": "light",
    "measure": "light",
    "download": "light",
    "look_dataset": "light",
    "fetch_dataset": "light",
    "export": "light",
    "compile_pairs": "light",
    "write_replies": "asking",
    "make_rows": "asking",
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


ASKING_KINDS = frozenset(kind for kind, lane in LANE_OF_KIND.items() if lane == "asking")
"""Jobs that ask models for replies, and are given a token for that. They mostly wait, so they have a lane of their own:
imports and checks would else stand behind them."""


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
