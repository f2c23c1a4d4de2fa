"""Words or a regular expression that a person typed, and what it finds: within a time that no pattern can stretch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import regex

from studio.errors import PatternInvalid, PatternTooSlow, ReplacementTooLong

LONGEST_PATTERN = 1000
TEXT_TIME_S = 0.25
"""How long a pattern may look at one text: an honest one needs microseconds, a hostile one would never end."""

RECORD_TIME_S = 5.0
"""How long a pattern may replace in all texts of one record: a thousand of a millisecond each, or twenty hostile ones."""

MOST_UNFOLDED = 1_200
"""Characters of a pattern with its counted repeats written out: the library writes them out, ((((a{99}){99}){99}){99})
takes more than 2 GB, and it looks at the clock only between pieces: with a piece of 5,000 letters after minutes."""

_TAME_STEPS = 20_000_000
"""About a quarter of a second at worst."""

_REPEAT = re.compile(r"[*+?]|\{(\d*)(?:,(\d*))?\}")
_SIGNS = MappingProxyType({"*": (0, None), "+": (1, None), "?": (0, 1)})
_REFERENCE = re.compile(r"\\(?:[0-9]{1,2}|g<[^>]*>)")
_LOOKS_BACK = re.compile(r"\\[1-9gkR]|\(\?[PR0-9&<|({]|\(\?\(")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """size: characters with counted repeats written out. choices: in how many ways what has bounds can match.

    open_repeats: how many have no bound. nested: a choice is repeated, or groups are looked back at.
    """

    size: int
    choices: int
    open_repeats: int
    nested: bool


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern. Each call raises PatternTooSlow where one text takes longer than TEXT_TIME_S."""

    source: str
    compiled: regex.Pattern
    shape: Shape

    def is_in(self, text: str) -> bool:
        # Looking at the clock takes five times as long as looking at the text: a tame pattern needs none.
        if not self.shape.nested and self.shape.choices * len(text) ** (self.shape.open_repeats + 1) <= _TAME_STEPS:
            return self.compiled.search(text) is not None
        return self._timed(lambda: self.compiled.search(text, timeout=TEXT_TIME_S)) is not None

    def replace(self, text: str, put: str, longest: int) -> tuple[str, int]:
        """The text with every match replaced, and how many there were. put: with \\1 and \\g<name> for groups.

        longest: characters that the text may then have. Raises ReplacementTooLong before any of it is made; with
        groups it goes by the longest one of each match.
        """
        bare, references = _REFERENCE.subn("", put.replace("\\\\", "/"))
        most = (len(text) + 1) * (len(bare) + references * len(text)) + len(text)
        # Nearly every replacement stays short however often it matches: then nothing need be counted.
        if most > longest and self._timed(lambda: self._length(text, len(bare), references, longest)) > longest:
            raise ReplacementTooLong(pattern=self.source, limit=longest)
        return self._timed(lambda: self.compiled.subn(put, text, timeout=TEXT_TIME_S))

    def _length(self, text: str, put: int, references: int, longest: int) -> int:
        """How many characters the text would have at most; where these are too many, a number above `longest`.

        put: characters that are put for each match besides the groups.
        """
        if not references:
            rest, count = self.compiled.subn("", text, timeout=TEXT_TIME_S)
            return len(rest) + count * put
        length = len(text)
        for match in self.compiled.finditer(text, timeout=TEXT_TIME_S):
            longest_group = max(end - start for start, end in match.regs)
            length += put + references * longest_group - len(match[0])
            if length > longest:
                break
        return length

    def _timed(self, look: Callable) -> Any:
        try:
            return look()
        except TimeoutError as slow:
            raise PatternTooSlow(pattern=self.source, seconds=TEXT_TIME_S) from slow


def compile_pattern(source: str) -> Pattern:
    """Raises PatternInvalid with the place of the mistake, counted from 1."""
    shape = _shape_of(source)
    if shape.size > MOST_UNFOLDED:
        raise PatternInvalid(pattern=source, cause="repeat count too big", place=None)
    try:
        # V0 is the syntax of Python's own `re`, which is what people know.
        return Pattern(source, regex.compile(source, regex.V0), shape)
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


def _shape_of(source: str) -> Shape:
    """How the pattern is built; what is in brackets counts as one character."""
    groups = [_Group()]
    choices, opened, nested, place = 1, 0, bool(_LOOKS_BACK.search(source)), 0
    while place < len(source) and max(group.size for group in groups) <= MOST_UNFOLDED:
        repeat, listed = _REPEAT.match(source, place), _CLASS.match(source, place)
        letter, end = source[place], place + 1
        if repeat:
            end = repeat.end()
            least, most = _bounds(repeat)
            nested |= groups[-1].last_chooses and repeat[0] != "?"
            opened += most is None
            choices *= 1 if most is None else max(most - least + 1, 1)
            groups[-1].repeat_last(max(least, 1))
        elif letter == "(":
            groups.append(_Group())
        elif letter == ")" and len(groups) > 1:
            inner = groups.pop()
            groups[-1].add(inner.size, inner.chooses)
        elif letter == "|":
            choices, groups[-1].chooses = choices + 1, True
        else:
            end = listed.end() if listed else place + 2 if letter == "\\" else end
            groups[-1].add(1, False)
        place = end
    return Shape(sum(group.size for group in groups), min(choices, _TAME_STEPS), opened, nested)


def _bounds(repeat: re.Match) -> tuple[int, int | None]:
    """How often at least and at most; None where there is no bound."""
    if repeat[0] in _SIGNS:
        return _SIGNS[repeat[0]]
    least = int(repeat[1] or 0)
    return least, least if repeat[2] is None else int(repeat[2]) if repeat[2] else None


@dataclass
class _Group:
    """size: of all in it so far. chooses: whether it can match in more than one way. last…: of its last item."""

    size: int = 0
    last: int = 0
    last_chooses: bool = False
    chooses: bool = False

    def add(self, size: int, chooses: bool) -> None:
        self.size, self.last, self.last_chooses = self.size + size, size, chooses
        self.chooses |= chooses

    def repeat_last(self, times: int) -> None:
        self.size, self.last = self.size + self.last * (times - 1), self.last * times
        self.chooses = True
