"""Every plug is one file and one registry line, with its words, its example and its row in README."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from studio.words import Text
from tests.architecture.plug_list import registries
from tests.architecture.sources import ROOT

SHOWN_IN_README = [registry for registry in registries() if not registry.package.startswith("studio.ui")]
ALL = [(registry, name) for registry in registries() for name in registry.names]
CELL = re.compile(r"^\|\s*`(\w+)`\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|$", re.MULTILINE)


def folder_of(package: str) -> Path:
    found = find_spec(package)
    assert found and found.submodule_search_locations, f"{package} is no package"
    return Path(next(iter(found.submodule_search_locations)))


def readme_rows(kind: str) -> dict[str, tuple[str, str]]:
    """The rows of README's table under the heading that names the kind: name → title, summary."""
    text = (ROOT / "README.md").read_text("utf-8")
    part = re.search(rf"^###+ [^\n]*`{kind}`[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert part, f"README has no heading with `{kind}`"
    return {name: (title, summary) for name, title, summary in CELL.findall(part.group(1))}


@pytest.mark.parametrize("registry", registries(), ids=lambda r: r.kind)
def test_every_file_of_a_plug_folder_is_registered(registry):
    there = {p.stem for p in folder_of(registry.package).glob("*.py") if not p.stem.startswith("_")}
    assert there == set(registry.names), f"{registry.package}: {sorted(there ^ set(registry.names))}"


@pytest.mark.parametrize("registry", registries(), ids=lambda r: r.kind)
def test_a_registry_names_each_plug_once(registry):
    assert registry.names and len(set(registry.names)) == len(registry.names)


@pytest.mark.parametrize(("registry", "name"), ALL, ids=[f"{r.kind}-{n}" for r, n in ALL])
def test_a_plug_carries_its_name_its_words_and_its_example(registry, name):
    plug = registry[name]
    assert plug.name == name
    assert isinstance(plug.title, Text)
    assert isinstance(plug.summary, Text)
    if registry in SHOWN_IN_README:
        assert plug.example is not None


@pytest.mark.parametrize("registry", SHOWN_IN_README, ids=lambda r: r.kind)
def test_readme_lists_every_plug_in_order_with_its_own_words(registry):
    expected = {plug.name: (plug.title.en, plug.summary.en) for plug in registry}
    assert readme_rows(registry.kind) == expected
    assert list(readme_rows(registry.kind)) == list(registry.names)
