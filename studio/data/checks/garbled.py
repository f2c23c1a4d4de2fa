"""Garbled text: read in the wrong encoding, with letters lost, or with what a page or a program left in it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Fixer, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.mojibake import looks_misread, restore
from studio.data.records import iterate_texts, with_texts
from studio.words import Text

MOJIBAKE, LOST, REPLACED, CONTROL, INVISIBLE, HTML = "mojibake", "lost", "replaced", "control", "invisible", "html"

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u3164\U000e0000-\U000e007f]"
    "|(?<=[\x00-\u024f\u3000-\u9fff])[\u200c-\u200f](?=[\x00-\u024f\u3000-\u9fff])"
)
"""Joiners and direction marks are letters' own in Arabic, Indic scripts and pictures: only among Latin and Japanese
letters do they say nothing."""
_FLAG_OF_A_REGION = re.compile("\U0001f3f4[\U000e0020-\U000e007f]{1,8}")

_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|#[0-9]{2,6}|#x[0-9a-fA-F]{2,5});")
_TAG = re.compile(
    r"</?(?:br|p|div|span|b|i|u|strong|em|a|font|img|table|tbody|tr|td|th|ul|ol|li|h[1-6]|center|hr)(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_LETTER_TAG = re.compile("<[a-z]>", re.IGNORECASE)
_NEW_LINE = re.compile(r"<br\s?/?>|</(?:p|div|li|tr|h[1-6])>", re.IGNORECASE)
_ABOUT_MARKUP = re.compile(
    r"html|xml|css|markup|javascript|<\?php|webpage|web page|website|タグ|マークアップ|ウェブページ", re.IGNORECASE
)
_CODE = re.compile(r"```[^`]*```|`[^`\n]{1,300}`")
_EXCERPT = 12
_TIMES_ESCAPED = 3


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


_SAID = "こんにちは、世界"
_MISREAD_CP932 = _SAID.encode().decode("cp932")
_MISREAD_LATIN = "café – été".encode().decode("latin-1")


class Garbled(Check):
    name = "garbled"
    title = Text("Garbled text", "文字化けと不要な文字")
    summary = Text(
        "Mojibake, lost letters, control and invisible characters, and rests of HTML. Wide letters stay wide; every"
        " change is shown before it is made.",
        "文字化け、失われた文字、制御文字や見えない文字、HTML の残りを探します。全角文字は全角のまま残し、変更は必ず先に"
        "お見せします。",
    )
    severity = "warn"
    severities = {INVISIBLE: "info", HTML: "info"}
    words = {
        MOJIBAKE: Text(
            "Read in the wrong encoding: “{was}” was “{becomes}”.",
            "別の文字コードとして読まれています。「{was}」は、もとは「{becomes}」です。",
        ),
        LOST: Text(
            "Read in the wrong encoding, and too much is lost to restore it: “{was}”.",
            "別の文字コードとして読まれ、失われた文字が多いため復元できません：「{was}」",
        ),
        REPLACED: Text(
            "{count} {count|letter is|letters are} lost, as � shows.", "{count} 文字が失われ、� になっています。"
        ),
        CONTROL: Text("Holds {count} control {count|character|characters}.", "制御文字が {count} 個含まれています。"),
        INVISIBLE: Text(
            "Holds {count} invisible {count|character|characters}.", "見えない文字が {count} 個含まれています。"
        ),
        HTML: Text(
            "Holds {count} {count|rest|rests} of HTML such as {shown}",
            "HTML の残りが {count} 個含まれています：{shown}",
        ),
    }
    fixable = frozenset({MOJIBAKE, CONTROL, INVISIBLE, HTML})
    example = CheckExample(
        rows=(
            example_row(1, _asked("挨拶してください。", f"はい。{_MISREAD_CP932}")),
            example_row(2, _asked("Where?", f"In the {_MISREAD_LATIN}.")),
            example_row(3, _asked("どこですか。", "譁�ｭ怜喧縺代�縺薙��")),
            example_row(4, _asked("Who?", "The b\ufffdcker.\x07")),
            example_row(5, _asked("What\u200b?", "Tea &amp; cake.<br>And <b>milk</b>.")),
        ),
        findings=(
            Finding(MOJIBAKE, {"what": MOJIBAKE, "was": _MISREAD_CP932[:12] + "…", "becomes": _SAID}, 1),
            Finding(MOJIBAKE, {"what": MOJIBAKE, "was": "Ã© â\x80\x93 Ã©tÃ©…", "becomes": "é – été."}, 2),
            Finding(LOST, {"what": LOST, "was": "譁�ｭ怜喧縺代�縺薙��"}, 3),
            Finding(REPLACED, {"what": REPLACED, "count": 1}, 4),
            Finding(CONTROL, {"what": CONTROL, "count": 1}, 4),
            Finding(INVISIBLE, {"what": INVISIBLE, "count": 1}, 5),
            Finding(HTML, {"what": HTML, "count": 4, "shown": "&amp;"}, 5),
        ),
        clean=(
            example_row(1, _asked("ＡＢＣ　１２３は全角ですか。", "はい。「〜」も全角です。\tTab も使えます。")),
            example_row(2, _asked("How do I break a line in HTML?", "With <br>; &nbsp; keeps words together.")),
            example_row(3, _asked("Ça va, Łukasz?", "Très bien, naïve Ångström – 5 < 6 & 7 > 2. 👨\u200d👩\u200d👧")),
        ),
        fixed={
            1: _asked("挨拶してください。", f"はい。{_SAID}"),
            2: _asked("Where?", "In the café – été."),
            4: _asked("Who?", "The b\ufffdcker."),
            5: _asked("What?", "Tea & cake.\nAnd milk."),
        },
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        for row in ticked(rows(), context.tick):
            texts = [text for _, _, text in iterate_texts(row.record)]
            for code, values in _found(texts):
                yield Finding(code, {"what": code} | values, row.row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        what = values["what"]
        if what == HTML and _is_about_markup(text for _, _, text in iterate_texts(record)):
            return dict(record)
        change = {MOJIBAKE: restore, CONTROL: _without_control, INVISIBLE: _without_invisible, HTML: _without_html}[
            what
        ]
        return with_texts(record, lambda _path, _role, text: change(text))


def _found(texts: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    misread = [text for text in texts if not text.isascii() and looks_misread(text)]
    for text in misread[:1]:
        was, becomes = _difference(text, restore(text))
        yield (MOJIBAKE, {"was": was, "becomes": becomes}) if becomes else (LOST, {"was": _shown(text)})
    if not misread:
        if lost := sum(text.count("\ufffd") for text in texts):
            yield REPLACED, {"count": lost}
        # C1 controls are what a misread text is full of: they go with it.
        if count := sum(len(_CONTROL.findall(text)) for text in texts):
            yield CONTROL, {"count": count}
    if count := sum(len(_INVISIBLE.findall(_FLAG_OF_A_REGION.sub("", text))) for text in texts if not text.isascii()):
        yield INVISIBLE, {"count": count}
    if any("<" in text or "&" in text for text in texts) and not _is_about_markup(texts):
        rests = [rest for text in texts for rest in _rests(text)]
        if rests:
            yield HTML, {"count": len(rests), "shown": rests[0][:40]}


def _difference(before: str, after: str) -> tuple[str, str]:
    """What differs between two texts, from the first letter to the last, each cut to be shown; empty where nothing."""
    if before == after:
        return "", ""
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    return _shown(before[start:]), _shown(after[start:])


def _shown(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"


def _without_control(text: str) -> str:
    return _CONTROL.sub("", text)


def _without_invisible(text: str) -> str:
    flags = {match.start(): match.end() for match in _FLAG_OF_A_REGION.finditer(text)}
    kept, done = [], 0
    for start, end in [*flags.items(), (len(text), len(text))]:
        kept += [_INVISIBLE.sub("", text[done:start]), text[start:end]]
        done = end
    return "".join(kept)


def _is_about_markup(texts: Any) -> bool:
    return any(_ABOUT_MARKUP.search(text) for text in texts)


def _rests(text: str) -> list[str]:
    if "<" not in text and "&" not in text:
        return []
    prose = _CODE.sub("", text)
    found = _ENTITY.findall(prose) + [match.group() for match in _TAG.finditer(prose)]
    # A lone <p> may be a group in algebra.
    return found if any(not _LETTER_TAG.fullmatch(rest) for rest in found) else []


def _without_html(text: str) -> str:
    """Entities as what they stand for, ends of lines and paragraphs as line feeds, other tags gone; code is left."""
    made, done = [], 0
    for match in [*_CODE.finditer(text), None]:
        made.append(_plain_prose(text[done : match.start()] if match else text[done:]))
        if match:
            made.append(match.group())
            done = match.end()
    return "".join(made)


def _plain_prose(prose: str) -> str:
    # &amp;lt;br&gt; is a line's end that was written for a page twice.
    for _ in range(_TIMES_ESCAPED):
        prose = _ENTITY.sub(lambda entity: html.unescape(entity.group()).replace("\u00a0", " "), prose)
    return _TAG.sub("", _NEW_LINE.sub("\n", prose))


PLUG = Garbled()
