"""A run through the real queue: previewed, started, watched in its log, stopped, listed, deleted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from studio.errors import JobNotFound, OptionsInvalid
from studio.jobs.log import read_events
from studio.people import Person, person_from
from studio.services.studio import Studio
from tests.processes import wait_for

SETTINGS = {"epochs": 1, "batch_size": 8, "train_embeddings": False}


@pytest.fixture
def version(studio: Studio, person: Person) -> str:
    """The first version of the shop's conversations."""
    job = studio.datasets.import_sample(person, "import", "shop_sft")
    assert studio.queue.wait(job, 60).status == "finished"
    dataset = studio.datasets.list(person)[0]
    job = studio.datasets.save_version(person, dataset["id"], "save", "first")
    assert studio.queue.wait(job, 60).status == "finished"
    return studio.datasets.versions(person)[0]["fingerprint"]


def choices(version: str, **settings) -> dict:
    return {
        "base": "pocket",
        "version": version,
        "method": "sft",
        "adapter": "lora",
        "settings": {**SETTINGS, **settings},
    }


def events_of(studio: Studio, person: Person, job_id: str) -> list[dict]:
    return read_events(studio.queue.find(person, job_id).events_path, 0)[0]


def preview(studio: Studio, person: Person, version: str, **settings) -> dict:
    """What the form shows once everything is measured."""
    found: dict = {}

    def is_known() -> bool:
        found.update(studio.runs.preview(person, choices(version, **settings)))
        return found["status"] != "measuring" and found["seconds"] is not None

    wait_for(is_known, 180)
    return found


def test_what_a_run_will_do_is_foretold_and_comes_true(studio: Studio, person: Person, version: str):
    foretold = preview(studio, person, version)
    assert foretold["status"] == "ready" and foretold["seconds"] > 0
    assert (foretold["rows"], foretold["held_out"], foretold["cut"], foretold["nothing"]) == (1080, 120, 0, 0)
    job_id = studio.runs.start(person, "start", choices(version) | {"title": "お店", "prompts": ["Hello"]})
    assert studio.queue.wait(job_id, 400).status == "finished"
    events = events_of(studio, person, job_id)
    steps = [event for event in events if event["kind"] == "step"]
    assert steps[-1]["step"] == foretold["steps"] == 135
    assert steps[-1]["tokens"] == foretold["tokens"]
    listed = studio.runs.list(person)[0]
    assert (listed["id"], listed["title"], listed["status"]) == (job_id, "お店", "finished")
    assert listed["held_out_after"] < listed["held_out_before"]
    assert listed["settings"]["batch_size"] == 8 and listed["dataset_name"]
    assert {event["prompt"] for event in events if event["kind"] == "sample"} == {"Hello"}
    # The probe's plan is used: the run measured nothing again.
    assert not [e for e in events if e["kind"] == "phase" and e["name"] == "probing"]


def test_a_stopped_run_keeps_its_adapter_and_can_be_deleted(studio: Studio, person: Person, version: str):
    job_id = studio.runs.start(person, "start", choices(version, epochs=50))
    wait_for(lambda: any(event["kind"] == "step" for event in events_of(studio, person, job_id)), 180)
    studio.runs.stop(person, job_id)
    state = studio.queue.wait(job_id, 60)
    folder = studio.queue.find(person, job_id)
    assert (state.status, state.ended["checkpoint"]) == ("stopped", "result/adapter")
    assert (folder.result_path / "adapter" / "adapter_model.safetensors").is_file()
    assert studio.runs.list(person)[0]["end_loss"] is not None
    wait_for(lambda: not folder.is_held(), 30)
    studio.runs.delete(person, job_id)
    assert studio.runs.list(person) == [] and not folder.path.exists()


