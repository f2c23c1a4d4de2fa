"""Language mix: languages told from texts of any length, and mismatches that nobody asked for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.checks import CheckContext, example_row
from studio.data.checks.language_mix import OTHER_REPLY, PLUG
from studio.data.languages import NAMES, guess_language

TOLD = {
    "ja": "ご注文の商品は三日ほどでお届けします。",
    "en": "Your parcel will be at your door in three days, and it is small enough for the letter box.",
    "de": "Das Paket ist in drei Tagen bei Ihnen und klein genug, dass es durch den Briefschlitz passt.",
    "fr": "Votre colis sera chez vous dans trois jours et il est assez petit pour la boîte aux lettres.",
    "es": "El paquete llegará a su casa dentro de tres días y es bastante pequeño para el buzón de la entrada.",
    "ko": "주문하신 상품은 삼일 안에 도착합니다.",
    "zh": "我们会在三天之内把您的包裹送到您的家里，它不大，可以放在信箱里，您不用在家等我们的快递员。",
    "ru": "Ваша посылка будет у вас через три дня, и она достаточно мала, чтобы поместиться в почтовый ящик.",
    "ar": "ستصل شحنتك إلى منزلك خلال ثلاثة أيام وهي صغيرة بما يكفي لتدخل في صندوق البريد الخاص بك هنا.",
}


@pytest.mark.parametrize("code", TOLD)
def test_a_sentence_tells_its_language(code):
    assert guess_language(TOLD[code]) == code
    assert code in NAMES


@pytest.mark.parametrize(
    "text",
    ["", "Paris", "72", "OK", "はい", "注文番号確認", "東京都渋谷区道玄坂", "def f(x):\n    return x + 1\n" * 9,
     "```python\n" + "the value of this is for you and that\n" * 9 + "```", "x = 3; y = 4; z = x * y;", "😀" * 200, "\ud800" * 99,
     "https://somewhere.net/the/and/of/to/that/you/for/with/was/are", "ACGT" * 50, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"],
)  # fmt: skip
def test_what_is_short_or_no_prose_is_not_judged(text):
    assert guess_language(text) is None


def test_japanese_with_english_words_is_japanese():
    assert guess_language("Python の list comprehension は for より速いことが多いです。") == "ja"


def found(question: str, reply: str, system: str = "") -> list[str]:
    first = [{"role": "system", "content": system}] if system else []
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]
    row = example_row(1, {"messages": first + turns})
    return [finding.code for finding in PLUG.find(lambda: iter([row]), CheckContext())]


@pytest.mark.parametrize("asked", ["en", "ja", "de"])
@pytest.mark.parametrize("told", ["en", "ja", "de"])
def test_a_reply_in_another_language_is_found_unless_it_is_asked_for(asked, told):
    assert found(TOLD[asked], TOLD[told]) == ([OTHER_REPLY] if asked != told else [])
    assert found(f"Translate into {NAMES[told]}: {TOLD[asked]}", TOLD[told]) == []
    assert found(TOLD[asked], TOLD[told], "Always reply in English or Japanese.") == []


def test_an_english_system_prompt_does_not_make_a_question_english():
    assert found("返品できますか。三日前に買いました。", TOLD["ja"], "You are the clerk of a small shop. " * 20) == []


def test_real_files_are_of_one_language(shared_rows):
    """400 Japanese dialogues hold none; of 175 English tasks two are translations, into Italian and Chinese."""
    assert list(PLUG.find(shared_rows("instruct_ja/messages_a.jsonl"), CheckContext())) == []
    tasks = list(PLUG.find(shared_rows("instruct_en/self_instruct_seed.alpaca.json"), CheckContext()))
    assert [finding.values["language"] for finding in tasks] == ["Italiano", "中文"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_any_text_is_judged_or_not(text):
    assert guess_language(text) in {None, *NAMES}


def test_a_huge_text_takes_no_longer_than_its_beginning():
    for text in ("a" * 1_000_000, "`" * 1_000_000, "{" * 1_000_000, "x(" * 500_000, " ;" * 500_000, "$" * 1_000_000):
        began = time.process_time()
        guess_language(text)
        assert time.process_time() - began < 0.5
