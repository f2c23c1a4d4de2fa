"""The habits that a machine can hold: sizes, names, broad excepts, state, waiting."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.sources import Module, called, functions

FILE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 7
NESTING = 4
BANNED_MODULES = frozenset({"utils", "util", "common", "helpers", "helper", "misc", "manager", "managers"})
BANNED_PREFIXES = ("get_", "do_", "handle_", "process_")
ALLOWED_NAMES = frozenset(
    {"process_started_s", "do_GET", "do_HEAD", "do_POST"}
    | {"get_train_dataloader", "get_eval_dataloader", "get_batch_samples"}
)
"""A noun, and methods of a library's class that a subclass has to name as the library does."""

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MUTABLE_CALLS = frozenset(
    [
        "list",
        "dict",
        "set",
        "bytearray",
        "defaultdict",
        "deque",
        "Counter",
        "OrderedDict",
        "Lock",
        "RLock",
        "Event",
        "Condition",
        "Queue",
        "SimpleQueue",
        "WeakValueDictionary",
        "WeakKeyDictionary",
        "WeakSet",
        "local",
        "count",
        "cycle",
        "ThreadPoolExecutor",
    ]
)
_MUTATORS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "update",
        "setdefault",
        "add",
        "discard",
        "popitem",
        "sort",
        "reverse",
        "appendleft",
    ]
)
_CONSTANT = re.compile(r"^_{0,2}[A-Z][A-Z0-9_]*$|^__all__$")


def too_large(module: Module) -> Iterator[str]:
    """Files, functions, signatures and nesting over the limits. `self` and `cls` are no parameters of their own."""
    lines = module.text.count("\n")
    if lines > FILE_LINES:
        yield f"{module.where} has {lines} lines, at most {FILE_LINES}"
    for function in functions(module):
        where = f"{module.where}:{function.lineno} {function.name}"
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{where} has {lines} lines, at most {FUNCTION_LINES}"
        count = parameter_count(function)
        if count > PARAMETERS:
            yield f"{where} has {count} parameters, at most {PARAMETERS}"
        deepest = max((nesting(child) for child in function.body), default=0)
        if deepest > NESTING:
            yield f"{where} is nested {deepest} deep, at most {NESTING}"


def parameter_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs] if a.arg not in ("self", "cls")]
    return len(named) + bool(given.vararg) + bool(given.kwarg)


def nesting(node: ast.AST, is_elif: bool = False) -> int:
    """How many blocks stand inside each other here. A function inside starts anew; `elif` is no deeper than `if`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return 0
    own = 1 if isinstance(node, _BLOCKS) and not is_elif else 0
    deepest = 0
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        chained = isinstance(node, ast.If) and name == "orelse" and len(children) == 1
        for child in children:
            if isinstance(child, ast.AST):
                deepest = max(deepest, nesting(child, chained and isinstance(child, ast.If)))
    return own + deepest


def broad_excepts(module: Module) -> Iterator[str]:
    """Handlers that catch everything and do not raise again, `suppress(Exception)` among them."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not _raises_again(node):
            yield f"{module.where}:{node.lineno} catches every exception"
        if isinstance(node, ast.Call) and called(node) == "suppress" and any(map(_catches_all, node.args)):
            yield f"{module.where}:{node.lineno} suppresses every exception"


def _catches_all(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(map(_catches_all, caught.elts))
    return isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def module_state(module: Module) -> Iterator[str]:
    """`global`, and module-level containers that are not named as constants or are changed after they were made."""
    kept: set[str] = set()
    for node in module.tree.body:
        for name, value in _assigned(node):
            if not (isinstance(value, _MUTABLE) or (isinstance(value, ast.Call) and called(value) in _MUTABLE_CALLS)):
                continue
            if isinstance(value, ast.Call) and called(value) not in ("list", "dict", "set"):
                yield f"{module.where}:{node.lineno} keeps {name} = {ast.unparse(value)} for the whole process"
            elif not _CONSTANT.match(name):
                yield f"{module.where}:{node.lineno} {name} is a container at module level without a constant's name"
            kept.add(name)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Global):
            yield f"{module.where}:{node.lineno} uses global"
        elif (name := _changed(node)) in kept:
            yield f"{module.where}:{node.lineno} changes {name}, which belongs to the module"


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        yield node.target.id, node.value


def _changed(node: ast.AST) -> str | None:
    """The name whose container this node changes in place."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=verb)) if verb in _MUTATORS:
            return name
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.AugAssign(target=ast.Name(id=name)):
            return name
    return None


def bad_names(module: Module) -> Iterator[str]:
    for part in module.name.split("."):
        if part.strip("_") in BANNED_MODULES:
            yield f"{module.where} is named {part}"
    for function in functions(module):
        if function.name.lstrip("_").startswith(BANNED_PREFIXES) and function.name not in ALLOWED_NAMES:
            yield f"{module.where}:{function.lineno} {function.name} says too little"


def sleeps(module: Module) -> Iterator[str]:
    """`time.sleep`, `asyncio.sleep` and Playwright's `wait_for_timeout`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and called(node) in ("sleep", "wait_for_timeout"):
            yield f"{module.where}:{node.lineno} sleeps"


def without_docstring(module: Module) -> Iterator[str]:
    empty = not module.tree.body and module.path.name == "__init__.py" and "tests" in module.where
    if not empty and not ast.get_docstring(module.tree):
        yield f"{module.where} does not say in one sentence what it is for"
