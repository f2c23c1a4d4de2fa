"""Adapters are registered once, outlive their runs, and are seen by nobody else."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest

from studio.errors import NameTaken, NameUnsafe, NotYours, OptionsInvalid
from studio.models.lineage import Lineage, read_lineage
from studio.people import person_from
from studio.services.adapters import Adapters
from studio.services.bases import Bases
from studio.services.queue import Queue
from studio.serving.names import Places, list_models
from studio.serving.tokens import Caller
from studio.store.conversations import open_conversations
from tests.adapter_runs import SUMMARY, ended_run, leave_adapter, stopped_run
from tests.written_runs import WrittenRun


@pytest.fixture
def adapters(settings, person):
    """On a queue that starts nothing."""
    person.workspace.mkdir(parents=True)
    queue = Queue(settings)
    return Adapters(settings, queue, Bases(settings, queue))


def test_a_finished_run_becomes_an_adapter_with_its_lineage(adapters, person):
    run = ended_run(person.workspace, title="Polite v3")
    (entry,) = adapters.list(person)
    assert (entry["id"], entry["name"], entry["run"]) == ("polite-v3", "Polite v3", run.id)
    assert {name: entry[name] for name in SUMMARY} == SUMMARY
    assert (entry["base"], entry["precision"], entry["licence"]) == ("pocket", "bfloat16", "apache-2.0")
    assert [title["en"] for title in entry["how"]] == ["SFT", "LoRA"]
    folder = adapters.find(person, "polite-v3").folder
    assert folder == person.workspace / "adapters" / "polite-v3" / "1"
    told = read_lineage(folder)
    assert told.version == "abcdef123456" and told.settings["rank"] == 16
    assert set(told.files) == {path.name for path in folder.iterdir()} - {"whetstone.json"}
    assert "training_args.bin" not in told.files, "nothing pickled is taken over"
    assert entry["bytes"] == sum(path.stat().st_size for path in folder.iterdir())


def test_a_stopped_run_has_the_losses_of_its_log(adapters, person):
    stopped_run(person.workspace)
    (entry,) = adapters.list(person)
    assert (entry["held_out_before"], entry["held_out_after"], entry["steps"]) == (0.7, 0.25, 1)


def test_a_run_that_goes_on_and_one_without_an_adapter_are_not_listed(adapters, person):
    running = WrittenRun(person.workspace, 1)
    leave_adapter(running.folder.result_path / "adapter")
    ended = ended_run(person.workspace, 2)
    shutil.rmtree(ended.folder.result_path)
    assert adapters.list(person) == []
    running.close()


def test_many_pages_that_ask_at_once_register_a_run_once(adapters, person):
    for number in range(3):
        ended_run(person.workspace, number, title="same")
    found: list[list[dict]] = []
    askers = [threading.Thread(target=lambda: found.append(adapters.list(person))) for _ in range(6)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 6
    assert {entry["id"] for entry in adapters.list(person)} == {"same", "same-2", "same-3"}
    assert {entry["name"] for entry in adapters.list(person)} == {"same", "same (2)", "same (3)"}
    assert not list((person.workspace / "adapters").glob(".*"))


def test_an_adapter_outlives_its_run(adapters, person):
    run = ended_run(person.workspace)
    adapters.list(person)
    shutil.rmtree(run.folder.path)
    (entry,) = adapters.list(person)
    assert (adapters.find(person, entry["id"]).folder / "adapter_model.safetensors").read_bytes() == b"weights"


def test_a_deleted_adapter_stays_deleted_though_its_run_is_there(adapters, person):
    ended_run(person.workspace, title="first")
    adapters.list(person)
    folder = adapters.find(person, "first").folder
    adapters.delete(person, "first")
    assert adapters.list(person) == [] and not folder.parent.exists()
    with pytest.raises(NotYours):
        adapters.find(person, "first")
    ended_run(person.workspace, 1, title="first")
    (entry,) = adapters.list(person)
    assert (entry["id"], entry["name"]) == ("first-2", "first"), "the name is free again, the id is not"


def test_a_deleted_adapter_is_nowhere_offered_and_frees_its_room(adapters, person, settings):
    """Its files are linked with those of its run: these would go on to fill the disk, and to be served."""
    run, other = ended_run(person.workspace, 1, title="first"), ended_run(person.workspace, 2, title="second")
    adapters.list(person)
    adapters.delete(person, "first")
    left = [path.relative_to(person.workspace).parts for path in person.workspace.rglob("adapter_model.safetensors")]
    assert sorted(left) == [
        ("adapters", "second", "1", "adapter_model.safetensors"),
        ("jobs", other.id, "result", "adapter", "adapter_model.safetensors"),
    ]
    places = Places(settings.root, settings.models, settings.root / "hub", settings.root / "lease")
    ids = [model["id"] for model in list_models(places, Caller(person.workspace.name))]
    assert [name for name in ids if "/" in name] == [f"{person.workspace.name}/second"]
    assert run.folder.events_path.stat().st_size > 0, "its log and curves are there"
    shutil.rmtree(other.folder.path)
    adapters.delete(person, "second")
    assert not list(person.workspace.rglob("adapter_model.safetensors")), "also where the run is gone"


def test_what_a_process_left_that_died_while_registering_does_not_matter(adapters, person, settings):
    half = person.workspace / "adapters" / "shop"
    half.mkdir(parents=True)
    (half / "half").touch()
    (person.workspace / "adapters" / ".new-1").mkdir()
    ended_run(person.workspace)
    again = Adapters(settings, adapters._queue, adapters._bases)
    assert [entry["id"] for entry in again.list(person)] == ["shop"]
    assert [path.name for path in half.iterdir()] == ["1"]
    assert not list((person.workspace / "adapters").glob(".*"))


def test_a_title_that_is_no_name_gives_way_to_the_id(adapters, person):
    ended_run(person.workspace, title="../../etc/\u202epasswd")
    (entry,) = adapters.list(person)
    assert entry["name"] == entry["id"] == "etc-passwd"


def test_renaming_checks_the_name(adapters, person):
    ended_run(person.workspace, 1, title="one")
    ended_run(person.workspace, 2, title="two")
    adapters.list(person)
    adapters.rename(person, "one", "丁寧な応答")
    assert {entry["name"] for entry in adapters.list(person)} == {"丁寧な応答", "two"}
    with pytest.raises(NameTaken):
        adapters.rename(person, "two", "丁寧な応答")
    for name in ("", " x", "a/b", "a\nb", "n" * 81):
        with pytest.raises(NameUnsafe):
            adapters.rename(person, "two", name)


def test_notes_are_kept_and_limited(adapters, person):
    ended_run(person.workspace)
    adapters.list(person)
    adapters.write_notes(person, "shop", "x" * 4000)
    assert adapters.list(person)[0]["notes"] == "x" * 4000
    with pytest.raises(OptionsInvalid):
        adapters.write_notes(person, "shop", "x" * 4001)


@pytest.mark.parametrize("wrong", ["", None, 7, "../shop", "shop/1", "SHOP", "x" * 65, "-shop", "nothing", ["shop"]])
def test_whatever_is_no_id_of_ones_own_is_not_there(adapters, person, wrong):
    ended_run(person.workspace)
    adapters.list(person)
    for deed in (adapters.find, adapters.settings, adapters.depends, adapters.delete):
        with pytest.raises(NotYours):
            deed(person, wrong)


def test_nobody_sees_renames_or_deletes_anothers_adapter(adapters, person, settings):
    other = person_from("other", {}, {}, settings)
    ended_run(person.workspace)
    adapters.list(person)
    assert adapters.list(other) == []
    for deed in (adapters.find, adapters.delete, adapters.depends, adapters.settings):
        with pytest.raises(NotYours):
            deed(other, "shop")
    with pytest.raises(NotYours):
        adapters.rename(other, "shop", "mine")
    with pytest.raises(NotYours):
        adapters.write_notes(other, "shop", "mine")
    assert adapters.list(person)[0]["name"] == "shop"


def test_what_depends_on_an_adapter_is_named(adapters, person):
    ended_run(person.workspace, 1, title="parent")
    child = ended_run(person.workspace, 2, title="child")
    told = Lineage(base="pocket", parent="parent")
    (child.folder.result_path / "adapter" / "whetstone.json").write_text(told.model_dump_json(), "utf-8")
    listed = {entry["id"]: entry for entry in adapters.list(person)}
    assert listed["child"]["parent_name"] == "parent"
    with open_conversations(person.workspace) as conversations:
        conversations.save_setup("current", [{"kind": "model", "id": f"{person.workspace.name}/parent"}], {})
    assert [(item["kind"], item["title"]) for item in adapters.depends(person, "parent")] == [
        ("adapter", "child"),
        ("conversation", "parent"),
    ]
    assert adapters.depends(person, "child") == []
    adapters.delete(person, "parent")
    assert adapters.list(person)[0]["parent_name"] is None


def test_settings_come_with_their_words(adapters, person):
    ended_run(person.workspace)
    adapters.list(person)
    rows = {row["title"]["en"]: row for row in adapters.settings(person, "shop")}
    assert rows["Rank"]["value"] == 16 and rows["Rank"]["title"]["ja"] == "ランク"


def test_a_lineage_that_cannot_be_read_is_traced_anew(adapters, person):
    run = ended_run(person.workspace)
    (run.folder.result_path / "adapter" / "whetstone.json").write_text("{", "utf-8")
    (entry,) = adapters.list(person)
    assert entry["precision"] == "bfloat16"


def test_a_run_that_cannot_be_understood_hides_no_other(adapters, person, caplog):
    """Its spec was written by a version of the app that knows more."""
    strange = ended_run(person.workspace, 1)
    spec = strange.folder.path / "job.json"
    told = json.loads(spec.read_text("utf-8"))
    spec.write_text(json.dumps(told | {"options": told["options"] | {"zebra": 1}}), "utf-8")
    ended_run(person.workspace, 2, title="plain")
    assert [entry["id"] for entry in adapters.list(person)] == ["plain"]
    assert strange.id in caplog.text
    assert not list((person.workspace / "adapters").glob(".*"))


def test_linked_files_take_the_room_of_one(adapters, person):
    run = ended_run(person.workspace)
    adapters.list(person)
    name = "adapter_model.safetensors"
    source: Path = run.folder.result_path / "adapter" / name
    assert source.samefile(adapters.find(person, "shop").folder / name)