def test_pressing_start_twice_starts_one_run(studio: Studio, person: Person, version: str):
    ids: list[str] = []
    askers = [
        threading.Thread(target=lambda: ids.append(studio.runs.start(person, "one deed", choices(version))))
        for _ in range(4)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(set(ids)) == 1 and len(studio.runs.list(person)) == 1


def test_every_problem_of_a_form_comes_at_once_and_nothing_is_queued(studio: Studio, person: Person, version: str):
    wrong = choices(version, epochs=0, learning_rate="fast", rank=-1, max_length_tokens=4096, zebra=1)
    with pytest.raises(OptionsInvalid) as caught:
        studio.runs.start(person, "start", wrong | {"prompts": ["a", "b", "c"]})
    found = {problem["field"]: problem["code"] for problem in caught.value.problems}
    assert found == {
        "epochs": "too_small", "learning_rate": "not_a_number", "rank": "too_small", "zebra": "unknown_option",
        "prompts": "prompts_too_many",
    }  # fmt: skip
    with pytest.raises(OptionsInvalid) as caught:
        studio.runs.start(person, "start", choices(version, max_length_tokens=4096))
    assert [problem["code"] for problem in caught.value.problems] == ["max_length_beyond_context"]
    assert studio.runs.list(person) == []


@pytest.mark.parametrize(
    "wrong", [{"method": "x"}, {"adapter": None}, {"base": ""}, {"version": None}, {"settings": [1]}, {"prompts": 5}]
)
def test_whatever_a_raw_call_sends_is_answered_with_a_named_problem(
    studio: Studio, person: Person, version: str, wrong: dict
):
    asked = choices(version) | wrong
    if "settings" in wrong or "prompts" in wrong:
        studio.runs.start(person, "start", asked)  # nothing given: the defaults
    else:
        with pytest.raises(OptionsInvalid):
            studio.runs.start(person, "start", asked)


def test_nobody_sees_stops_or_deletes_anothers_run(studio: Studio, person: Person, version: str):
    other = person_from("other", {}, {}, studio.settings)
    job_id = studio.runs.start(person, "start", choices(version))
    assert studio.runs.list(other) == []
    refused: list[Callable] = [studio.runs.stop, studio.runs.delete]
    for deed in refused:
        with pytest.raises(JobNotFound):
            deed(other, job_id)


def test_a_job_of_another_kind_is_no_run(studio: Studio, person: Person, version: str):
    job_id = studio.queue.jobs(person, ["import"])[0].id
    with pytest.raises(JobNotFound):
        studio.runs.delete(person, job_id)


def test_the_form_knows_the_longest_row_once_it_is_measured(studio: Studio, person: Person, version: str):
    def most() -> dict:
        fields = studio.runs.form(person, choices(version))["fields"]
        return next(field for field in fields if field["name"] == "max_length_tokens")

    assert most()["reason"] == "max_length_context"
    preview(studio, person, version)
    assert most()["reason"] == "max_length_longest_row" and 8 <= most()["value"] < 512


def test_a_measurement_that_failed_is_told_and_tried_again(studio: Studio, person: Person, version: str, monkeypatch):
    path = studio.datasets.version_path(person, version)
    whole = path.read_bytes()
    path.write_bytes(whole[:500])
    first = studio.runs.preview(person, choices(version))
    assert studio.queue.wait(first["job_id"], 60).status == "failed"
    told = studio.runs.preview(person, choices(version))
    assert (told["status"], told["job_id"]) == ("failed", first["job_id"])
    path.write_bytes(whole)
    monkeypatch.setattr("studio.services.runs.RETRY_AFTER_S", 0.0)
    assert preview(studio, person, version)["rows"] == 1080


def test_a_base_without_template_is_told_about(studio: Studio, person: Person, version: str, shared_data: Path):
    studio.bases._models = (shared_data / "model",)
    asked = choices(version, max_length_tokens=512, epochs=1) | {"base": "folder:stories260K"}
    job_id = studio.runs.start(person, "start", asked)
    wait_for(lambda: any(e["kind"] == "step" for e in events_of(studio, person, job_id)), 180)
    studio.runs.stop(person, job_id)
    studio.queue.wait(job_id, 60)
    events = events_of(studio, person, job_id)
    assert [e["value"] for e in events if e["kind"] == "choice" and e["name"] == "chat_template"] == ["plain"]
    assert "template_chosen" in {e["code"] for e in events if e["kind"] == "notice"}
    saved = studio.queue.find(person, job_id).result_path / "adapter" / "chat_template.jinja"
    assert "{%- generation -%}" in saved.read_text("utf-8")
