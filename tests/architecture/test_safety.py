"""Doors that stay shut: markup from data, code from files, shells, pickles, the network without a click."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, Module, called, modules, scripts

MARKUP = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function\()")
NEVER_TRUE = frozenset({"trust_remote_code", "shell", "share"})
NEVER_FALSE = frozenset({"weights_only", "strict_cors"})
CODE_IN_DATA = frozenset({"pickle", "cPickle", "dill", "joblib", "marshal", "shelve"})


def open_doors(module: Module) -> Iterator[str]:
    """Arguments and imports that would let a file or a stranger run code."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            value = node.value.value
            if (node.arg in NEVER_TRUE and value is True) or (node.arg in NEVER_FALSE and value is False):
                yield f"{module.where}:{node.value.lineno} {node.arg}={value}"
        if isinstance(node, ast.Import) and CODE_IN_DATA & {alias.name for alias in node.names}:
            yield f"{module.where}:{node.lineno} imports what runs code from data"
        if isinstance(node, ast.ImportFrom) and node.module in CODE_IN_DATA:
            yield f"{module.where}:{node.lineno} imports what runs code from data"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and called(node) in ("eval", "exec"):
            yield f"{module.where}:{node.lineno} runs text as code"


def test_no_argument_lets_a_file_or_a_stranger_run_code():
    found = [line for module in modules("studio", "app.py") for line in open_doors(module)]
    assert not found, "\n".join(found)


def test_widgets_write_text_never_markup():
    """Data reaches the page through `textContent` alone."""
    found = [
        f"{path.relative_to(ROOT)}: {match.group(1)}"
        for path in scripts()
        for match in MARKUP.finditer(path.read_text("utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "load(x, trust_remote_code=True)",
        "torch.load(f, weights_only=False)",
        "run(c, shell=True)",
        "import pickle",
        "from dill import loads",
        "eval(text)",
        "demo.launch(share=True)",
    ],
)
def test_an_open_door_is_seen(text):
    assert list(open_doors(Module("shown", ROOT / "shown.py", text, ast.parse(text))))
    assert not list(open_doors(Module("shown", ROOT / "shown.py", "", ast.parse("model.eval()\nrun(c, shell=False)"))))
