"""The map of the code: which part may import which, and what the parent process may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.architecture.sources import Import, Module, imports

BASE = frozenset({"errors", "words", "people", "registry", "events", "jobspec", "settings", "options"})
MIDDLE = frozenset(
    [
        "jobs",
        "store",
        "data",
        "preferences",
        "models",
        "adapters",
        "training",
        "evaluation",
        "exporting",
        "serving",
        "pocket",
    ],
)
MAY_IMPORT = (
    {"base": {"base"}, "services": {"base", "middle", "services"}, "worker": {"base", "middle", "worker"}}
    | {"middle": {"base", "middle"}, "ui": {"base", "middle", "services", "ui"}}
    | {"app": {"base", "services", "ui"}}
)  # fmt: skip
HEAVY = frozenset({"torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "accelerate"})
HEAVY_OR_CHILD = HEAVY | {"pyarrow"}


def part_of(name: str) -> str:
    """base, middle, services, worker, ui or app; "unknown" for what the map does not hold."""
    if name == "app":
        return "app"
    names = name.split(".")
    if names[0] != "studio" or len(names) == 1:
        return "base" if name == "studio" else "unknown"
    if names[1] in BASE:
        return "base"
    if names[1] in MIDDLE:
        return "middle"
    return names[1] if names[1] in ("services", "worker", "ui") else "unknown"


def upward(module: Module) -> Iterator[str]:
    """Imports of the project's own code that do not point down."""
    part = part_of(module.name)
    for found in imports(module):
        if found.target.split(".")[0] not in ("studio", "app", "tests"):
            continue
        other = part_of(found.target)
        if other not in MAY_IMPORT.get(part, set()):
            yield f"{module.where}:{found.line} ({part}) imports {found.target} ({other})"


def package_cycles(found: Iterable[Module]) -> list[list[str]]:
    """Circles among the packages of the middle, by their imports at any place."""
    graph: dict[str, set[str]] = {}
    for module in found:
        if part_of(module.name) == "middle":
            own = module.name.split(".")[1]
            for imported in imports(module):
                if part_of(imported.target) == "middle" and imported.target.split(".")[1] != own:
                    graph.setdefault(own, set()).add(imported.target.split(".")[1])
    return [circle for start in sorted(graph) if (circle := _circle(graph, start))]


def _circle(graph: dict[str, set[str]], start: str) -> list[str] | None:
    paths = [[start]]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for following in sorted(graph.get(path[-1], ())):
            if following == start:
                return [*path, start]
            if following not in seen:
                seen.add(following)
                paths.append([*path, following])
    return None


def of_library(module: Module, libraries: Iterable[str], at_start: bool = False) -> list[Import]:
    """Imports of the given top-level libraries; at_start: only those that run with the file's own import."""
    wanted = set(libraries)
    return [
        i for i in imports(module) if i.target.split(".")[0] in wanted and (i.at_start or not at_start)
    ]  # fmt: skip


def imported_with(starts: Iterable[str], found: Iterable[Module]) -> dict[str, str]:
    """Every project module that is imported when `starts` are, with the module that asked for it first."""
    by_name = {module.name: module for module in found}
    asked: dict[str, str] = {}
    waiting = [(name, "the start") for name in starts]
    while waiting:
        name, by = waiting.pop()
        for part in _with_parents(name):
            if part in asked or part not in by_name:
                continue
            asked[part] = by
            waiting += [(i.target, part) for i in imports(by_name[part]) if i.at_start]
    return asked


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
