"""Every visible sentence exists in English and Japanese, is used, and is found by the code that says it."""

from __future__ import annotations

import ast

import pytest

from studio.errors import StudioError, error_classes
from studio.words import Text, catalogue
from tests.architecture import words_rules as rules
from tests.architecture.plug_list import registries
from tests.architecture.sources import ROOT, called, modules, scripts

CODES = {
    "Phase": ("phase", 0, "name"),
    "Notice": ("notice", 1, "code"),
    "Choice": ("choice", 2, "reason"),
    "Chosen": ("choice", 1, "reason"),
}
"""Class → family of its words, and where its code stands: position and keyword."""


def test_both_languages_have_the_same_keys():
    english, japanese = catalogue("en"), catalogue("ja")
    assert set(english) == set(japanese), sorted(set(english) ^ set(japanese))


def test_sentences_are_complete_calm_and_really_translated():
    wrong = [
        f"{key}: {problem}"
        for key, english in catalogue("en").items()
        for problem in rules.wrong_words(english, catalogue("ja").get(key, ""))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_key_that_the_source_says_exists():
    said = [(where, text) for where, text in rules.all_texts() if rules.looks_like_key(text)]
    for module in modules("studio", "app.py"):
        said += [(f"{module.where}:{line}", key) for line, key in rules.said_in_python(module.tree)]
    for path in scripts():
        where = path.relative_to(ROOT).as_posix()
        said += [(f"{where}:{line}", key) for line, key in rules.said_in_script(path.read_text("utf-8"))]
    missing = sorted({f"{where} says {key}" for where, key in said if key not in catalogue("en")})
    assert not missing, "\n".join(missing)


def test_no_word_is_kept_that_nobody_says():
    unused = [key for key in catalogue("en") if not rules.is_used(key)]
    assert not unused, "\n".join(unused)


def test_every_error_has_a_message_and_a_hint():
    for registry in registries():  # errors of a part are known once its files are read
        list(registry)
    missing = [
        f"error.{cls.code}.{part}"
        for cls in error_classes()
        for part in ("message", "hint")
        if f"error.{cls.code}.{part}" not in catalogue("en")
    ]
    assert not missing, missing


def test_every_error_class_has_a_code_of_its_own():
    codes = [cls.code for cls in error_classes()]
    assert len(codes) == len(set(codes))
    assert all(cls.code == cls.__name__ for cls in error_classes() if cls is not StudioError)


def test_every_code_of_an_event_has_words():
    """Phases, notices and reasons are looked up when shown: a code without words would be shown as it is."""
    missing = []
    for module in modules("studio"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and called(node) in CODES:
                family, position, keyword = CODES[called(node)]
                code = _constant(node, position, keyword)
                if code is not None and f"{family}.{code}" not in catalogue("en"):
                    missing.append(f"{module.where}:{node.lineno} {family}.{code}")
    assert not missing, "\n".join(missing)


def test_every_way_to_fail_has_words():
    """`Failed("PythonError", …)` is worded again from its code when it is shown."""
    missing = [
        f"{module.where}:{node.lineno} error.{code}.message"
        for module in modules("studio")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and called(node) == "Failed"
        if (code := _constant(node, 0, "code")) and f"error.{code}.message" not in catalogue("en")
    ]
    assert not missing, "\n".join(missing)


def test_every_problem_of_a_form_has_words():
    """A problem is a dict with `field` and `code`; its words stand under `problem.<code>`."""
    missing = []
    for module in modules("studio"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Dict) and {"field", "code"} <= (found := _literals(node)).keys():
                code = found["code"]
                if code is not None and f"problem.{code}" not in catalogue("en"):
                    missing.append(f"{module.where}:{node.lineno} problem.{code}")
    assert not missing, "\n".join(missing)


def test_the_words_that_plugs_carry_are_complete_calm_and_really_translated():
    wrong = []
    for module in modules("studio"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and called(node) == "Text":
                en, ja = _constant(node, 0, "en"), _constant(node, 1, "ja")
                if en is None or ja is None:
                    wrong.append(f"{module.where}:{node.lineno} Text needs two literal sentences")
                else:
                    wrong += [f"{module.where}:{node.lineno} {p}" for p in rules.wrong_words(en, ja)]
    assert not wrong, "\n".join(wrong)


def _constant(node: ast.Call, position: int, keyword: str) -> str | None:
    given = node.args[position] if len(node.args) > position else None
    given = next((k.value for k in node.keywords if k.arg == keyword), given)
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _literals(node: ast.Dict) -> dict[str, str | None]:
    return {
        key.value: value.value if isinstance(value, ast.Constant) else None
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant)
    }


WRONG = {
    "an exclamation mark": ("Done!", "完了しました。"),
    "a wide exclamation mark": ("Done.", "完了！"),
    "an emoji": ("Done 🎉", "完了しました"),
    "untranslated": ("Start the run", "Start the run"),
    "no Japanese": ("Start", "Run"),
    "a placeholder lost": ("{count} rows", "行"),
    "a placeholder renamed": ("{count} rows", "{rows} 行"),
    "nothing": ("Start", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_sentence_is_seen(case):
    assert list(rules.wrong_words(*WRONG[case]))


def test_right_sentences_pass():
    """`{count|row|rows}` only chooses a form in English; names of formats stay as they are."""
    assert not list(rules.wrong_words("{count} {count|row|rows}", "{count} 行"))
    assert not list(rules.wrong_words("{done} of {total}", "{total} 件中 {done} 件"))
    assert not list(rules.wrong_words("JSON", "JSON"))
    assert not list(rules.wrong_words("{a|row|rows} there", "行があります"))


def test_keys_are_found_in_python_and_in_scripts():
    tree = ast.parse("""say(lang, 'run.title')\nx = f"phase.{name} {word('run.end')}"\ny = 'notice.' + code""")
    assert list(rules.said_in_python(tree)) == [(1, "run.title")]
    assert {"phase.\0 \0", "run.end", "notice.\0"} <= {text for _, text in rules.python_texts(tree)}
    script = """ctx.say('run.title'); say(`phase.${name}`); `${f('run.end')} x`; const k = "notice." + code;"""
    assert list(rules.said_in_script(script)) == [(1, "run.title")]
    assert {"phase.\0", "notice.\0", "run.end"} <= {text for _, text in rules.script_texts(script)}


def test_a_word_text_says_itself():
    assert Text(en="row", ja="行").said("ja") == "行"
