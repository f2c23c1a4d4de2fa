"""Exports through the real queue: written, read back in a fresh process, opened by a plain script, and never half there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from studio.errors import JobNotFound, JobRunning, NotYours, OptionsInvalid, RequestRefused
from studio.jobs.folder import JobFolder
from studio.jobs.log import read_events
from studio.models.catalogue import POCKET, read_base
from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from studio.training.trainspec import TrainSpec
from tests.conftest import end_jobs
from tests.processes import marked_processes, wait_for
from tests.training_runs import chosen_options, read_sample, write_version

PROMPT = "Hello"
ROWS = 48
EXPORTED_FILES = {
    "README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja", "generation_config.json",
    "tokenizer.json", "tokenizer_config.json", "whetstone.json",
}  # fmt: skip
SCRIPT = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with one finished run of the pocket model, asked one prompt."""
    root = tmp_path_factory.mktemp("export") / "root"
    settings = read_settings(["--root", str(root), "--port", "0"], {})
    studio, person = Studio(settings), person_from(None, {}, {}, settings)
    try:
        version = write_version(person.workspace, read_sample()[:ROWS])
        job = start_run(studio, person, version, POCKET)
        assert studio.queue.wait(job, 300).status == "finished"
        wait_for(lambda: not studio.queue.running())
    finally:
        studio.close()
    return root


def start_run(studio: Studio, person: Person, version: str, base: str) -> str:
    """By the queue itself: the version's file is all a run reads, and it is in no catalogue here."""
    found = read_base(base, studio.settings.models, studio.settings.root / "hub")
    options, adapter_options = chosen_options(found, ROWS, epochs=1, learning_rate=0.002, max_length_tokens=256)
    spec = TrainSpec(
        base=found.id,
        base_folder=str(found.folder),
        version=version,
        dataset_name="Shop",
        method="sft",
        adapter="lora",
        method_options=options.model_dump(),
        adapter_options=adapter_options.model_dump(),
        prompts=[PROMPT],
        title="Polite",
    )
    return studio.queue.submit(person, "train", "Polite", spec.model_dump(), f"train {base}")


@pytest.fixture
def root(tmp_path: Path, trained: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "root"))


@pytest.fixture
def adapter_id(studio: Studio, person: Person) -> str:
    return studio.adapters.list(person)[0]["id"]


@pytest.fixture
def exporting(studio: Studio, person: Person, adapter_id: str) -> Iterator[JobFolder]:
    """An export whose fresh process has just begun to load the adapter."""
    job = studio.queue.find(person, studio.exports.start(person, "export", adapter_id, "adapter", {}))
    wait_for(lambda: "asking_adapter" in phases(job), 120)
    return job


def phases(job: JobFolder) -> list[str]:
    return [event["name"] for event in read_events(job.events_path, 0)[0] if event["kind"] == "phase"]


def readers(mark: str) -> list[psutil.Process]:
    return [process for process in marked_processes(mark) if "studio.exporting.readback" in process.cmdline()]


def nothing_is_left(studio: Studio, person: Person, job: JobFolder) -> None:
    """Neither a file to download nor a piece of one."""
    (listed,) = studio.exports.list(person)
    assert listed["file"] is None and listed["path"] is None
    with pytest.raises(NotYours):
        studio.exports.find_file(person, job.id)
    assert not (person.workspace / "exports" / job.id).exists()
    assert not list(job.path.rglob("*.safetensors")) and not list(person.workspace.rglob("*.zip"))


@pytest.mark.slow
def test_a_zip_opens_in_a_plain_script_and_gives_the_same_reply(
    studio: Studio, person: Person, adapter_id: str, tmp_path: Path
):
    """The card's own script, in a process without our code, in the folder that was unpacked."""
    job = studio.exports.start(person, "export", adapter_id, "adapter", {})
    assert studio.exports.start(person, "export", adapter_id, "adapter", {}) == job, "a second click is the same deed"
    assert studio.queue.wait(job, 200).status == "finished"
    (listed,) = studio.exports.list(person)
    (check,) = listed["checks"]
    assert check["prompt"] == PROMPT and check["reply"] and check["tokens"] > 0
    path = studio.exports.find_file(person, job)
    with zipfile.ZipFile(path) as packed:
        assert {Path(name).name for name in packed.namelist()} == EXPORTED_FILES
        assert {Path(name).parent.name for name in packed.namelist()} == {adapter_id}
        packed.extractall(tmp_path)
    folder = tmp_path / adapter_id
    script = SCRIPT.search((folder / "README.md").read_text("utf-8")).group(1)
    script = script.replace("path/to/pocket", str(studio.bases.find("pocket").folder))
    plain = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout.strip() == check["reply"]
    studio.exports.delete(person, job)
    assert studio.exports.list(person) == [] and not path.exists()
    assert studio.exports.form(person, adapter_id)["problem"] is None


