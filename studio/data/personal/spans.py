"""A place of personal data, and the plain form of a text in which it is looked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−ｰ"), "-")
_SPACES = dict.fromkeys(map(ord, "\u3000\u00a0\u2009\u202f"), " ")
_PLAIN = _WIDE | _DASHES | _SPACES
_HAS_OTHER = re.compile("[\uff01-\uff5e‐-―−ｰー\u3000\u00a0\u2009\u202f]")
_NUMBER = re.compile(r"[0-9][0-9\-(). ]{6}")
_PLACEHOLDER = re.compile("[^⟨⟩]{0,14}⟩")
_LONG_SOUND = re.compile("(?<=[0-9])ー(?=[0-9])")


@dataclass(frozen=True)
class Span:
    """text[start:end] is of a kind; value: the same for every way to write it, such as a number's digits alone."""

    kind: str
    start: int
    end: int
    value: str


def plain_text(text: str) -> str:
    """The text with wide letters, digits and signs as ASCII, all dashes as one: as long as before, place by place."""
    if text.isascii() or not _HAS_OTHER.search(text):
        return text
    return _LONG_SOUND.sub("-", text.translate(_PLAIN))


def has_number(text: str) -> bool:
    """Whether seven digits, or signs that stand between digits, follow one another: no number sought here is shorter."""
    return bool(_NUMBER.search(text))


def digits_of(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def words_before(text: str, start: int, count: int = 24) -> str:
    """The end of what stands before a place on its line, in lower case; a placeholder such as ⟨PHONE_1⟩ is no word."""
    before = text[max(0, start - count) : start].rpartition("\n")[2]
    return (_PLACEHOLDER.sub("", before) if "⟩" in before else before).lower()


_LABELLED = re.compile(
    r"注文|商品|品番|型番|型式|品名|番号札|管理|伝票|追跡|受付|会員|顧客|問い合わせ番号|問合せ番号|シリアル|製造|登録番号|免許|"
    r"許可|特許|口座|コード|整理番号|契約|予約|書籍|図書|isbn|issn|jan|ean|upc|doi|order|item|product|sku|tracking|invoice|"
    r"serial|part n|model|ticket|case|ref|receipt|booking|account|version|バージョン|no\.|id\b|id:|#$"
)
"""What says that a number is the number of a thing."""

_PHONE = re.compile(r"電話|tel|携帯|連絡先|fax|phone|mobile|cell|call |whatsapp|ファックス|ケータイ")


def is_number_of_a_thing(text: str, start: int) -> bool:
    """Whether a label before a number says that it is an order's, a product's, a book's … and none that it is a phone's."""
    before = words_before(text, start)
    return bool(_LABELLED.search(before)) and not _PHONE.search(before)


def is_after_phone_label(text: str, start: int) -> bool:
    return bool(_PHONE.search(words_before(text, start)))
