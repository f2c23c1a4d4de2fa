"""Imports point down, and the parent process never meets torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture import imports_rules as rules
from tests.architecture.plug_list import plug_modules, registries
from tests.architecture.sources import ROOT, imports, modules

GRADIO_IS_FOR = ("studio.ui", "app")
KEEPER = "studio.jobs.keeper"


def ours():
    return modules("studio", "app.py")


def parents_own() -> list[str]:
    """Interface and services run in the parent: what their functions import is loaded there too, only later."""
    own = [module for module in ours() if rules.part_of(module.name) in ("app", "ui", "services")]
    return [module.name for module in own] + [i.target for module in own for i in imports(module)]


def test_every_module_stands_where_the_map_has_a_place_for_it():
    lost = [module.where for module in ours() if rules.part_of(module.name) == "unknown"]
    assert not lost, "not on the map: " + ", ".join(lost)


def test_imports_point_down():
    found = [line for module in ours() for line in rules.upward(module)]
    assert not found, "\n".join(found)


def test_the_packages_of_the_middle_do_not_import_in_circles():
    assert not rules.package_cycles(ours())


def test_the_base_needs_pydantic_and_nothing_else():
    allowed = {"studio", "pydantic", "annotated_types", "__future__"} | set(sys.stdlib_module_names)
    found = [
        f"{module.where}:{i.line} imports {i.target}"
        for module in ours()
        if rules.part_of(module.name) == "base"
        for i in imports(module)
        if i.target.split(".")[0] not in allowed
    ]
    assert not found, "\n".join(found)


def test_a_plug_never_imports_another_plug():
    plugs = plug_modules()
    found = [
        f"{module.where}:{i.line} imports {i.target}"
        for module in ours()
        if module.name in plugs
        for i in imports(module)
        if i.target in plugs
    ]
    assert not found, "\n".join(found)


def test_gradio_is_imported_by_the_interface_alone():
    found = [
        f"{module.where}:{i.line}"
        for module in ours()
        if not module.name.startswith(GRADIO_IS_FOR)
        for i in rules.of_library(module, ("gradio", "gradio_client"))
    ]
    assert not found, "\n".join(found)


def test_nothing_the_parent_imports_brings_torch_or_its_friends():
    asked = rules.imported_with(["app", *parents_own(), *plug_modules()], ours())
    found = [
        f"{module.where}:{i.line} imports {i.target} (asked for by {asked[module.name]})"
        for module in ours()
        if module.name in asked
        for i in rules.of_library(module, rules.HEAVY_OR_CHILD, at_start=True)
    ]
    assert not found, "\n".join(found)
    reached = [name for name in asked if rules.part_of(name) == "worker" or name == KEEPER]
    assert not reached, f"the parent imports what only a child runs: {reached}"


PARENT = """
import sys, tempfile
from pathlib import Path
from studio.settings import read_settings
from studio.services.studio import Studio
from studio.ui.app import build_app
from tests.architecture.plug_list import registries
with tempfile.TemporaryDirectory() as folder:
    studio = Studio(read_settings(["--root", folder, "--port", "0"], {}))
    try:
        build_app(studio)
        for registry in registries():
            for plug in registry:
                assert plug.title.en and plug.title.ja
                for model in ("options", "Options"):
                    getattr(plug, model, None)
    finally:
        studio.close()
print(" ".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_building_the_app_and_reading_every_plug_loads_no_torch():
    """The same, run for real: what a fresh process holds after it built the page and read the plugs."""
    child = subprocess.run([sys.executable, "-c", PARENT], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert child.returncode == 0, child.stderr
    loaded = set(child.stdout.split())
    assert "gradio" in loaded, "the child built no page"
    found = loaded & rules.HEAVY
    assert not found


@pytest.mark.parametrize("name", [KEEPER])
def test_the_keeper_starts_where_nothing_is_installed(name):
    """`-S` leaves out site-packages: anything but the standard library would fail to import."""
    code = f"import sys, {name}; print(' '.join(m for m in sys.modules))"
    child = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    loaded = {module.partition(".")[0] for module in child.stdout.split()}
    assert not loaded - set(sys.stdlib_module_names) - {"studio", "__main__"}


def test_registries_are_found():
    """The tests of this folder look at every plug through this list: it must not be empty."""
    assert registries()
