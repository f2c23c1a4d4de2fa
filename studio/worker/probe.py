"""The probe job: what this machine is, and how one base is trained fastest on it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from studio.adapters import ADAPTERS
from studio.events import Event, Finished, Phase
from studio.models.catalogue import read_base_folder
from studio.models.machine import use_one_device, write_machine, write_plan
from studio.options import Situation, read_options
from studio.training.trainspec import Name
from studio.worker.context import WorkerJob

LIMIT_S = 10.0


class ProbeSpec(BaseModel):
    """base_folder: what the id of the base was found to mean when the job was submitted.

    adapter_options: complete, or none for the adapter's defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    base: Name
    base_folder: str
    adapter: Name = "lora"
    adapter_options: dict[str, Any] = Field(default_factory=dict)


def run(job: WorkerJob) -> Iterator[Event]:
    """Measures with the adapter of the run that asked; writes two small files under the root."""
    began = time.perf_counter()
    yield Phase("importing")
    use_one_device()
    from studio.training.probe import find_machine, measure_plan

    spec = ProbeSpec.model_validate(job.options)
    base = read_base_folder(spec.base, Path(spec.base_folder))
    yield Phase("probing")
    machine = find_machine()
    write_machine(job.root, machine)
    adapter = ADAPTERS[spec.adapter]
    situation = Situation(base.parameters, base.context, 1000, 0.1, None, machine.device)
    options, _ = read_options(adapter.options, spec.adapter_options, situation)
    plan = measure_plan(base, machine, adapter, options, LIMIT_S)
    write_plan(job.root, base, plan, adapter.quantisation(options))
    yield Finished(None, time.perf_counter() - began, {"measured": plan.measured})
