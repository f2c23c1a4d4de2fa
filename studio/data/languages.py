"""The language of a text: by its script first, by its words where the script leaves a choice, and None where unsure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "ja": "日本語", "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano",
        "pt": "Português", "nl": "Nederlands", "pl": "Polski", "cs": "Čeština", "sv": "Svenska", "da": "Dansk",
        "fi": "Suomi", "hu": "Magyar", "ro": "Română", "tr": "Türkçe", "vi": "Tiếng Việt", "id": "Bahasa Indonesia",
        "ru": "Русский", "uk": "Українська", "bg": "Български", "el": "Ελληνικά", "he": "עברית", "ar": "العربية",
        "fa": "فارسی", "hi": "हिन्दी", "th": "ไทย", "ko": "한국어", "zh": "中文",
    }
)  # fmt: skip
"""What a language calls itself: the same on every screen."""

_READ = 1_200
_LEAST_LETTERS, _LEAST_WORDS = 60, 12
_LEAST_KANA, _LEAST_HAN = 6, 24
_LEAST_PROBABILITY = 0.97

_NOT_PROSE = re.compile(
    r"```[^`]*```|`[^`\n]{1,300}`|https?://\S{1,500}|\$[^$\n]{1,200}\$|<[^<>]{1,200}>|\{[^{}]{0,300}\}|\[[^\[\]]{0,300}\]"
)
_CODE_LINE = re.compile(
    r"^\s*(?:def |class |import |from \w+ import|#include|public |return |function |var |let |const |SELECT |[\w.]+\()[^\n]*$"
    r"|^[^\n]*[;{}]$",
    re.MULTILINE,
)
_KANA = re.compile("[ぁ-ゖァ-ヺー]")
_HAN = re.compile("[一-鿿㐀-䶿]")
_CHINESE = re.compile("[的了是在我你他们这那个不有和也都就会说没吗呢]")
_HANGUL = re.compile("[가-힣]")
_LATIN = re.compile("[A-Za-zÀ-ɏ]")
_WORD = re.compile("[A-Za-zÀ-ɏ'’]+")
_SCRIPTS = {"th": re.compile("[ก-๙]"), "he": re.compile("[א-ת]"), "el": re.compile("[Α-ώ]")}
_OTHER = re.compile("[А-яЁёІіЇїЄє\u0600-\u06ff\u0900-\u097f]")
_ENGLISH = frozenset(
    {"the", "of", "and", "to", "that", "you", "for", "with", "was", "are", "it", "this", "is", "your", "have", "be", "not",
     "or", "as", "on", "by", "from", "they"}
)  # fmt: skip


def guess_language(text: str) -> str | None:
    """An ISO 639-1 code, or None for a text too short, too mixed or too much like code to say.

    Reads its first 1,200 characters. A few kana make a text Japanese, whatever English words stand in it; Han alone is
    Chinese only with Chinese particles. Latin letters go to py3langid, and only clear English is told without it.
    """
    read = text[:_READ]
    if "`" in read or "://" in read or "$" in read or "<" in read or "{" in read or "[" in read:
        read = _NOT_PROSE.sub(" ", read)
    if not read.isascii() and (code := _by_script(read)):
        return code
    read = _CODE_LINE.sub("", read)
    letters = len(_LATIN.findall(read)) + (0 if read.isascii() else len(_OTHER.findall(read)))
    words = _WORD.findall(read)
    if letters < _LEAST_LETTERS or (words and len(words) < _LEAST_WORDS):
        return None
    if words and sum(word.lower() in _ENGLISH for word in words) >= 0.15 * len(words):
        return "en"
    code, probability = _identifier().classify(read)
    return code if probability >= _LEAST_PROBABILITY else None


def _by_script(text: str) -> str | None:
    """The language that the script alone tells."""
    kana, han, hangul = (len(pattern.findall(text)) for pattern in (_KANA, _HAN, _HANGUL))
    latin = len(_LATIN.findall(text))
    if kana >= _LEAST_KANA and 3 * (kana + han) >= latin:
        return "ja"
    if hangul >= _LEAST_KANA and hangul > kana and 3 * hangul >= latin:
        return "ko"
    if han >= _LEAST_HAN and not kana and han >= latin and len(_CHINESE.findall(text)) >= 0.06 * han:
        return "zh"
    for code, pattern in _SCRIPTS.items():
        if (count := len(pattern.findall(text))) >= _LEAST_LETTERS // 2 and count > latin:
            return code
    return None


@cache
def _identifier() -> Any:
    # Its model takes half a second and 30 MB: loaded with the first text that is neither Japanese nor clearly English.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([code for code in NAMES if code not in ("ja", "ko", "zh", *_SCRIPTS)])
    return identifier
