"""What the report may ask about refused rows: to list them, to mend them, to leave them out."""

from __future__ import annotations

from studio.errors import RequestRefused
from studio.people import Person
from studio.services.refusals import LONGEST_MENDED_BYTES, Refusals
from studio.ui.widgets import WidgetFunction
from studio.ui.widgets.arguments import find_text, text_of, whole_of


def refused_reads(refusals: Refusals) -> dict[str, WidgetFunction]:
    def attempt(person: Person, argument: dict) -> dict:
        return refusals.attempt(person, text_of(argument, "id"), *_mended(argument))

    return {
        "refused": lambda person, argument: refusals.page(person, text_of(argument, "id"), whole_of(argument, "page")),
        "refused_row": lambda person, argument: refusals.open(person, *_row(argument)),
        "attempt": attempt,
    }


def refused_writes(refusals: Refusals) -> dict[str, WidgetFunction]:
    def mend(person: Person, argument: dict) -> int:
        return refusals.mend(person, *_row(argument), text_of(argument, "deed"), *_mended(argument))

    def leave_out_all(person: Person, argument: dict) -> int:
        return refusals.leave_out_all(person, text_of(argument, "id"), find_text(argument, "cause"))

    return {
        "mend": mend,
        "leave_out": lambda person, argument: refusals.leave_out(person, *_row(argument)),
        "leave_out_all": leave_out_all,
        "reopen": lambda person, argument: refusals.reopen(person, *_row(argument)),
    }


def _row(argument: dict) -> tuple[str, int]:
    return text_of(argument, "id"), whole_of(argument, "refused_id")


def _mended(argument: dict) -> tuple[str, bool]:
    """The text, which may be empty and long, and whether it is the record itself. Raises RequestRefused."""
    text, as_record = argument.get("text"), argument.get("as_record")
    if not isinstance(text, str) or len(text) > LONGEST_MENDED_BYTES or not isinstance(as_record, bool):
        raise RequestRefused()
    return text, as_record
