"""How visible words are found in the source, and what a sentence must and must not hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from studio.words import catalogue
from tests.architecture.sources import ROOT, called, files, modules

KEY = re.compile(r"[a-z][a-z_0-9]*(?:\.[A-Za-z0-9_-]+)+")
PLACE = re.compile(r"\{(\w+)(\|[^|}]*\|[^}]*)?\}")
JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f]")
SAYERS = frozenset({"say", "tr", "confirm"})
_JS_CALL = re.compile(r"""\b(?:say|tr|confirm)\(\s*(["'`])((?:(?!\1).)*)\1""")
_JS_TEXT = re.compile(r"""(["'`])((?:(?!\1)[^\n\\]|\\.)*)\1""")
_JS_HOLE = re.compile(r"\$\{[^}]*\}")
_DYNAMIC = "\0"

NAMES_IN_BOTH = frozenset(
    [
        "JSON",
        "JSONL",
        "CSV",
        "TSV",
        "Parquet",
        "UTF",
        "CP932",
        "BOM",
        "LoRA",
        "QLoRA",
        "DPO",
        "SFT",
        "PNG",
        "LF",
        "Whetstone",
        "Hugging",
        "Face",
        "Hub",
        "GPU",
        "CPU",
        "OK",
        "v",
        "Alt",
        "Ctrl",
        "S",
        "Enter",
        "Esc",
        "Lines",
        "OpenAI",
        "ShareGPT",
        "Alpaca",
        "alpaca",
        "sharegpt",
        "messages",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "s",
        "ms",
        "kB",
        "MB",
        "GB",
        "KiB",
        "MiB",
        "GiB",
        "B",
        "M",
    ]
)
"""Words that are the same in both languages."""


FILE_ENDINGS = frozenset(
    {"js", "css", "svg", "json", "jsonl", "db", "csv", "tsv", "parquet", "log", "py", "html", "txt"}
)
CODED = re.compile(r"(?:phase|notice|choice|dropped|refused|problem|warning)\.(.+)|error\.(\w+)\.(?:message|hint)")
"""Families whose keys are made from the code of an event or an error when it is shown."""


@cache
def families() -> frozenset[str]:
    """The first parts of all keys: a literal that starts with another one is no key."""
    return frozenset(key.partition(".")[0] for key in catalogue("en"))


def python_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """String constants and f-strings with their lines; what an f-string computes, and `"a." + b`, is a hole."""
    inside = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield node.lineno, _template(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _text(node.left) is not None:
            yield node.lineno, f"{_text(node.left)}{_text(node.right) or _DYNAMIC}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _template(node: ast.JoinedStr) -> str:
    return "".join(_text(part) or _DYNAMIC for part in node.values)


def said_in_python(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The literal keys given to `say` and `tr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in SAYERS:
            for argument in node.args[:2]:
                text = _text(argument)
                if text and KEY.fullmatch(text):
                    yield node.lineno, text


def said_in_script(text: str) -> Iterator[tuple[int, str]]:
    """The literal keys given to `say`, `tr` and `confirm` in JavaScript."""
    for match in _JS_CALL.finditer(text):
        if "${" not in match.group(2) and KEY.fullmatch(match.group(2)):
            yield text.count("\n", 0, match.start()) + 1, match.group(2)


def script_texts(text: str) -> Iterator[tuple[int, str]]:
    """The string literals of a script; `${…}` and what follows a `+` is a hole, read for literals of its own."""
    for match in _JS_TEXT.finditer(text):
        literal = _JS_HOLE.sub(_DYNAMIC, match.group(2))
        if text[match.end() :].lstrip().startswith("+"):
            literal += _DYNAMIC
        line = text.count("\n", 0, match.start()) + 1
        yield line, literal
        for hole in _JS_HOLE.findall(match.group(2)):
            yield from ((line, inner) for _, inner in script_texts(hole))


@cache
def all_texts() -> tuple[tuple[str, str], ...]:
    """(where, text) of every literal in the source that could name a key."""
    found = [
        (f"{module.where}:{line}", text)
        for module in modules("studio", "app.py")
        for line, text in python_texts(module.tree)
    ]
    for path in files():
        if path.suffix in (".js", ".html") and path.is_relative_to(ROOT / "assets"):
            where = path.relative_to(ROOT).as_posix()
            found += [(f"{where}:{line}", text) for line, text in script_texts(path.read_text("utf-8"))]
    return tuple(found)


def looks_like_key(text: str) -> bool:
    """A dotted literal of a known family that is no file's name."""
    family, _, rest = text.partition(".")
    return bool(KEY.fullmatch(text)) and family in families() and rest.rpartition(".")[2] not in FILE_ENDINGS


@cache
def dynamic_patterns() -> tuple[re.Pattern[str], ...]:
    """Keys made at run time, such as `phase.` + a name, as patterns."""
    made = set()
    for _, text in all_texts():
        start = text.partition(_DYNAMIC)[0]
        if _DYNAMIC in text and "." in start and start.partition(".")[0] in families():
            made.add("([A-Za-z0-9_.-]+)".join(map(re.escape, text.split(_DYNAMIC))))
    return tuple(re.compile(pattern) for pattern in sorted(made))


@cache
def endings() -> frozenset[str]:
    """What is put behind a key at run time, such as `.says`."""
    return frozenset(text[1:] for _, text in all_texts() if re.fullmatch(_DYNAMIC + r"\.[a-z_]+", text))


@cache
def said_keys() -> frozenset[str]:
    """Every key that stands in the source, whole, also inside a longer literal such as HTML."""
    return frozenset(key for _, text in all_texts() for key in KEY.findall(text))


@cache
def source_words() -> frozenset[str]:
    """Every word of the source's literals and names: what a hole may be filled with."""
    texts = [module.text for module in modules("studio", "app.py")]
    texts += [p.read_text("utf-8") for p in files() if p.suffix == ".js" and p.is_relative_to(ROOT / "assets")]
    return frozenset(word for text in texts for word in re.findall(r"[A-Za-z0-9_-]+", text))


def is_used(key: str) -> bool:
    if key in said_keys():
        return True
    if any(key.endswith(end) and key.removesuffix(end) in said_keys() for end in endings()):
        return True
    for pattern in (CODED, *dynamic_patterns()):
        if (match := pattern.fullmatch(key)) and all(
            part in source_words() for filling in match.groups() if filling for part in filling.split(".")
        ):
            return True
    return False


def wrong_words(en: str, ja: str) -> Iterator[str]:
    """What is wrong with a sentence in its two languages."""
    for language, text in (("en", en), ("ja", ja)):
        if not text.strip():
            yield f"{language} is empty"
        if "!" in text or "！" in text:
            yield f"{language} has an exclamation mark"
        if EMOJI.search(text):
            yield f"{language} has an emoji"
    if JAPANESE.search(en):
        yield "en holds Japanese"
    if not JAPANESE.search(ja) and set(re.findall(r"[A-Za-z]+[0-9]*", PLACE.sub("", ja))) - NAMES_IN_BOTH:
        yield "ja holds no Japanese"
    if places(en) - choices(en) != places(ja) - choices(en):
        yield f"placeholders differ: {sorted(places(en))} and {sorted(places(ja))}"


def places(text: str) -> set[str]:
    return {name for name, _ in PLACE.findall(text)}


def choices(text: str) -> set[str]:
    """Names used only to choose between one and many, which Japanese does not need."""
    found = PLACE.findall(text)
    return {name for name, forms in found if forms} - {name for name, forms in found if not forms}
