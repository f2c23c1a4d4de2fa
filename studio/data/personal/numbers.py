"""Numbers that check themselves: payment cards, and Japan's individual number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.data.personal.spans import Span, digits_of, is_number_of_a_thing, words_before

_CARD = re.compile(
    r"(?<![0-9A-Za-z\-.])(?:[0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}|[0-9]{4}[ \-][0-9]{6}[ \-][0-9]{4,5}|[0-9]{14,19})(?![0-9A-Za-z\-]|\.[0-9])"
)
_MY_NUMBER = re.compile(r"(?<![0-9A-Za-z\-.])(?:[0-9]{4}[ \-][0-9]{4}[ \-][0-9]{4}|[0-9]{12})(?![0-9A-Za-z\-]|\.[0-9])")
_MY_NUMBER_LABEL = re.compile(r"マイナンバー|個人番号|my ?number|individual number")
_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def find_cards(text: str) -> Iterator[Span]:
    """14 to 19 digits that pass Luhn's check and begin as a brand's do. A shop's own numbers pass one time in ten, so
    none that a label calls an order's or a product's; 13 digits are an article's code (JAN), never a card."""
    for match in _CARD.finditer(text):
        digits = digits_of(match.group())
        if _is_of_a_brand(digits) and passes_luhn(digits) and not is_number_of_a_thing(text, match.start()):
            yield Span("card", match.start(), match.end(), digits)


def _is_of_a_brand(digits: str) -> bool:
    size, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    if size == 14:
        return two in (36, 38, 39) or 300 <= three <= 305
    if size == 15:
        return two in (34, 37)
    if size == 16:
        is_long_known = digits[0] == "4" or 51 <= two <= 55 or 2221 <= four <= 2720 or 3528 <= four <= 3589
        return is_long_known or two in (62, 65) or four == 6011 or 644 <= three <= 649
    return size in (17, 18, 19) and two == 62


def passes_luhn(digits: str) -> bool:
    """Luhn's check, ISO/IEC 7812-1: every second digit from the right doubled, the sum of all digits divides by ten."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(value // 10 + value % 10 for value in doubled)) % 10 == 0


def find_my_numbers(text: str) -> Iterator[Span]:
    """Twelve digits with the right check digit, behind a word that says what they are: one of ten numbers passes."""
    for match in _MY_NUMBER.finditer(text):
        digits = digits_of(match.group())
        if passes_my_number(digits) and _MY_NUMBER_LABEL.search(words_before(text, match.start(), 30)):
            yield Span("my_number", match.start(), match.end(), digits)


def passes_my_number(digits: str) -> bool:
    """The check digit of twelve digits: weights 6 5 4 3 2 7 6 5 4 3 2, sum modulo 11, 0 and 1 give 0, others 11 − r.

    Source: the ministerial order on individual numbers (総務省令第85号, 2014), article 5.
    """
    rest = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits[:11], strict=True)) % 11
    return int(digits[11]) == (0 if rest <= 1 else 11 - rest)
