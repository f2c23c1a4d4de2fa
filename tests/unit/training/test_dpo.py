"""A run on pairs, from its options to its adapter, in this process, on the pocket model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.errors import AdapterMismatch, AdapterUnreadable, DatasetEmpty
from studio.models.catalogue import POCKET, read_base
from studio.models.lineage import read_lineage
from studio.training.rate import SampledRate, falls
from studio.training.run import Prompt
from studio.training.samples import Written
from studio.training.trainspec import Parent
from studio.worker import train
from tests.training_runs import exhaust, make_job, of_kind, read_sample, write_version

BASE = read_base(POCKET, (), Path("/nonexistent"))
REWARDS = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")
SMALL = {"epochs": 1, "batch_size": 8, "train_embeddings": False, "verifier": "polite"}


def run_job(root: Path, records: list[dict], parent: Path | None = None, **settings: Any) -> tuple[Path, list[dict]]:
    fingerprint = write_version(root / "people" / "local", records)
    if parent:
        settings["parent"] = Parent(id="shop", name="Shop", folder=str(parent))
    job = make_job(root, BASE, fingerprint, len(records), **{**SMALL, **settings})
    return job.folder, exhaust(job, train.run(job))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory) -> Path:
    """An adapter of a short supervised run."""
    folder, _ = run_job(tmp_path_factory.mktemp("sft"), read_sample()[:80], verifier=None)
    return folder / "result" / "adapter"


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tuned) -> tuple[Path, list[dict]]:
    return run_job(tmp_path_factory.mktemp("dpo"), read_sample("shop_pairs")[:120], tuned, method="dpo")


def test_rewards_are_zero_before_anything_is_learned(finished):
    """The reference is a frozen copy of the adapter that is continued: were it the base, rewards would not be 0."""
    _, events = finished
    first = of_kind(events, "step")[0]
    assert {name: first["extra"][name] for name in REWARDS} == dict.fromkeys(REWARDS, 0.0)
    before = next(e for e in of_kind(events, "evaluated") if e["split"] == "held_out" and e["step"] == 0)
    assert {name: before["metrics"][name] for name in REWARDS} == dict.fromkeys(REWARDS, 0.0)


@pytest.mark.parametrize("settings", [{}, {"train_embeddings": True}, {"adapter": "qlora"}, {"sft_weight": 0.0}])
def test_rewards_are_zero_at_first_from_the_base_too(settings, tmp_path):
    _, events = run_job(tmp_path, read_sample("shop_pairs")[:24], method="dpo", **settings)
    steps = of_kind(events, "step")
    assert {name: steps[0]["extra"][name] for name in REWARDS} == dict.fromkeys(REWARDS, 0.0)
    assert steps[-1]["extra"]["rewards/margins"] != 0.0
    assert all(step["grad_norm"] > 0 for step in steps)


def test_it_learns_which_reply_is_better(finished):
    _, events = finished
    summary = events[-1]["summary"]
    assert summary["after"]["rewards/accuracies"] > 0.75
    assert summary["after"]["rewards/margins"] > 0.05
    assert summary["held_out_after"] < summary["held_out_before"]


def test_a_rate_on_sampled_replies_stands_beside_the_margins(finished):
    _, events = finished
    rates = [e for e in of_kind(events, "evaluated") if e["split"] == "samples"]
    assert rates[0]["step"] == 0 and rates[-1]["step"] == of_kind(events, "step")[-1]["step"]
    assert len(rates) >= 4
    assert all(0 <= e["metrics"]["rate"] <= 1 and e["metrics"]["replies"] == 32 for e in rates)
    assert events[-1]["summary"]["after"]["rate"] == rates[-1]["metrics"]["rate"]


def test_only_the_trained_adapter_is_saved_and_it_names_its_parent(finished):
    folder, _ = finished
    adapter = folder / "result" / "adapter"
    assert not [path for path in adapter.iterdir() if path.is_dir()]
    assert not list(folder.rglob("ref")) and not list(folder.rglob("*.bin"))
    lineage = read_lineage(adapter)
    assert (lineage.method, lineage.parent, lineage.precision) == ("dpo", "shop", "float32")


def test_nothing_is_looked_up_outside_when_a_continued_adapter_is_saved(tuned, tmp_path, monkeypatch):
    from peft.utils import other

    asked: list[tuple] = []
    monkeypatch.setattr(other, "file_exists", lambda *names, **_: asked.append(names))
    folder, _ = run_job(tmp_path, read_sample("shop_pairs")[:16], tuned, method="dpo")
    config = (folder / "result" / "adapter" / "adapter_config.json").read_text("utf-8")
    assert '"base_model_name_or_path": "pocket"' in config
    assert asked == []


def test_the_saved_adapter_is_the_one_that_was_trained(finished, tuned):
    """Its weights have moved from the parent's, and every one of them is there."""
    from safetensors.torch import load_file

    before = load_file(tuned / "adapter_model.safetensors")
    after = load_file(finished[0] / "result" / "adapter" / "adapter_model.safetensors")
    assert set(before) == set(after)
    assert any(not before[name].equal(after[name]) for name in before)


