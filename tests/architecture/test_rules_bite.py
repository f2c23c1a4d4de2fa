"""Each rule of this folder is shown one thing that breaks it: a rule that cannot fail holds nothing."""

from __future__ import annotations

import ast

import pytest

from tests.architecture import imports_rules, rules
from tests.architecture.sources import ROOT, Module


def module(text: str, name: str = "studio.data.shown") -> Module:
    path = ROOT / (name.replace(".", "/") + ".py")
    return Module(name, path, text, ast.parse(text))


def deep(levels: int) -> str:
    lines = ["def sink():"]
    lines += ["    " * (level + 1) + f"if {level}:" for level in range(levels)]
    return "\n".join([*lines, "    " * (levels + 1) + "pass"])


BREAKING = {
    "a file of 401 lines": (rules.too_large, "x = 1\n" * 401),
    "a function of 61 lines": (rules.too_large, "def long():\n" + "    x = 1\n" * 60),
    "eight parameters": (rules.too_large, "def many(a, b, c, d, e, f, *, g, **h): ..."),
    "five nested blocks": (rules.too_large, deep(5)),
    "except Exception": (rules.broad_excepts, "try:\n    x()\nexcept Exception:\n    pass"),
    "a bare except": (rules.broad_excepts, "try:\n    x()\nexcept:\n    print()"),
    "Exception among others": (
        rules.broad_excepts,
        "try:\n    x()\nexcept (OSError, Exception) as e:\n    raise Y from e",
    ),
    "suppress everything": (rules.broad_excepts, "with suppress(Exception):\n    x()"),
    "global": (rules.module_state, "def f():\n    global x\n    x = 1"),
    "a list without a constant's name": (rules.module_state, "seen = []"),
    "a constant that is filled": (rules.module_state, "SEEN = {}\ndef f():\n    SEEN['a'] = 1"),
    "a constant that is appended to": (rules.module_state, "SEEN = []\ndef f():\n    SEEN.append(1)"),
    "a lock for the process": (rules.module_state, "_LOCK = threading.Lock()"),
    "get_": (rules.bad_names, "def get_rows(): ..."),
    "_process_": (rules.bad_names, "class A:\n    def _process_rows(self): ..."),
    "time.sleep": (rules.sleeps, "time.sleep(1)"),
    "wait_for_timeout": (rules.sleeps, "page.wait_for_timeout(10)"),
    "no docstring": (rules.without_docstring, "x = 1"),
    "data imports services": (imports_rules.upward, "def f():\n    from studio.services import queue"),
    "a relative import upward": (imports_rules.upward, "from ..ui import app"),
}

FINE = {
    "an elif chain": (rules.too_large, "def f(a):\n    if a: pass\n" + "    elif a: pass\n" * 6),
    "seven parameters and self": (rules.too_large, "class A:\n    def f(self, a, b, c, d, e, f, g): ..."),
    "four nested blocks": (rules.too_large, deep(4)),
    "catch, tidy up, raise again": (rules.broad_excepts, "try:\n    x()\nexcept BaseException:\n    y()\n    raise"),
    "one named exception": (rules.broad_excepts, "try:\n    x()\nexcept OSError:\n    pass"),
    "a constant table": (rules.module_state, "LANES = {'a': 1}\nNAMES = ('a',)"),
    "a list inside a function": (rules.module_state, "def f():\n    rows = []\n    rows.append(1)"),
    "data imports the base": (imports_rules.upward, "from studio.errors import InputError"),
}


@pytest.mark.parametrize("case", BREAKING)
def test_a_rule_sees_what_breaks_it(case):
    rule, text = BREAKING[case]
    assert list(rule(module(text)))


@pytest.mark.parametrize("case", FINE)
def test_a_rule_lets_pass_what_is_allowed(case):
    rule, text = FINE[case]
    assert not list(rule(module(text)))


def test_a_banned_module_name_is_seen():
    assert list(rules.bad_names(module("", "studio.data.utils")))


def test_a_circle_of_packages_is_seen():
    one = module("from studio.models import loading", "studio.data.a")
    two = module("def f():\n    import studio.data.a", "studio.models.loading")
    assert imports_rules.package_cycles([one, two]) == [["data", "models", "data"], ["models", "data", "models"]]
    assert not imports_rules.package_cycles([one])


def test_torch_behind_two_imports_is_seen():
    """app → studio.ui.shown → studio.data.shown → torch; inside a function it does not count."""
    app = module("import studio.ui.shown", "app")
    shown = module("from studio.data import shown", "studio.ui.shown")
    heavy = module("import torch.nn\ndef f():\n    import trl", "studio.data.shown")
    # `from studio.data import shown` names a module only if the project has it, so the start is given by hand here
    asked = imports_rules.imported_with(["app", "studio.data.shown"], [app, shown, heavy])
    assert set(asked) == {"app", "studio.ui.shown", "studio.data.shown"}
    assert [i.target for i in imports_rules.of_library(heavy, imports_rules.HEAVY, at_start=True)] == ["torch.nn"]
    assert len(imports_rules.of_library(heavy, imports_rules.HEAVY)) == 2


def test_a_type_only_import_does_not_count_as_loaded():
    typed = module("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch")
    assert not imports_rules.of_library(typed, ("torch",), at_start=True)
