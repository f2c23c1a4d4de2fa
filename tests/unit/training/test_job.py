"""The train job from its options to its adapter, in this process, on the pocket model."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studio.errors import CheckpointUnreadable, DatasetEmpty, OptionsInvalid
from studio.models.catalogue import POCKET, read_base
from studio.models.loading import load_model
from studio.models.rendering import Renderer
from studio.training.checkpoints import check_checkpoint
from studio.training.heldout import HeldOut
from studio.worker import train
from tests.training_runs import PLAN, exhaust, make_job, of_kind, read_log, read_sample, write_version

BASE = read_base(POCKET, (), Path("/nonexistent"))
SMALL = {"epochs": 2, "batch_size": 8, "train_embeddings": False}


def run_job(root: Path, records: list[dict], prompts: tuple[str, ...] = (), **settings: Any) -> tuple[Path, list[dict]]:
    fingerprint = write_version(root / "people" / "local", records)
    job = make_job(root, BASE, fingerprint, len(records), prompts, **{**SMALL, **settings})
    return job.folder, exhaust(job, train.run(job))


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, list[dict]]:
    return run_job(tmp_path_factory.mktemp("root"), read_sample()[:60], ("Hello", "送料はいくらですか。"))


def test_the_log_tells_a_run_from_its_choices_to_its_end(finished):
    _, events = finished
    kinds = [event["kind"] for event in events]
    assert kinds[:2] == ["queued", "started"] and kinds[-1] == "finished"
    assert [e["name"] for e in of_kind(events, "phase")][:4] == [
        "importing",
        "reading_data",
        "loading_model",
        "training",
    ]
    assert {e["name"] for e in of_kind(events, "choice")} >= {"device", "dtype", "threads", "loss_path"}
    rows = of_kind(events, "rows")
    assert [(r["read"], r["kept"], r["truncated"], r["dropped"]) for r in rows] == [(60, 60, 0, {})]
    steps = of_kind(events, "step")
    assert [step["step"] for step in steps] == list(range(1, 15))
    assert {step["total_steps"] for step in steps} == {14}
    assert all(a["tokens"] < b["tokens"] for a, b in pairwise(steps))


def test_the_first_loss_is_told_before_anything_else_is_computed(finished):
    _, events = finished
    kinds = [event["kind"] for event in events if event["kind"] in ("step", "evaluated", "sample")]
    assert kinds[:2] == ["step", "evaluated"]


def test_the_same_held_out_rows_are_measured_before_and_after(finished):
    _, events = finished
    seen = of_kind(events, "evaluated")
    assert seen[0]["step"] == 0 and seen[-1]["step"] == 14
    assert len({event["metrics"]["tokens"] for event in seen}) == 1
    summary = events[-1]["summary"]
    assert summary["held_out_before"] == seen[0]["metrics"]["loss"]
    assert summary["held_out_after"] == seen[-1]["metrics"]["loss"] < summary["held_out_before"]


def test_the_loss_before_is_that_of_the_base_alone(finished):
    folder, events = finished
    renderer = Renderer(BASE)
    held_out = HeldOut(read_held_out(folder, renderer), 512, renderer.pad_id, 2048)
    model = load_model(BASE, "float32", "cpu")
    assert held_out.measure(model, PLAN, "cpu", lambda: False) == pytest.approx(
        events[-1]["summary"]["held_out_before"], abs=1e-5
    )


def test_the_saved_adapter_has_the_loss_that_was_reported(finished):
    from peft import PeftModel

    folder, events = finished
    renderer = Renderer(BASE)
    held_out = HeldOut(read_held_out(folder, renderer), 512, renderer.pad_id, 2048)
    model = PeftModel.from_pretrained(load_model(BASE, "float32", "cpu"), folder / "result" / "adapter")
    assert held_out.measure(model, PLAN, "cpu", lambda: False) == pytest.approx(
        events[-1]["summary"]["held_out_after"], abs=1e-5
    )


def read_held_out(folder: Path, renderer: Renderer) -> list:
    from studio.data.versions import read_version

    version = json.loads((folder / "job.json").read_text("utf-8"))["options"]["version"]
    rows = read_version(folder.parent.parent / "versions" / f"{version}.parquet")
    return list(renderer.iterate_rows([row.record["messages"] for row in rows if row.split == "held_out"]))


def test_the_result_is_safe_whole_and_names_no_path_of_this_machine(finished):
    folder, events = finished
    names = {path.name for path in (folder / "result" / "adapter").iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
    config = json.loads((folder / "result" / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == "pocket"
    assert events[-1]["summary"]["adapter_bytes"] == sum(
        p.stat().st_size for p in (folder / "result" / "adapter").iterdir()
    )


def test_replies_to_the_persons_own_prompts_are_shown_before_and_after(finished):
    _, events = finished
    samples = of_kind(events, "sample")
    assert {event["prompt"] for event in samples} == {"Hello", "送料はいくらですか。"}
    assert samples[0]["step"] == 0 and samples[-1]["step"] == 14
    assert all(event["reply"] and "<|im_end|>" not in event["reply"] for event in samples[-2:])


def test_a_reply_does_not_depend_on_the_prompt_beside_it(tmp_path):
    """Greedy and sampled: a row draws from its own seed."""
    from studio.training.samples import Ask, write_replies

    renderer, model = Renderer(BASE), load_model(BASE, "float32", "cpu")
    prompts = [
        renderer.render_prompt([{"role": "user", "content": text}]) for text in ("Hi", "送料はいくらですか。" * 3)
    ]
    asked = [Ask(ids, temperature, 7) for ids in prompts for temperature in (0.0, 0.7)]
    together = write_replies(model, asked, {renderer.end_id}, PLAN, lambda: False)
    alone = [write_replies(model, [ask], {renderer.end_id}, PLAN, lambda: False)[0] for ask in asked]
    assert together == alone
    assert together[0].ids != together[1].ids


def test_without_prompts_two_held_out_questions_are_asked(tmp_path):
    _, events = run_job(tmp_path, read_sample()[:60])
    asked = {event["prompt"] for event in of_kind(events, "sample")}
    questions = {record["messages"][0]["content"] for record in read_sample()[:60]}
    assert len(asked) == 2 and asked <= questions


def test_a_stop_keeps_a_usable_adapter(tmp_path, monkeypatch):
    records = read_sample()[:60]
    fingerprint = write_version(tmp_path / "people" / "local", records)
    job = make_job(tmp_path, BASE, fingerprint, len(records), **SMALL)
    whole = job._log.write

    def watch(event):
        whole(event)
        if event.kind == "step" and event.step == 3:
            (job.folder / "stop").touch()

    monkeypatch.setattr(job._log, "write", watch)
    events = exhaust(job, train.run(job))
    assert (events[-1]["kind"], events[-1]["checkpoint"]) == ("stopped", "result/adapter")
    assert 3 <= events[-1]["step"] <= 6
    assert (job.folder / "result" / "adapter" / "adapter_model.safetensors").is_file()


def test_a_stop_before_the_first_step_ends_at_once_and_keeps_nothing(tmp_path):
    records = read_sample()[:40]
    fingerprint = write_version(tmp_path / "people" / "local", records)
    job = make_job(tmp_path, BASE, fingerprint, len(records), **SMALL)
    (job.folder / "stop").touch()
    events = exhaust(job, train.run(job))
    assert (events[-1]["kind"], events[-1]["step"], events[-1]["checkpoint"]) == ("stopped", 0, None)
    assert not of_kind(events, "step") and not (job.folder / "result").exists()


def test_of_preferences_the_chosen_replies_are_learned_and_that_is_said(tmp_path):
    _, events = run_job(tmp_path, read_sample("shop_pairs")[:40])
    notices = {event["code"]: event["values"] for event in of_kind(events, "notice")}
    assert notices["chosen_replies_used"] == {"rows": 40}
    assert events[-1]["kind"] == "finished"


def long_record(number: int) -> dict:
    question = f"{number} " + "How much is the blue mug on the second shelf? " * 6
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": "980 yen."}]}


def test_a_run_that_would_lose_too_many_rows_is_refused_until_it_is_allowed(tmp_path):
    records = [*read_sample()[:20], *(long_record(number) for number in range(20))]
    with pytest.raises(OptionsInvalid) as caught:
        run_job(tmp_path / "a", records, max_length_tokens=60)
    problem = caught.value.problems[0]
    assert (problem["code"], problem["found"], problem["rows"]) == ("labels_lost", 20, 40)
    _folder, events = run_job(tmp_path / "b", records, max_length_tokens=60, allow_lost_rows=True)
    assert of_kind(events, "rows")[0]["dropped"] == {"cut_entirely": 20}
    assert events[-1]["kind"] == "finished"


def test_a_version_of_which_nothing_is_left_is_empty(tmp_path):
    with pytest.raises(DatasetEmpty):
        run_job(tmp_path, [long_record(number) for number in range(10)], max_length_tokens=8, allow_lost_rows=True)
    log = next((tmp_path / "people" / "local" / "jobs").iterdir())
    assert of_kind(read_log(log), "rows")[0]["dropped"] == {"cut_entirely": 10}


def test_rows_that_are_cut_are_counted(tmp_path):
    records = read_sample()[:40]
    _, events = run_job(tmp_path, records, max_length_tokens=40)
    lengths = [len(row.ids) for row in Renderer(BASE).iterate_rows([record["messages"] for record in records])]
    rows = of_kind(events, "rows")[0]
    assert rows["truncated"] == sum(length > 40 for length in lengths) - rows["dropped"].get("cut_entirely", 0) > 0


def test_a_checkpoint_is_whole_or_refused(tmp_path, monkeypatch):
    from studio.training import checkpoints

    monkeypatch.setattr(checkpoints, "LEAST_INTERVAL_S", 0.0)
    folder, events = run_job(tmp_path, read_sample()[:60])
    told = of_kind(events, "checkpoint")
    assert told
    left = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert 2 <= len(left) <= 3 and f"checkpoints/{left[-1]}" == told[-1]["path"]
    last = folder / told[-1]["path"]
    assert check_checkpoint(last) == told[-1]["step"]
    with (last / "optimizer.pt").open("r+b") as file:
        file.seek(200)
        file.write(b"x")
    with pytest.raises(CheckpointUnreadable) as caught:
        check_checkpoint(last)
    assert caught.value.values["cause"] == "optimizer.pt"
    (last / "manifest.json").unlink()
    with pytest.raises(CheckpointUnreadable):
        check_checkpoint(last)


def test_the_same_seed_gives_the_same_losses(tmp_path):
    runs = [run_job(tmp_path / name, read_sample()[:40])[1] for name in "ab"]
    first, second = ([step["loss"] for step in of_kind(events, "step")] for events in runs)
    assert first == second
    other = [step["loss"] for step in of_kind(run_job(tmp_path / "c", read_sample()[:40], seed=7)[1], "step")]
    assert other != first


def test_the_loss_before_is_the_bases_even_when_the_first_step_has_changed_the_word_table(tmp_path):
    settings = {"train_embeddings": True, "warm_up_fraction": 0.0, "schedule": "constant", "learning_rate": 0.01}
    folder, events = run_job(tmp_path, read_sample()[:40], **settings, epochs=1)
    renderer = Renderer(BASE)
    held_out = HeldOut(read_held_out(folder, renderer), 512, renderer.pad_id, 2048)
    model = load_model(BASE, "float32", "cpu")
    assert held_out.measure(model, PLAN, "cpu", lambda: False) == pytest.approx(
        events[-1]["summary"]["held_out_before"], abs=1e-5
    )


def test_an_evaluation_leaves_the_run_as_it_would_have_been(tmp_path, monkeypatch):
    """With dropout on, the losses are the same whether or not held-out rows are measured in between."""
    from studio.training import schedule

    records = read_sample()[:60]
    often = run_job(tmp_path / "a", records, dropout=0.3)[1]
    monkeypatch.setattr(schedule, "SHARE", 0.0)
    rarely = run_job(tmp_path / "b", records, dropout=0.3)[1]
    monkeypatch.setattr(schedule, "SHARE", 100.0)
    always = run_job(tmp_path / "c", records, dropout=0.3)[1]
    assert len(of_kind(always, "evaluated")) > len(of_kind(rarely, "evaluated")) == 2
    losses = [[step["loss"] for step in of_kind(events, "step")] for events in (often, rarely, always)]
    assert losses[0] == losses[1] == losses[2]
