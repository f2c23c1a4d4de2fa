"""A base in 4 or 8 bits: smaller, trained as well, and not spoilt by an evaluation in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.adapters import ADAPTERS
from studio.models.catalogue import POCKET, read_base
from studio.models.lineage import read_lineage
from studio.models.loading import load_model
from studio.models.machine import write_plan
from studio.models.rendering import Renderer
from studio.training.heldout import HeldOut
from studio.worker import train
from tests.training_runs import PLAN, exhaust, make_job, of_kind, read_sample, write_version

BASE = read_base(POCKET, (), Path("/nonexistent"))
SMALL = {"epochs": 1, "batch_size": 8, "train_embeddings": False}


@pytest.mark.parametrize(("precision", "share"), [("nf4", 0.51), ("int8", 0.61)])
def test_a_quantised_base_takes_less_memory(precision, share):
    """Pocket: 590,592 of its 2.2 M weights are the word table, which stays in fp32; the others shrink to 4 or 8 bits."""
    whole = load_model(BASE, "float32", "cpu").get_memory_footprint()
    assert load_model(BASE, "float32", "cpu", precision).get_memory_footprint() < share * whole


def gradient_norms(evaluate_first: bool) -> list[float]:
    """Of three steps on the same rows, each with its gradient, of an adapter over a base in 4 bits."""
    import torch

    from studio.training.loss import pad_rows, sum_loss

    rows = list(Renderer(BASE).iterate_rows([record["messages"] for record in read_sample()[:8]]))
    torch.manual_seed(0)
    plug = ADAPTERS["qlora"]
    model = plug.build(load_model(BASE, "float32", "cpu", "nf4"), plug.options(**plug.example))
    if evaluate_first:
        assert HeldOut(rows, 512, 0, 2048).measure(model, PLAN, "cpu", lambda: False)
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    ids, labels = pad_rows([row.ids for row in rows], 0), pad_rows([row.labels(512) for row in rows], -100)
    norms = []
    for _ in range(3):
        (sum_loss(model, ids, labels, "trained") / 100).backward()
        norms.append(torch.nn.utils.clip_grad_norm_(trained, 1.0).item())
        optimizer.step()
        optimizer.zero_grad()
    return norms


def test_an_evaluation_before_training_takes_nothing_from_the_gradient():
    """Processors with avx512_bf16 repack 4-bit layers in the first evaluation, and most of the gradient is gone."""
    assert gradient_norms(evaluate_first=True) == pytest.approx(gradient_norms(evaluate_first=False), rel=1e-4)


def run_job(root: Path, adapter: str = "qlora", **settings) -> tuple[Path, list[dict]]:
    records = read_sample()[:60]
    fingerprint = write_version(root / "people" / "local", records)
    job = make_job(root, BASE, fingerprint, len(records), adapter=adapter, **{**SMALL, **settings})
    return job.folder, exhaust(job, train.run(job))


@pytest.mark.parametrize("precision", ["nf4", "int8"])
def test_a_run_over_a_quantised_base_learns_and_says_what_it_was(precision, tmp_path):
    folder, events = run_job(tmp_path, precision=precision)
    summary = events[-1]["summary"]
    assert summary["held_out_after"] < summary["held_out_before"] - 0.02
    lineage = read_lineage(folder / "result" / "adapter")
    assert (lineage.base, lineage.precision, lineage.adapter) == (POCKET, precision, "qlora")
    assert lineage.files and lineage.held_out_after == summary["held_out_after"]


def test_what_is_evaluated_on_the_way_changes_no_step(tmp_path, monkeypatch):
    from studio.training import schedule

    often = run_job(tmp_path / "a")[1]
    monkeypatch.setattr(schedule, "SHARE", 100.0)
    always = run_job(tmp_path / "b")[1]
    assert len(of_kind(always, "evaluated")) > len(of_kind(often, "evaluated"))
    norms = [[step["grad_norm"] for step in of_kind(events, "step")] for events in (often, always)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-3)


def test_a_run_without_quantisation_names_the_dtype_it_ran_in(tmp_path):
    folder, _ = run_job(tmp_path, "lora")
    assert read_lineage(folder / "result" / "adapter").precision == "float32"


def test_a_quantised_base_is_measured_on_its_own(tmp_path):
    from studio.models.machine import find_plan

    write_plan(tmp_path, BASE, PLAN)
    assert find_plan(tmp_path, BASE, "nf4") is None
    other = type(PLAN)(**{**vars(PLAN), "threads": 2})
    write_plan(tmp_path, BASE, other, "nf4")
    assert (find_plan(tmp_path, BASE), find_plan(tmp_path, BASE, "nf4")) == (PLAN, other)
