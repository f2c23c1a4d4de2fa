"""What an import found, in a person's language: guesses with their reasons, notices, causes, refused rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from studio.data.containers import CONTAINERS
from studio.data.formats import FORMATS
from studio.data.mapped import Mapped
from studio.data.mapping import NAME
from studio.data.sources import CHOICES
from studio.errors import error_of_code
from studio.words import say


def found_words(language: str, guesses: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By name (container, encoding, delimiter, format): value, confidence, title and reason in words."""
    return {
        name: {
            "value": guess["value"],
            "confidence": guess["confidence"],
            "title": _title(language, name, guess["value"]),
            "reason": say(language, f"choice.{guess['reason']}", **_worded(language, guess["values"])),
            "among": [{"value": one, "title": _title(language, name, one)} for one in guess.get("among", ())],
        }
        for name, guess in guesses.items()
    }


def _title(language: str, name: str, value: str) -> str:
    if name == "container":
        return CONTAINERS[value].title.said(language)
    if name == "format":
        return (Mapped if value == NAME else FORMATS[value]).title.said(language)
    if CHOICES[name] is None and value not in _VALUE_WORDS:
        return value  # a name out of the file itself
    return say(language, f"data.{name}.{_VALUE_WORDS.get(value, value)}")


_VALUE_WORDS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe", "$": "top"}


def _worded(language: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that are codes themselves, in words."""
    made = dict(values)
    if "encoding" in made:
        made["encoding"] = say(language, f"data.encoding.{made['encoding']}")
    return made


def notice_words(language: str, notices: list[dict[str, Any]]) -> list[str]:
    return [say(language, f"notice.{notice['code']}", **notice["values"]) for notice in notices]


def cause_words(language: str, causes: Mapping[str, int]) -> list[dict[str, Any]]:
    """The causes with their number of rows, the most frequent first."""
    most = sorted(causes.items(), key=lambda item: -item[1])
    return [{"cause": cause, "words": say(language, f"refused_cause.{cause}"), "rows": rows} for cause, rows in most]


def refused_words(language: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """row: number, field, cause, details (values as JSON text) or values, raw."""
    values = orjson.loads(row["details"]) if "details" in row else row["values"]
    return {
        "number": row["number"],
        "field": row["field"],
        "cause": row["cause"],
        "words": say(language, f"refused.{row['cause']}", **values | {"field": row["field"]}),
        "raw": row["raw"],
    }


def preview_words(language: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What `studio.worker.preview` answered, with guesses, causes, notices and the problem in words.

    A row or record that was refused has words in place of its values; the sample's causes come the most frequent first.
    """
    counts = found["counts"]
    return {
        "found": found_words(language, found["guesses"]),
        "columns": found["columns"],
        "paths": found["paths"],
        "proposal": found["proposal"],
        "rows": [_shown(language, row) for row in found["rows"]],
        "records": [_shown(language, record) for record in found["records"]],
        "counts": counts and counts | {"causes": cause_words(language, counts["causes"])},
        "notices": notice_words(language, found["notices"]),
        "problem": found["problem"] and worded_problem(language, found["problem"]),
    }


def _shown(language: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return refused_words(language, row) if "cause" in row else dict(row)


def worded_problem(language: str, problem: Mapping[str, Any]) -> dict[str, str]:
    """A problem as {code, values} in words: code, message, hint."""
    return problem_words(language, {"message": problem["code"], "hint": ""} | problem)


def problem_words(language: str, failed: Mapping[str, Any]) -> dict[str, str]:
    """A `failed` event in words: code, message, hint."""
    error = error_of_code(failed["code"], failed["values"])
    if error is None:
        return {name: failed[name] for name in ("code", "message", "hint")}
    return {"code": error.code, "message": error.message(language), "hint": error.hint(language)}