@pytest.mark.slow
def test_a_folder_is_delivered_whole_and_named_by_its_path(studio: Studio, person: Person, adapter_id: str):
    job = studio.exports.start(person, "export", adapter_id, "adapter", {"form": "folder"})
    assert studio.queue.wait(job, 200).status == "finished"
    (listed,) = studio.exports.list(person)
    assert {path.name for path in Path(listed["path"]).iterdir()} == EXPORTED_FILES
    assert listed["checks"] and listed["file"] is None
    with pytest.raises(NotYours):
        studio.exports.find_file(person, job)  # a folder is not sent
    assert studio.exports.form(person, adapter_id)["seconds"] > 0


def test_tampered_weights_fail_the_export(studio: Studio, person: Person, adapter_id: str):
    path = studio.adapters.find(person, adapter_id).folder / "adapter_model.safetensors"
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    job = studio.queue.find(person, studio.exports.start(person, "export", adapter_id, "adapter", {}))
    ended = studio.queue.wait(job.id, 60).ended
    assert (ended["kind"], ended["code"], ended["values"]["file"]) == ("failed", "AdapterUnreadable", path.name)
    assert "adapter_model.safetensors" in studio.exports.list(person)[0]["problem"]["message"]
    nothing_is_left(studio, person, job)


@pytest.mark.slow
def test_a_killed_worker_leaves_nothing_half(studio: Studio, person: Person, exporting: JobFolder, mark: str):
    psutil.Process(exporting.state().started["pid"]).kill()
    state = studio.queue.wait(exporting.id, 60)
    assert (state.status, state.ended["code"]) == ("failed", "WorkerLost")
    nothing_is_left(studio, person, exporting)
    wait_for(lambda: not readers(mark))


@pytest.mark.slow
def test_a_killed_reader_fails_the_export(studio: Studio, person: Person, exporting: JobFolder, mark: str):
    (reader,) = wait_for(lambda: readers(mark))
    reader.kill()
    ended = studio.queue.wait(exporting.id, 60).ended
    assert (ended["code"], ended["values"]["signal"]) == ("ExportUnreadable", "SIGKILL")
    nothing_is_left(studio, person, exporting)


@pytest.mark.slow
def test_a_stopped_export_leaves_nothing_and_holds_its_adapter_until_then(
    studio: Studio, person: Person, exporting: JobFolder, adapter_id: str
):
    with pytest.raises(JobRunning):
        studio.adapters.delete(person, adapter_id)
    assert [item["kind"] for item in studio.adapters.depends(person, adapter_id)] == ["export"]
    studio.exports.stop(person, exporting.id)
    assert studio.queue.wait(exporting.id, 60).status == "stopped"
    nothing_is_left(studio, person, exporting)
    assert studio.adapters.depends(person, adapter_id) == []
    studio.adapters.delete(person, adapter_id)
    assert studio.adapters.list(person) == []


def test_what_a_raw_call_sends_is_refused(studio: Studio, person: Person, adapter_id: str):
    other = person_from("other", {}, {}, studio.settings)
    with pytest.raises(NotYours):
        studio.exports.start(other, "export", adapter_id, "adapter", {})
    with pytest.raises(NotYours):
        studio.exports.start(person, "export", "../../x", "adapter", {})
    for exporter, settings in (("gguf", {}), (None, {}), ("adapter", {"form": "exe"}), ("adapter", {"zebra": 1})):
        with pytest.raises(OptionsInvalid):
            studio.exports.start(person, "export", adapter_id, exporter, settings)
    with pytest.raises(RequestRefused):
        studio.exports.start(person, "", adapter_id, "adapter", {})
    train = studio.queue.jobs(person, ["train"])[0].id
    for deed in (studio.exports.delete, studio.exports.stop, studio.exports.find_file):
        for wrong in (train, "../x", "", "x" * 5000):
            with pytest.raises(JobNotFound):
                deed(person, wrong)
    assert studio.exports.list(person) == [] and studio.exports.list(other) == []


@pytest.mark.slow
def test_an_adapter_of_a_base_without_template_is_exported_with_the_one_that_was_used(
    root: Path, shared_data: Path, mark: str
):
    settings = read_settings(["--root", str(root), "--port", "0", "--models", str(shared_data / "model")], {})
    studio, person = Studio(settings), person_from(None, {}, {}, settings)
    try:
        (version,) = (path.stem for path in (person.workspace / "versions").glob("*.parquet"))
        job = start_run(studio, person, version, "folder:stories260K")
        assert studio.queue.wait(job, 300).status == "finished"
        entry = next(entry for entry in studio.adapters.list(person) if entry["base"] == "folder:stories260K")
        export = studio.exports.start(person, "export", entry["id"], "adapter", {})
        assert studio.queue.wait(export, 200).status == "finished", studio.exports.list(person)[0]["problem"]
        with zipfile.ZipFile(studio.exports.find_file(person, export)) as packed:
            assert b"{%- generation -%}" in packed.read(f"{entry['id']}/chat_template.jinja")
    finally:
        end_jobs(studio)
        studio.close()
