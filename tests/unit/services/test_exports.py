"""What an export would do and cost is told before it starts, and what cannot be done is not offered."""

from __future__ import annotations

import pytest

from studio.errors import AdapterMismatch, ModelNotFound, OptionsInvalid
from studio.models.lineage import Lineage
from studio.services.adapters import Adapters
from studio.services.bases import Bases
from studio.services.exports import LIBRARIES_BYTES, STRANGERS_PROMPTS, Exports
from studio.services.queue import Queue
from studio.settings import read_settings
from studio.store.adapters import AdapterEntry, open_adapters
from studio.worker.export import ExportSpec, find_source
from tests.adapter_runs import BASE, ended_export, ended_run
from tests.written_runs import PROMPTS


def open_exports(settings) -> Exports:
    """On a queue that starts nothing."""
    queue = Queue(settings)
    bases = Bases(settings, queue)
    return Exports(settings, queue, Adapters(settings, queue, bases), bases)


@pytest.fixture
def exports(settings, person) -> Exports:
    person.workspace.mkdir(parents=True)
    ended_run(person.workspace)
    made = open_exports(settings)
    made._adapters.list(person)
    return made


def register(workspace, base: str) -> None:
    entry = AdapterEntry("lost", "Lost", "", f"run-{base}", Lineage(base=base, precision="float32"), 10, "2026-01-01")
    with open_adapters(workspace) as table, table.registering():
        table.insert(entry)


def test_the_cost_is_told_before_the_start(exports, person):
    """The run was trained in bfloat16: two bytes for each of the pocket model's parameters."""
    form = exports.form(person, "shop")
    size = exports._adapters.find(person, "shop").entry.bytes
    assert (form["files_bytes"], form["disk_bytes"]) == (size, 2 * size)
    assert form["memory_bytes"] == 2 * BASE.parameters + LIBRARIES_BYTES
    assert form["seconds"] is None and form["problem"] is None
    ended_export(person.workspace)
    assert exports.form(person, "shop")["seconds"] == 9.0


def test_an_adapter_without_its_base_says_so_and_is_not_exported(exports, person):
    register(person.workspace, "folder:gone")
    assert "folder:gone" in exports.form(person, "lost")["problem"]["message"]
    with pytest.raises(ModelNotFound):
        exports.start(person, "deed", "lost", "adapter", {})


def test_a_folder_is_offered_only_to_whoever_sits_before_this_computer(exports, person, settings, tmp_path):
    def offered(made: Exports) -> list[str]:
        (field,) = made.form(person, "shop")["exporters"][0]["fields"]
        return [choice["value"] for choice in field["choices"]]

    assert offered(exports) == ["zip", "folder"]
    arguments = ["--root", str(settings.root), "--port", "0"]
    for elsewhere in (
        read_settings([*arguments, "--login", str(tmp_path / "logins.json")], {}),
        read_settings(arguments, {"SPACE_ID": "a/b"}),
    ):
        made = open_exports(elsewhere)
        assert offered(made) == ["zip"]
        with pytest.raises(OptionsInvalid):
            made.start(person, "deed", "shop", "adapter", {"form": "folder"})


def test_the_prompts_of_the_run_are_asked_and_a_strangers_where_it_is_gone(exports, person):
    adapter = exports._adapters.find(person, "shop")
    assert exports._prompts(person, adapter) == PROMPTS
    exports._queue.delete(person, adapter.entry.run)
    assert exports._prompts(person, adapter) == list(STRANGERS_PROMPTS)


def test_the_words_of_the_card_are_the_persons(exports, person):
    job = exports._queue.find(person, exports.start(person, "deed", "shop", "adapter", {}))
    spec = ExportSpec.model_validate(job.spec.options)
    assert (spec.form, spec.language, spec.prompts) == ("zip", person.language, PROMPTS)
    assert exports.start(person, "deed", "shop", "adapter", {}) == job.id


def test_a_base_that_was_changed_since_is_refused(exports, person):
    job = exports._queue.find(person, exports.start(person, "deed", "shop", "adapter", {}))
    spec = ExportSpec.model_validate(job.spec.options)
    assert find_source(spec).base.id == "pocket"
    changed = spec.lineage.model_copy(update={"base_bytes": BASE.bytes + 1})
    with pytest.raises(AdapterMismatch):
        find_source(spec.model_copy(update={"lineage": changed}))
