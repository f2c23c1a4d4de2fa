"""Where someone lives: postal codes and addresses, Japanese and American."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.data.personal.spans import Span, digits_of, words_before

_PREFECTURES = (
    "北海道|東京都|京都府|大阪府|青森県|岩手県|宮城県|秋田県|山形県|福島県|茨城県|栃木県|群馬県|埼玉県|千葉県|神奈川県|新潟県|"
    "富山県|石川県|福井県|山梨県|長野県|岐阜県|静岡県|愛知県|三重県|滋賀県|兵庫県|奈良県|和歌山県|鳥取県|島根県|岡山県|広島県|"
    "山口県|徳島県|香川県|愛媛県|高知県|福岡県|佐賀県|長崎県|熊本県|大分県|宮崎県|鹿児島県|沖縄県"
)
_PREFECTURE = re.compile(_PREFECTURES)
_HINTS = ("県", "都", "府", "北海道", "住所", "届け先", "送付先", "居住地", "配送先")
_NUMERAL = "[0-9〇一二三四五六七八九十百]"
_TOWN = re.compile(r"[ ]?[^\s、。,.:;()「」『』0-9]{1,14}?[市区町村郡]")
_BLOCK = re.compile(
    r"[^\s、。,.:;()「」『』0-9]{0,24}?[ ]?"
    rf"(?P<number>(?:{_NUMERAL}{{1,2}}条[東西南北]?)?{_NUMERAL}{{1,4}}"
    rf"(?:(?:丁目|番地?)の?[ ]?{_NUMERAL}{{0,4}}(?:(?:番地?|号|-)の?[ ]?{_NUMERAL}{{0,4}}号?)?(?:-[0-9]{{1,4}})?"
    rf"|-[0-9]{{1,4}}(?:-[0-9]{{1,4}})?(?:-[0-9]{{1,4}})?))"
)
"""Behind the town the name of a quarter, whose own characters may be numerals, then the number of the block."""

_LEAST_BLOCK = 3
"""Characters of a block's number: 一番 may be the best of a town, 1-2 and 三丁目 are places in it."""

_BUILDING = re.compile(
    r"[ ]?[^\s、。,.:;()「」『』0-9]{1,16}(?:マンション|ハイツ|ビル|アパート|コーポ|荘|タワー|レジデンス)?[ ]?[0-9]{2,4}号室?"
)
_ADDRESS_LABEL = re.compile(r"(?:ご?住所|お届け先|送付先|居住地|配送先)(?:は|が)?[ ]?[:]?[ ]?")

_POSTAL_MARK = re.compile(r"(?:〒|郵便番号[ ]?[:は]?)[ ]?([0-9]{3}-?[0-9]{4})(?![0-9\-])")
_POSTAL_BARE = re.compile(rf"(?<![0-9\-])([0-9]{{3}}-[0-9]{{4}})\s{{0,2}}(?={_PREFECTURES})")

_STREET = re.compile(
    r"(?<![0-9A-Za-z$.,\-])[0-9]{1,5} (?:[NSEW]\.? )?[A-Z][a-z]{1,20}(?: [A-Z][a-z]{1,20})?(?: [A-Z][a-z]{1,20})? "
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Terrace|Parkway)\b\.?"
)
_STATE = re.compile(
    r"(?:,? (?:Apt|Apartment|Suite|Unit|#)\.? ?[0-9A-Z]{1,5})?,?\s[A-Z][A-Za-z.]{1,20}(?: [A-Z][a-z]{1,20})?(?: [A-Z][a-z]{1,20})?,?\s[A-Z]{2},? [0-9]{5}(?:-[0-9]{4})?\b"
)
_HOME = re.compile(
    r"address|lives? at|living at|resid|ship(?:ped)? (?:it )?to|deliver|home is|moved to|mail (?:it )?to"
)


def find_addresses(text: str) -> Iterator[Span]:
    """From the prefecture, or from the town behind a label such as 住所, down to the block's number; without a number a
    place is only a place. In English a street with its number, and behind it state and code, or before it such words
    as "lives at"."""
    if not text.isascii() and any(hint in text for hint in _HINTS):
        yield from _japanese(text)
    for match in _STREET.finditer(text):
        more = _STATE.match(text, match.end())
        if more or _HOME.search(words_before(text, match.start(), 30)):
            end = more.end() if more else match.end()
            yield _address(text, match.start(), end)


def _japanese(text: str) -> Iterator[Span]:
    done = 0
    for match in _PREFECTURE.finditer(text):
        if match.start() >= done and (end := _end_of_address(text, match.end())):
            yield _address(text, match.start(), end)
            done = end
    for match in _ADDRESS_LABEL.finditer(text):
        if match.end() >= done and (end := _end_of_address(text, match.end())):
            yield _address(text, match.end(), end)
            done = end


def _end_of_address(text: str, start: int) -> int | None:
    town = _TOWN.match(text, start)
    if not town:
        return None
    block = _BLOCK.match(text, town.end())
    if not block or len(block.group("number")) < _LEAST_BLOCK:
        return None
    building = _BUILDING.match(text, block.end())
    return building.end() if building else block.end()


def _address(text: str, start: int, end: int) -> Span:
    return Span("address", start, end, "".join(text[start:end].split()))


def find_postal_codes(text: str) -> Iterator[Span]:
    """Japanese ones behind 〒 or 郵便番号, or right before a prefecture."""
    for pattern in (_POSTAL_MARK, _POSTAL_BARE):
        for match in pattern.finditer(text):
            yield Span("postal_code", match.start(1), match.end(1), digits_of(match.group(1)))
