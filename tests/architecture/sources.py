"""What the architecture tests look at: the project's files, parsed once, and what they import."""

from __future__ import annotations

import ast
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = ("__pycache__", "node_modules", "workspace")


@dataclass(frozen=True)
class Module:
    """One Python file of the project; `name` is dotted, as it is imported (`app`, `studio.data.records`)."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def where(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """`target` is the module imported; at_start: done when the file is imported, not inside a function."""

    target: str
    line: int
    at_start: bool


@cache
def files() -> tuple[Path, ...]:
    """Every file that git keeps or would keep; without git, every file outside hidden and made folders."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not _is_made(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in found if path.is_file()))


def _is_made(parts: tuple[str, ...]) -> bool:
    hidden = parts[0].startswith(".") and parts[0] not in (".ci", ".gitignore", ".pytest.ini", ".ruff.toml")
    return hidden or any(part in _NOT_OURS or (ROOT / part / "pyvenv.cfg").exists() for part in parts)


@cache
def modules(*tops: str) -> tuple[Module, ...]:
    """The Python files at or under the given top-level names, such as `studio`, `app.py`, `tests`."""
    wanted = [p for p in files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in tops]
    return tuple(_parsed(path) for path in wanted)


def scripts() -> tuple[Path, ...]:
    """The JavaScript files that are ours."""
    return tuple(p for p in files() if p.suffix == ".js" and p.is_relative_to(ROOT / "assets"))


@cache
def _parsed(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text("utf-8")
    return Module(name, path, text, ast.parse(text, filename=str(path)))


@cache
def module_names() -> frozenset[str]:
    return frozenset(module.name for module in modules("studio", "app.py", "tests"))


def imports(module: Module) -> Iterator[Import]:
    """What a file imports, anywhere in it. `from studio.data import records` counts as `studio.data.records`."""
    at_start = set(map(id, _run_at_import(module.tree)))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = list(_targets(node, module))
        else:
            continue
        for target in targets:
            yield Import(target, node.lineno, id(node) in at_start)


def _targets(node: ast.ImportFrom, module: Module) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        above = module.package.split(".")
        kept = above[: len(above) - node.level + 1]
        base = ".".join([*kept, base] if base else kept)
    for alias in node.names:
        deeper = f"{base}.{alias.name}"
        yield deeper if deeper in module_names() else base


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: not in functions, not under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _run_at_import(child)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def called(node: ast.Call) -> str:
    """The last name of what is called: `say` for `say(…)`, `append` for `rows.append(…)`."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
