"""Where someone can be reached: e-mail, phone, a login in an address, the address of a computer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from studio.data.personal.spans import (
    Span,
    digits_of,
    is_after_phone_label,
    is_number_of_a_thing,
    words_before,
)

# E-mail ---------------------------------------------------------------------------------------------------------------

_LOCAL_BACKWARDS = re.compile(r"[A-Za-z0-9._%+\-]{1,64}")
_DOMAIN = re.compile(r"[A-Za-z0-9.\-]{4,190}")
_ENDING = re.compile(r"[A-Za-z]{2,24}")
_FILES = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "py", "ts", "html", "pdf", "so", "bib"})
_NOBODYS_DOMAIN = re.compile(
    r"(?:^|\.)(?:example|test|invalid|localhost|domain|yourdomain|company|yourcompany)(?:\.|$)"
)
_NOBODYS_LOCAL = frozenset({"git", "noreply", "no-reply", "donotreply", "do-not-reply", "mailer-daemon"})


def find_emails(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        if span := _email_at(text, at):
            yield span
        at = text.find("@", at + 1)


def _email_at(text: str, at: int) -> Span | None:
    local = _LOCAL_BACKWARDS.match(text[max(0, at - 64) : at][::-1])
    domain = _DOMAIN.match(text, at + 1)
    if not local or not domain:
        return None
    name, host = local.group()[::-1].lstrip(".-%+"), domain.group().rstrip(".-")
    start, end = at - len(name), at + 1 + len(host)
    if not name or (start and text[start - 1] == "@"):
        return None
    labels = host.lower().split(".")
    if len(labels) < 2 or not all(labels) or not _ENDING.fullmatch(labels[-1]) or labels[-1] in _FILES:
        return None
    if name.lower() in _NOBODYS_LOCAL or _NOBODYS_DOMAIN.search(host.lower()):
        return None
    return Span("email", start, end, f"{name}@{host}".lower())


# Phone ----------------------------------------------------------------------------------------------------------------

_JAPANESE = re.compile(
    r"(?<![0-9A-Za-z\-.+/_])\(?0[0-9]{1,4}[\-() ]{1,2}[0-9]{1,4}[\-() ]{1,2}[0-9]{3,4}(?![0-9A-Za-z\-/_]|\.[0-9])"
)
_MOBILE = re.compile(r"(?<![0-9A-Za-z\-.+/_])0[5789]0[0-9]{8}(?![0-9A-Za-z\-/_]|\.[0-9])")
_LANDLINE = re.compile(r"(?<![0-9A-Za-z\-.+/_])0[1-9][0-9]{8}(?![0-9A-Za-z\-/_]|\.[0-9])")
_AMERICAN = re.compile(
    r"(?<![0-9A-Za-z\-.+/_])(?:1[\-. ])?(?:\([0-9]{3}\) ?|[0-9]{3}[\-.])[0-9]{3}[\-. ][0-9]{4}(?![0-9A-Za-z\-/_]|\.[0-9])"
)
_WORLD = re.compile(r"(?<![0-9A-Za-z+)=^*/])\+[1-9][0-9 ().\-]{7,22}")
_NOT_A_PERSONS = ("0120", "0800", "0570", "0990", "00")
_GROUPS = frozenset({(2, 4, 4), (3, 3, 4), (3, 4, 4), (4, 2, 4), (5, 1, 4)})
"""Digits in a row of a number as it is written in Japan: area, exchange, line; (3, 4, 4) is a mobile's."""
_NUMERALS = re.compile(r"[0-9]+")


def find_phones(text: str) -> Iterator[Span]:
    """Numbers of Japan, of North America and, with a plus, of the world; not those that a label calls an order's or a
    product's, nor a company's free number, nor 555-01xx, which is nobody's."""
    yield from _world_phones(text)
    for match in _JAPANESE.finditer(text):
        groups = tuple(map(len, _NUMERALS.findall(match.group())))
        digits = digits_of(match.group())
        is_mobile = digits[:3] in ("050", "070", "080", "090")
        if groups in _GROUPS and is_mobile == (groups == (3, 4, 4)) and _is_area(digits, groups[0]):
            yield from _phone(text, match.start(), match.end(), digits)
    for match in _MOBILE.finditer(text):
        yield from _phone(text, match.start(), match.end(), match.group())
    for match in _LANDLINE.finditer(text):
        if is_after_phone_label(text, match.start()):
            yield from _phone(text, match.start(), match.end(), match.group())
    for match in _AMERICAN.finditer(text):
        digits = digits_of(match.group())[-10:]
        is_given_out = digits[0] > "1" and digits[3] > "1"
        if (is_given_out or is_after_phone_label(text, match.start())) and not _is_nobodys(digits):
            yield from _phone(text, match.start(), match.end(), "1" + digits)


