"""Personal data in a text, Japanese or English: where it stands, what kind it is, and one form of its value."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator

from studio.data.personal.contacts import find_emails, find_ips, find_logins, find_phones
from studio.data.personal.names import find_names, find_unsure_names
from studio.data.personal.numbers import find_cards, find_my_numbers
from studio.data.personal.places import find_addresses, find_postal_codes
from studio.data.personal.secrets import find_keys
from studio.data.personal.spans import Span, has_number, plain_text

__all__ = ["KINDS", "Span", "find_personal"]

_FINDERS: tuple[Callable[[str], Iterator[Span]], ...] = (
    find_keys,
    find_logins,
    find_emails,
    find_cards,
    find_my_numbers,
    find_phones,
    find_addresses,
    find_postal_codes,
    find_ips,
    find_names,
)
"""The surer ones first: where two claim the same place, the earlier has it."""

_OF_NUMBERS = frozenset({find_cards, find_my_numbers, find_phones, find_postal_codes})

KINDS = ("email", "phone", "card", "my_number", "postal_code", "address", "key", "login", "ip", "name")

_CORROBORATES = frozenset({"email", "phone", "address", "my_number", "card"})


def find_personal(text: str) -> list[Span]:
    """All personal data of a text in its order, none overlapping. Linear in the text.

    What many share is none of it: free numbers of a company (0120), addresses of no network (192.168…), the domains and
    numbers that are reserved for examples. A name counts where a label says that it is one; after a weak label
    ("Name:") only in a text that holds other personal data as well.
    """
    plain = plain_text(text)
    taken = _Taken()
    is_numbered = has_number(plain)
    for find in _FINDERS:
        if is_numbered or find not in _OF_NUMBERS:
            taken.add(find(plain))
    if any(span.kind in _CORROBORATES for span in taken.spans):
        taken.add(find_unsure_names(plain))
    return taken.spans


class _Taken:
    """Spans in their order, none overlapping: what touches one that is there already is not let in."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def add(self, spans: Iterator[Span]) -> None:
        for span in spans:
            place = bisect(self.spans, span.start, key=lambda other: other.start)
            before, after = self.spans[place - 1 : place], self.spans[place : place + 1]
            if all(other.end <= span.start for other in before) and all(span.end <= other.start for other in after):
                self.spans.insert(place, span)
