"""The train job: from a version and a base to an adapter in `result/adapter`."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.adapters import ADAPTERS
from studio.events import Choice, Event, Finished, Notice, Phase, Stopped
from studio.models.catalogue import Base, read_base_folder
from studio.models.lineage import Lineage
from studio.models.machine import Machine, Plan, find_plan, use_one_device, write_machine, write_plan
from studio.models.rendering import Renderer
from studio.training.methods import METHODS
from studio.training.result import write_adapter
from studio.training.run import Outcome, Run
from studio.training.trainspec import TrainSpec
from studio.worker.context import WorkerJob
from studio.worker.reading import read_rows

PROBE_LIMIT_S = 2.0
ADAPTER = "adapter"
TEMPLATE_REASONS: Mapping[str, str] = {"chatml": "template_chatml", "plain": "template_plain"}
DEVICE_REASONS: Mapping[str, str] = {"cpu": "device_cpu", "cuda": "device_cuda"}


def run(job: WorkerJob) -> Iterator[Event]:
    """Reads rows, loads and probes the base, trains, saves. A stop keeps what was trained so far."""
    began = time.perf_counter()
    yield Phase("importing")
    import_heavy_packages()
    spec = TrainSpec.model_validate(job.options)
    base = read_base_folder(spec.base, Path(spec.base_folder))
    method, adapter = METHODS[spec.method], ADAPTERS[spec.adapter]
    options = method.options(**spec.method_options)
    adapter_options = adapter.options(**spec.adapter_options)
    for choice in spec.choices:
        yield Choice(**choice)
    yield Phase("reading_data")
    renderer = Renderer(base)
    yield from say_template(renderer)
    data = yield from read_rows(job, spec, renderer, options, method.learns)
    if job.should_stop():
        yield Stopped(0)
        return
    yield Phase("loading_model")
    machine, plan = yield from ensure_plan(job, base, adapter, adapter_options)
    model = build_model(base, plan, machine, spec)
    made = Run(
        folder=job.folder,
        base=base,
        machine=machine,
        plan=plan,
        renderer=renderer,
        model=model,
        options=options,
        rows=data.rows,
        held_out=data.held_out,
        prompts=tuple(data.prompts),
        emit=job.emit,
        should_stop=job.should_stop,
        rated=tuple(data.rated),
    )
    outcome = Outcome()
    yield from method.train(made, outcome)
    lineage = trace_lineage(job, spec, base, adapter.quantisation(adapter_options) or plan.dtype)
    yield from finish(job, made, outcome, lineage, began)


def import_heavy_packages() -> None:
    """What every run needs; done already in a worker that was kept ready."""
    use_one_device()
    import trl.trainer.sft_trainer  # noqa: F401
    from transformers import AutoModelForCausalLM  # noqa: F401


def say_template(renderer: Renderer) -> Iterator[Event]:
    """A base without a chat template gets one of ours, and the person is told."""
    choice = renderer.choice
    if choice.source == "chosen":
        yield Choice("chat_template", choice.name, TEMPLATE_REASONS[choice.name], {})
        yield Notice("info", "template_chosen", {"name": choice.name})
    elif not choice.marked:
        yield Notice("info", "template_unmarked", {})


def ensure_plan(
    job: WorkerJob, base: Base, adapter: Any, adapter_options: Any
) -> Generator[Event, None, tuple[Machine, Plan]]:
    """The machine and how this base is best trained on it: as measured before, else measured now, in two seconds."""
    from studio.training.probe import find_machine, measure_plan

    machine = find_machine()
    quantisation = adapter.quantisation(adapter_options)
    plan = find_plan(job.root, base, quantisation)
    if plan is None:
        yield Phase("probing")
        write_machine(job.root, machine)
        plan = measure_plan(base, machine, adapter, adapter_options, PROBE_LIMIT_S)
        write_plan(job.root, base, plan, quantisation)
    yield from say_plan(machine, plan)
    return machine, plan


def say_plan(machine: Machine, plan: Plan) -> Iterator[Event]:
    """Device, dtype, threads and loss path, each with what was measured."""
    yield Choice("device", machine.device, DEVICE_REASONS[machine.device], {"name": machine.device_name})
    values = {name: f"{milliseconds:.0f}" for name, milliseconds in plan.measured.items()}
    measured = ", ".join(f"{name} {value} ms" for name, value in values.items())
    for name in ("dtype", "threads", "loss_path"):
        yield Choice(name, getattr(plan, name), "measured_fastest", {"measured": measured})


def build_model(base: Base, plan: Plan, machine: Machine, spec: TrainSpec) -> Any:
    """The base with its adapter, on the device: a new one, drawn by the seed, or the one to continue.

    Raises AdapterMismatch, AdapterUnreadable.
    """
    import torch
    from transformers import set_seed

    from studio.models.loading import load_model
    from studio.training.continued import load_adapter

    adapter = ADAPTERS[spec.adapter]
    options = adapter.options(**spec.adapter_options)
    if machine.device == "cpu":
        torch.set_num_threads(plan.threads)
    model = load_model(base, plan.dtype, machine.device, adapter.quantisation(options))
    set_seed(spec.method_options["seed"])
    return load_adapter(model, spec.parent, base) if spec.parent else adapter.build(model, options)


def trace_lineage(job: WorkerJob, spec: TrainSpec, base: Base, precision: str) -> Lineage:
    """Where the adapter will come from, as far as it is known before it is trained."""
    return Lineage(
        base=base.id,
        base_bytes=base.bytes,
        precision=precision,
        method=spec.method,
        adapter=spec.adapter,
        run=job.spec.id,
        title=job.spec.title,
        dataset_name=spec.dataset_name,
        version=spec.version,
        parent=spec.parent.id if spec.parent else None,
        settings=spec.method_options | spec.adapter_options,
        licence=base.licence,
        created=job.spec.created,
    )


def finish(job: WorkerJob, made: Run, outcome: Outcome, lineage: Lineage, began: float) -> Iterator[Event]:
    """Saves what was trained. A run stopped before its first step has nothing to keep."""
    result = None
    size = 0
    if outcome.step:
        yield Phase("saving")
        folder = job.folder / "result" / ADAPTER
        reached = {
            "steps": outcome.step,
            "train_loss": outcome.train_loss,
            "held_out_before": outcome.held_out_before,
            "held_out_after": outcome.held_out_after,
        }
        size = write_adapter(made, folder, lineage.model_copy(update=reached))
        result = f"result/{ADAPTER}"
    if outcome.stopped:
        yield Stopped(outcome.step, result)
        return
    seconds = outcome.seconds_training
    summary = {
        "held_out_before": outcome.held_out_before,
        "held_out_after": outcome.held_out_after,
        "train_loss": outcome.train_loss,
        "steps": outcome.step,
        "tokens": outcome.tokens,
        "tokens_per_s": outcome.tokens / seconds if seconds else None,
        "seconds_training": seconds,
        "seconds_evaluating": outcome.seconds_evaluating,
        "adapter_bytes": size,
        "before": outcome.before,
        "after": outcome.after,
    }
    yield Finished(result, time.perf_counter() - began, summary)