def _is_nobodys(digits: str) -> bool:
    """Numbers of North America that stand for one: 555-01xx of any area, and 123 456 7890."""
    return digits[3:8] == "55501" or digits == "1234567890"


def _is_area(digits: str, size: int) -> bool:
    """Area codes of two digits are those of Tokyo, Osaka and around Saitama; none begins with two zeros."""
    return digits[1] != "0" and (size != 2 or digits[:2] in ("03", "04", "06"))


def _phone(text: str, start: int, end: int, digits: str) -> Iterator[Span]:
    if digits.startswith(_NOT_A_PERSONS) or len(set(digits[-8:])) == 1 or is_number_of_a_thing(text, start):
        return
    written = text[start:end]
    # A bracket belongs to the number with its other half alone.
    if written.startswith("(") and ")" not in written:
        start += 1
    elif ")" in written and "(" not in written and text[start - 1 : start] == "(":
        start -= 1
    yield Span("phone", start, end, digits)


def _world_phones(text: str) -> Iterator[Span]:
    for match in _WORLD.finditer(text):
        written = match.group().rstrip(" ().-")
        digits = digits_of(written)
        has_groups = len(_NUMERALS.findall(written)) > 1
        if digits.startswith("1"):
            fits = len(digits) == 11 and digits[1] in "23456789" and not _is_nobodys(digits[1:])
        elif digits.startswith("81"):
            fits = len(digits.replace("810", "81", 1)) in (11, 12)
        else:
            fits = 10 <= len(digits) <= 15 and (has_groups or len(digits) >= 11)
        if fits:
            number = "0" + digits[2:].removeprefix("0") if digits.startswith("81") else digits
            yield from _phone(text, match.start(), match.start() + len(written), number)


# Logins and computers -------------------------------------------------------------------------------------------------

_LOGIN = re.compile(r"://([^\s/:@\"'<>]{1,80}):([^\s/@\"'<>]{1,120})@")
_EXAMPLE_LOGIN = re.compile(r"user|name|<|\$|\{|pass|xxx|\*\*|secret|pwd", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![0-9A-Za-z.\-])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9A-Za-z\-]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]{9,38}(?![0-9A-Za-z:])")
_VERSION = re.compile(r"version|バージョン|ver\b|ver\.|\bv$|release|リリース|section|章|節|式")
_EVERYBODYS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})


def find_logins(text: str) -> Iterator[Span]:
    """The name and password in scheme://name:password@host; not the words that stand for them in a manual."""
    if "://" not in text:
        return
    for match in _LOGIN.finditer(text):
        name, password = match.groups()
        if not (_EXAMPLE_LOGIN.search(name) and _EXAMPLE_LOGIN.search(password)):
            yield Span("login", match.start(1), match.end(2), f"{name}:{password}")


def find_ips(text: str) -> Iterator[Span]:
    """Addresses in the public network; a version or a numbered section is none."""
    for match in _IPV4.finditer(text) if text.count(".") > 2 else ():
        before = words_before(text, match.start())
        parts = match.group().split(".")
        is_short = all(len(part) == 1 for part in parts)
        if _is_public(match.group()) and not _VERSION.search(before) and (not is_short or "ip" in before):
            yield Span("ip", match.start(), match.end(), match.group())
    if text.count(":") > 2:
        for match in _IPV6.finditer(text):
            if match.group().count(":") >= 3 and _is_public(match.group()):
                yield Span("ip", match.start(), match.end(), match.group().lower())


def _is_public(written: str) -> bool:
    try:
        return ipaddress.ip_address(written).is_global and written not in _EVERYBODYS
    except ValueError:
        return False
