"""A QLoRA adapter in Compare: it stands beside the base as it was trained on, and both are written together."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path

import pytest

from studio.models.lineage import Lineage, write_lineage
from studio.people import Person
from studio.services.studio import Studio
from tests.adapter_runs import ended_run
from tests.processes import wait_for
from tests.served_models import write_lora

QUESTIONS = ("How much is a teapot?", "And a mug?")


@pytest.fixture
def qlora_run(person: Person) -> str:
    """The id of a run that left a real adapter of the pocket model in 4 bits."""
    run = ended_run(person.workspace, title="small")
    result = run.folder.result_path / "adapter"
    shutil.rmtree(result)
    write_lora(result, 5, quantisation="nf4")
    write_lineage(result, Lineage(base="pocket", precision="nf4"))
    return run.folder.id


@pytest.mark.slow
def test_a_qlora_adapter_and_its_base_share_one_load_and_one_batch(studio: Studio, person: Person, qlora_run: str):
    """What is loaded is measured and the measurement kept: only the base in 4 bits ever was, over two turns."""
    studio.compare.open_run(person, qlora_run)
    page = studio.compare.follow(person, lambda: None)  # what nobody watches is stopped
    for turn, question in enumerate(QUESTIONS, 1):
        studio.compare.send(person, question, secrets.token_hex(8))
        wait_for(lambda: not studio.compare.snapshot(person)["live"], 120)
        replies = [one for one in studio.compare.snapshot(person)["replies"] if one["number"] == turn]
        assert [one["state"] for one in replies] == ["done", "done"], replies
        assert [(one["facts"]["how"], one["facts"]["precision"]) for one in replies] == [("stacked", "nf4")] * 2
    page.close()
    assert loaded(studio.settings.root) == ["nf4"]
    assert replies[0]["text"] != replies[1]["text"]


def loaded(root: Path) -> list[str]:
    """The precision of every measurement."""
    return [
        json.loads(path.read_text("utf-8"))["speed"]["precision"] for path in (root / "machine").glob("speed-*.json")
    ]
