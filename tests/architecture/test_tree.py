"""The tree as a newcomer clones it: nothing stray at the top, no place of one machine, linted and formatted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT, files

TOP = frozenset(
    {"app.py", "requirements.txt", "README.md", "LICENSE", "assets", "studio", "tests", ".ci"}
    | {".gitignore", ".gitattributes", ".pytest.ini", ".ruff.toml"}
)
ONE_MACHINES = (
    *("/wo" + "rk/", "/tmp/" + "venv", "/opt/" + "pypi", "/opt/" + "wheels"),
    *("pypi" + ".org", "pythonhosted" + ".org", "download.pytorch" + ".org", "deb.debian" + ".org"),
    *("registry.npmjs" + ".org", "index" + "-url", "find" + "-links", "file:///" + "opt"),
)
"""Paths of one machine and hosts of package registries; in halves, so that this file does not hold them."""
TEXT = frozenset({".py", ".js", ".css", ".md", ".txt", ".json", ".jsonl", ".toml", ".ini", ".html", ".svg", ".sh", ""})
SMALL_BYTES = 2_000_000


def test_the_top_level_holds_what_the_map_names_and_nothing_else():
    stray = {path.relative_to(ROOT).parts[0] for path in files()} - TOP
    assert not stray


def test_nothing_in_the_tree_names_a_machine_or_a_registry():
    found = []
    for path in files():
        if path.suffix in TEXT and path.stat().st_size < SMALL_BYTES:
            text = path.read_bytes().decode("utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)} holds {part}" for part in ONE_MACHINES if part in text]
    assert not found, "\n".join(found)


def test_nothing_large_is_kept():
    """10 MB is the limit of the shipped model, the largest file there is."""
    large = {str(p.relative_to(ROOT)): p.stat().st_size for p in files() if p.stat().st_size > 10_000_000}
    assert not large


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=["lint", "format"])
def test_ruff_is_clean(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_what_ci_runs_is_a_sound_script_that_reads_readmes_own_commands():
    """The part that cuts README's blocks out is run here as it stands there."""
    script = ROOT / ".ci" / "run"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    cutter = next(line for line in script.read_text("utf-8").splitlines() if line.startswith("readme_block()"))
    shown = subprocess.run(
        ["bash", "-c", f"{cutter}\nreadme_block 1; readme_block 2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines() == [
        "pip install -r requirements.txt && python app.py",
        "pip install -r tests/requirements.txt && python -m pytest",
    ]
