"""Base models as a page gets them, and a hub that does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio.errors import HubUnreachable, ModelNotFound, NameUnsafe
from studio.people import Person
from studio.services.bases import Bases
from studio.services.queue import Queue
from studio.settings import Settings, read_settings


@pytest.fixture
def bases(settings: Settings) -> Bases:
    return Bases(settings, Queue(settings))


def test_the_list_is_what_a_page_can_be_given(bases: Bases, person: Person):
    found = bases.list(person)
    assert json.loads(json.dumps(found)) == found
    assert found[0]["id"] == "pocket" and found[0]["template"] == "own" and found[0]["context"] == 512


def test_a_folder_of_the_operator_is_offered_by_its_name(root: Path, person: Person, shared_data: Path):
    settings = read_settings(["--root", str(root), "--models", str(shared_data / "model")], {})
    ids = [base["id"] for base in Bases(settings, Queue(settings)).list(person)]
    assert ids == ["pocket", "folder:stories260K"]


@pytest.mark.parametrize("name", ["", "gpt2", "a/b/c", "../../etc", "a b/c", "x" * 200 + "/y", 5, None])
def test_a_name_that_cannot_exist_is_refused_before_the_hub_is_asked(bases: Bases, person: Person, name):
    with pytest.raises(NameUnsafe):
        bases.hub_files(person, name)


def test_a_hub_that_cannot_be_reached_is_told_in_both_languages(bases: Bases, person: Person, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubUnreachable) as caught:
        bases.hub_files(person, "some-org/some-model")
    assert "huggingface.co" in caught.value.message("en")
    assert "接続できません" in caught.value.message("ja")
    with pytest.raises(HubUnreachable):
        bases.download(person, "deed", "some-org/some-model")


@pytest.mark.parametrize("base_id", ["", None, 5, "folder:..", "x" * 10_000])
def test_a_base_that_is_none_is_not_found(bases: Bases, base_id):
    with pytest.raises(ModelNotFound):
        bases.find(base_id)
