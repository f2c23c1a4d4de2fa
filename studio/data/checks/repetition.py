"""Repeated text: replies that go round in circles, and replies that break off."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.checks._replies import CODE, replies
from studio.data.records import DOCUMENT, record_kind
from studio.words import Text

REPEATED, SAME_LETTER, SAME_LINE, UNFINISHED = "repeated", "same_letter", "same_line", "unfinished"

_PIECE = 10
_LEAST_LENGTH = 120
_LEAST_SHARE = 0.5
"""Of the pieces of ten characters (Data-Juicer's length), how many occurred before in the same reply. Of 29,792 real
replies and texts half have less than 0.04, one of a thousand has more than 0.43, ten have more than 0.5."""

_MOST_PACKED = 0.45
"""What repeats itself so much packs to at most this (measured: 0.36 at most); all else need not be cut to pieces."""

_LEAST_LINES, _LEAST_LINE_SHARE = 4, 0.3
_READ = 20_000
"""Of a longer text its beginning and its end are looked at: circles fill all the rest."""

_RUN = re.compile(r"([^\W\d_]|[!?！？…、。〜])\1{14,}")
_SHOWN = 40
_RULE = re.compile(r"[\W_]*")
_BREAKS_OFF_JA = re.compile(r"(?:[、，・「（]|[ぁ-ん一-鿿](?:[をへが]|では|には|ので|ため|および|または|という))$")
_BREAKS_OFF_EN = re.compile(
    r"(?:\b(?:the|a|an|of|and|or|but|to|with|for|from|by|in|is|are|was|were|that|which|because|your|my|their|its|as)|[a-z],)$"
)
_SENTENCE_END = re.compile(r"[。！？]|[.!?](?=\s)")


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


_CIRCLE = "I am sorry to hear that your parcel did not arrive. " * 5
_LINES = (
    "- Wash the mug by hand.\n" * 4 + "- Dry it.\n- Put it back into the cupboard where the other mugs of the set are."
)


class Repetition(Check):
    name = "repetition"
    title = Text("Repeated or broken-off text", "繰り返しと途切れた文章")
    summary = Text(
        "Replies most of which repeat themselves, letters and lines that come again and again, and replies that stop in"
        " the middle of a sentence.",
        "大部分が同じ内容の繰り返しになっている応答、何度も続く文字や行、文の途中で終わっている応答を探します。",
    )
    severity = "warn"
    severities = {SAME_LINE: "info", UNFINISHED: "info"}
    words = {
        REPEATED: Text(
            "{share} % of a reply repeats what it said before: “{shown}”.",
            "応答の {share} % が、それまでの内容の繰り返しです：「{shown}」",
        ),
        SAME_LETTER: Text("“{shown}” stands {count} times in a row.", "「{shown}」が {count} 回続いています。"),
        SAME_LINE: Text("The line “{shown}” comes {count} times.", "「{shown}」という行が {count} 回あります。"),
        UNFINISHED: Text("A reply breaks off: “{shown}”.", "応答が途中で終わっています：「{shown}」"),
    }
    example = CheckExample(
        rows=(
            example_row(1, _asked("Where is it?", _CIRCLE)),
            example_row(2, _asked("驚きましたか。", "ええ、とても驚きましたーーーーーーーーーーーーーーーーーーーー")),
            example_row(3, _asked("How do I wash it?", _LINES)),
            example_row(4, _asked("How long?", "Three days. Five to an island, because the")),
            example_row(5, _asked("届きますか。", "はい、届きます。三日ほどでご自宅には")),
        ),
        findings=(
            Finding(REPEATED, {"share": 79, "shown": "I am sorry to hear that your parcel did …"}, 1),
            Finding(SAME_LETTER, {"shown": "ー", "count": 20}, 2),
            Finding(SAME_LINE, {"shown": "- Wash the mug by hand.", "count": 4}, 3),
            Finding(UNFINISHED, {"shown": "…Five to an island, because the"}, 4),
            Finding(UNFINISHED, {"shown": "はい、届きます。三日ほどでご自宅には"}, 5),
        ),
        clean=(
            example_row(
                1, _asked("How do I wash it?", "By hand.\n- Soap\n- Water\n\n----------------------\nDry it well.")
            ),
            example_row(2, _asked("さようなら", "さようなら、またのご来店をお待ちしております")),
            example_row(3, _asked("What is 3 + 4?", "3 + 4 = 7\n#### 7")),
        ),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """The worst of each kind in a row. About 10,000 rows of 500 characters a second."""
        for row in ticked(rows(), context.tick):
            is_document = record_kind(row.record) == DOCUMENT
            told: set[str] = set()
            for reply in replies(row.record):
                for code, values in _found(reply, is_document):
                    if code not in told:
                        told.add(code)
                        yield Finding(code, values, row.row_id)


def _found(reply: str, is_document: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    if len(reply) > 2 * _READ:
        reply = reply[:_READ] + "\n" + reply[-_READ:]
    text = CODE.sub("\n", reply) if "```" in reply else reply
    run = _RUN.search(text)
    if run:
        yield SAME_LETTER, {"shown": run.group(1), "count": len(run.group())}
    share, again = repeated_share(text)
    if share >= _LEAST_SHARE and not run:
        yield REPEATED, {"share": round(100 * share), "shown": _cut(again)}
    elif line := _repeated_line(text):
        yield SAME_LINE, line
    # A document is a part of something longer by custom.
    if not is_document and text is reply and breaks_off(text):
        tail = reply.rstrip()
        yield UNFINISHED, {"shown": tail if len(tail) <= 30 else "…" + tail[-30:]}


def repeated_share(text: str) -> tuple[float, str]:
    """(share 0..1 of the pieces of ten characters that occurred before, what is said again first); 0 for a text under
    120 characters. Pieces without a letter, as in a table's rules, do not count."""
    folded = " ".join(text.split())
    if len(folded) < _LEAST_LENGTH:
        return 0.0, ""
    written = folded.encode("utf-8", "replace")
    if len(zlib.compress(written, 1)) > _MOST_PACKED * len(written):
        return 0.0, ""
    seen: set[str] = set()
    counted, first = 0, None
    for at in range(len(folded) - _PIECE + 1):
        piece = folded[at : at + _PIECE]
        if piece.isalpha() or any(map(str.isalnum, piece)):
            counted += 1
            if first is None and piece in seen:
                first = at
            seen.add(piece)
    if counted < _LEAST_LENGTH - _PIECE or first is None:
        return 0.0, ""
    return 1 - len(seen) / counted, folded[first : first + 2 * _SHOWN].strip(" .,;:。、")


def _repeated_line(text: str) -> dict[str, Any] | None:
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if len(line) > 5 and not _RULE.fullmatch(line)]
    if len(lines) < _LEAST_LINES:
        return None
    counts: dict[str, int] = {}
    for line in lines:
        counts[line] = counts.get(line, 0) + 1
    line, count = max(counts.items(), key=lambda item: item[1])
    if count < _LEAST_LINES or count < _LEAST_LINE_SHARE * len(lines):
        return None
    return {"shown": _cut(line), "count": count}


def breaks_off(text: str) -> bool:
    """Whether a reply of more than one sentence ends in the middle of one: with a comma, an article, a particle."""
    tail = text.rstrip()[-300:]
    if not tail or not _SENTENCE_END.search(tail):
        return False
    return bool(_BREAKS_OFF_EN.search(tail) or _BREAKS_OFF_JA.search(tail))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


PLUG = Repetition()
