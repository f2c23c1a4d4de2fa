"""Every registry of the project, found in the source and read as the app reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from studio.registry import Registry
from tests.architecture.sources import Module, called, modules


def _holding_modules() -> Iterator[Module]:
    for module in modules("studio"):
        for node in module.tree.body:
            value = getattr(node, "value", None)
            if isinstance(value, ast.Call) and _registry_name(value) == "Registry":
                yield module
                break


def _registry_name(call: ast.Call) -> str:
    """`Registry` also for `Registry[Format](…)`."""
    return call.func.value.id if _is_generic(call.func) else called(call)


def _is_generic(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)


@cache
def registries() -> tuple[Registry, ...]:
    """Every `Registry` that stands at module level in `studio`, once each, in the order of the files."""
    found: dict[str, Registry] = {}
    for module in _holding_modules():
        for value in vars(import_module(module.name)).values():
            if isinstance(value, Registry):
                found.setdefault(value.package, value)
    return tuple(found.values())


def plug_modules() -> frozenset[str]:
    """The dotted names of every plug's file."""
    return frozenset(f"{registry.package}.{name}" for registry in registries() for name in registry.names)
