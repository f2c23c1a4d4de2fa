"""Sizes, names and habits: the written rules that a machine holds."""

from __future__ import annotations

import re

import pytest

from tests.architecture import rules
from tests.architecture.sources import ROOT, Module, modules, scripts

BROAD_EXCEPTS_IN = {
    "studio/worker/__main__.py": "the worker's entry: whatever a job raises becomes its `failed` event",
    "studio/data/sources.py": "the container reader's boundary: a broken file is a FileUnreadable",
    "studio/serving/http.py": "the model server's request handler",
    "studio/ui/gate.py": "the interface's gate: a person sees a sentence and a reference, the log has the rest",
}
"""The four places that may catch everything (and only if they exist)."""


SLEEPS_IN = {
    "tests/processes.py": "looks again and again until a condition holds; the tests wait through it",
    "tests/process/kill_campaign.py": "lets a random time go by before it kills: there is nothing to wait for",
    "tests/process/serving_kills.py": "lets a random time go by before it kills: there is nothing to wait for",
    "tests/process/worker_kinds.py": "work that a test watches takes its time; nobody waits in it",
}


def everything() -> tuple[Module, ...]:
    return modules("studio", "app.py", "tests")


def all_problems(rule, found) -> str:
    return "\n".join(line for module in found for line in rule(module))


def test_files_functions_and_signatures_stay_small():
    assert not (found := all_problems(rules.too_large, everything())), found


def test_scripts_of_the_page_stay_small():
    lines = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n") for path in scripts()}
    large = {name: count for name, count in lines.items() if count > rules.FILE_LINES}
    assert not large, large


def test_no_class_is_laid_out_by_two_style_sheets():
    """All sheets are on one page: a class of one widget that another widget's sheet lays out too breaks the first."""
    laid_out: dict[str, set[str]] = {}
    for sheet in (ROOT / "assets" / "css").glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text("utf-8"), flags=re.DOTALL)
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
            names = [re.fullmatch(r"\s*(?::root )?\.([\w-]+)\s*", one) for one in selectors.split(",")]
            for name in names if re.search(r"\b(display|grid-template\S*|flex-direction)\s*:", body) else ():
                if name:
                    laid_out.setdefault(name[1], set()).add(sheet.name)
    assert len(laid_out) > 100
    shared = {name: sorted(sheets) for name, sheets in laid_out.items() if len(sheets) > 1}
    assert not shared, shared


def test_everything_is_caught_in_four_places_only():
    elsewhere = [module for module in modules("studio", "app.py") if module.where not in BROAD_EXCEPTS_IN]
    assert not (found := all_problems(rules.broad_excepts, elsewhere)), found


def test_no_module_keeps_state_and_none_uses_global():
    assert not (found := all_problems(rules.module_state, everything())), found


def test_names_carry_meaning():
    assert not (found := all_problems(rules.bad_names, everything())), found


def test_tests_wait_for_events_and_never_sleep():
    waiting = [module for module in modules("tests") if module.where not in SLEEPS_IN]
    assert not (found := all_problems(rules.sleeps, waiting)), found


def test_every_module_says_in_one_sentence_what_it_is_for():
    assert not (found := all_problems(rules.without_docstring, everything())), found


@pytest.mark.parametrize("path", sorted(BROAD_EXCEPTS_IN))
def test_a_place_that_may_catch_everything_does_so_or_does_not_exist(path):
    """Otherwise the exception to the rule has outlived its reason."""
    for module in modules("studio"):
        if module.where == path:
            assert all_problems(rules.broad_excepts, [module])
