"""What is installed is what is imported: every direct dependency is pinned, and nothing else is."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.metadata import packages_distributions, version

import pytest

from tests.architecture.sources import ROOT, imports, modules

APP, TESTS = ROOT / "requirements.txt", ROOT / "tests" / "requirements.txt"
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([0-9][0-9A-Za-z.]*)$")
WITHOUT_IMPORT = {
    "accelerate": "transformers' Trainer imports it",
    "authlib": "gradio speaks OAuth with it where a Space lets visitors sign in",
    "bitsandbytes": "transformers imports it for quantised bases",
    "datasets": "trl's trainers take its tables",
    "itsdangerous": "starlette signs the session of a sign-in with it",
    "pandas": "gradio loads it at every start",
    "plotly": "its script is served to the page",
    "ruff": "run as a program by the tests",
    "pytest-rerunfailures": "in CI a test that shares the machine has one more try",
    "pytest-xdist": "two processes run the tests in CI",
}
"""Pins that no file of ours imports, and why they are direct dependencies all the same."""
OWN = frozenset({"studio", "app", "tests"})


def pins(path) -> dict[str, str]:
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()]
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            match = PIN.match(line)
            assert match, f"{path.name}: {line!r} is no plain pin (name==version)"
            found[normal(match.group(1))] = match.group(2)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _owners() -> dict[str, list[str]]:
    return dict(packages_distributions())


def imported(*tops: str) -> dict[str, str]:
    """Distribution → the first place that imports it."""
    found: dict[str, str] = {}
    for module in modules(*tops):
        for i in imports(module):
            top = i.target.split(".")[0]
            if top and top not in sys.stdlib_module_names and top not in OWN:
                owner = _owners().get(top, [top])[0]
                found.setdefault(normal(owner), f"{module.where}:{i.line}")
    return found


def test_every_library_the_app_imports_is_pinned():
    missing = {name: where for name, where in imported("studio", "app.py").items() if name not in pins(APP)}
    assert not missing, missing


def test_every_library_the_tests_import_is_pinned():
    there = pins(APP) | pins(TESTS)
    missing = {name: where for name, where in imported("tests").items() if name not in there}
    assert not missing, missing


def test_nothing_is_pinned_that_nothing_imports():
    unused = set(pins(APP)) - set(imported("studio", "app.py")) - set(map(normal, WITHOUT_IMPORT))
    assert not unused, unused
    unused = set(pins(TESTS)) - set(imported("tests")) - set(map(normal, WITHOUT_IMPORT))
    assert not unused, unused


def test_no_pin_stands_in_both_files():
    assert not set(pins(APP)) & set(pins(TESTS))


@pytest.mark.parametrize("path", [APP, TESTS], ids=["app", "tests"])
def test_the_tests_run_with_the_pinned_versions(path):
    """A local build tag such as `+cpu` is no other version."""
    others = {name: version(name) for name, pinned in pins(path).items() if version(name).split("+")[0] != pinned}
    assert not others


def test_the_gradio_of_a_space_is_the_one_that_is_tested():
    front = (ROOT / "README.md").read_text("utf-8").split("---")[1]
    assert re.search(r"^sdk_version: ['\"]?([\d.]+)", front, re.MULTILINE).group(1) == pins(APP)["gradio"]