def test_supervised_training_goes_on_from_an_adapter(tuned, tmp_path):
    """The same rows held out: what was measured after the first run is measured before the second."""
    records = read_sample()[:80]
    _, first = run_job(tmp_path / "a", records)
    _, second = run_job(tmp_path / "b", records, tuned)
    told = [events[-1]["summary"] for events in (first, second)]
    assert told[1]["held_out_before"] == pytest.approx(told[0]["held_out_after"], abs=1e-4)
    assert told[1]["train_loss"] < told[0]["train_loss"]


def test_an_adapter_of_another_base_is_refused(tuned, tmp_path, shared_data):
    import shutil

    from studio.training.continued import load_adapter

    moved = tmp_path / "moved"
    shutil.copytree(tuned, moved)
    (moved / "whetstone.json").unlink()
    other = read_base("folder:stories260K", (shared_data / "model",), Path("/nonexistent"))
    from studio.models.loading import load_model

    model = load_model(other, "float32", "cpu")
    for folder in (tuned, moved):  # told by its lineage, and by its weights alone
        with pytest.raises(AdapterMismatch):
            load_adapter(model, Parent(id="shop", name="Shop", folder=str(folder)), other)


def test_an_adapter_whose_weights_are_gone_or_torn_is_refused(tuned, tmp_path):
    import shutil

    weights = "adapter_model.safetensors"
    for name, harm in (("gone", lambda p: p.unlink()), ("torn", lambda p: p.write_bytes(p.read_bytes()[:500]))):
        shutil.copytree(tuned, tmp_path / name)
        harm(tmp_path / name / weights)
        with pytest.raises(AdapterUnreadable):
            run_job(tmp_path / f"run-{name}", read_sample("shop_pairs")[:16], tmp_path / name, method="dpo")


def test_a_version_without_pairs_is_empty_and_says_why(tmp_path):
    with pytest.raises(DatasetEmpty):
        run_job(tmp_path, read_sample()[:10], method="dpo")
    from tests.training_runs import read_log

    log = next((tmp_path / "people" / "local" / "jobs").iterdir())
    assert of_kind(read_log(log), "rows")[0]["dropped"] == {"wrong_kind": 10}


def test_dropout_is_off_and_the_log_says_so(tmp_path):
    _, events = run_job(tmp_path, read_sample("shop_pairs")[:16], method="dpo", dropout=0.3)
    assert "dropout_off_for_pairs" in {event["code"] for event in of_kind(events, "notice")}
    assert of_kind(events, "step")[0]["extra"]["rewards/margins"] == 0.0


def rated(rates: list[float], margins: list[float]) -> list[str]:
    """The notices of a run whose replies pass a rule as often as told, of 20 each time."""
    rate = SampledRate(tuple(Prompt("?", [1]) for _ in range(20)), "contains", "yes")
    events = []
    for step, (share, margin) in enumerate(zip(rates, margins, strict=True)):
        texts = ["yes" if number < share * 20 else "no" for number in range(20)]
        events += rate.judge(step, [Written([1], True)] * 20, texts, margin)
    return [event.code for event in events if event.kind == "notice"]


def test_margins_that_rise_while_replies_get_worse_are_told_once():
    assert rated([0.9, 0.9, 0.5, 0.1], [0.0, 0.4, 1.0, 2.0]) == ["margin_rises_rate_falls"]


def test_a_rate_that_rises_or_wavers_or_falls_with_the_margin_is_not_told():
    assert rated([0.5, 0.7, 0.95], [0.0, 0.5, 1.0]) == []
    assert rated([0.9, 0.85, 0.8], [0.0, 0.5, 1.0]) == []
    assert rated([0.9, 0.3], [0.5, 0.2]) == []


def test_a_fall_is_one_that_chance_does_not_explain():
    """Of 32 replies: from 29 to 23 passing has z = 1.96 by the pooled test, from 29 to 26 has 1.02."""
    assert falls(29 / 32, 23 / 32, 32)
    assert not falls(29 / 32, 26 / 32, 32)
    assert not falls(0.5, 0.5, 32) and not falls(1.0, 1.0, 32)
