"""Words or a regular expression that a person typed, and what it finds: within a time that no pattern can stretch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import regex

from studio.errors import PatternInvalid, PatternTooSlow

LONGEST_PATTERN = 1000
TEXT_TIME_S = 0.25
"""How long a pattern may look at one text: an honest one needs microseconds, a hostile one would never end."""

MOST_UNFOLDED = 20_000
"""Characters of a pattern with its counted repeats written out: the library writes them out, and ((a{99}){99}){99}
with one more level took more than 2 GB."""

_REPEATED = re.compile(r"\{(\d*),?\d*\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern. Each call raises PatternTooSlow where one text takes longer than TEXT_TIME_S."""

    source: str
    compiled: regex.Pattern

    def is_in(self, text: str) -> bool:
        return self._timed(lambda: self.compiled.search(text, timeout=TEXT_TIME_S)) is not None

    def replace(self, text: str, put: str) -> tuple[str, int]:
        """The text with every match replaced, and how many there were. put: with \\1 and \\g<name> for groups."""
        return self._timed(lambda: self.compiled.subn(put, text, timeout=TEXT_TIME_S))

    def _timed(self, look: Callable) -> object:
        try:
            return look()
        except TimeoutError as slow:
            raise PatternTooSlow(pattern=self.source, seconds=TEXT_TIME_S) from slow


def compile_pattern(source: str) -> Pattern:
    """Raises PatternInvalid with the place of the mistake, counted from 1."""
    if _unfolded_size(source) > MOST_UNFOLDED:
        raise PatternInvalid(pattern=source, cause="repeat count too big", place=None)
    try:
        # V0 is the syntax of Python's own `re`, which is what people know.
        return Pattern(source, regex.compile(source, regex.V0))
    except regex.error as wrong:
        place = None if wrong.pos is None else wrong.pos + 1
        raise PatternInvalid(pattern=source, cause=str(wrong.msg), place=place) from wrong
    except (OverflowError, RecursionError, MemoryError, ValueError) as wrong:
        raise PatternInvalid(pattern=source, cause=str(wrong) or type(wrong).__name__, place=None) from wrong


def check_template(pattern: Pattern, put: str) -> None:
    """Raises PatternInvalid for a replacement that names a group the pattern lacks, or breaks off."""
    try:
        pattern.compiled.sub(put, "", count=1)
        regex.compile(f"(?:{pattern.source})|", regex.V0).sub(put, "", count=1)
    except (regex.error, IndexError) as wrong:
        raise PatternInvalid(pattern=put, cause=str(wrong), place=None) from wrong


def _unfolded_size(source: str) -> int:
    """How long the pattern would be with every {n} written out; what is in brackets is one character."""
    sizes, last, place = [0], 0, 0
    while place < len(source):
        repeated, listed = _REPEATED.match(source, place), _CLASS.match(source, place)
        letter, end = source[place], place + 1
        if repeated:
            times = max(int(repeated[1] or 1), 1)
            sizes[-1] += last * (times - 1)
            last, end = last * times, repeated.end()
        elif letter == "(":
            sizes.append(0)
        elif letter == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        else:
            end = listed.end() if listed else place + 2 if letter == "\\" else end
            last = 1
            sizes[-1] += 1
        if max(sizes) > MOST_UNFOLDED:
            break
        place = end
    return sum(sizes)
