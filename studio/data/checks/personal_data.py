"""Personal data: what tells who someone is, or opens what is theirs, masked with placeholders that keep their kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Fixer, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.personal import Span, find_personal
from studio.data.records import iterate_texts, with_texts
from studio.words import Text

_SHOWN_ENDS = 2
_PASSES = 8


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


_FORM = "氏名：中村 翔\n〒980-0021 宮城県仙台市青葉区中央1-2-3\nマイナンバー：1234-5678-9018\n電話：０９０－２３４５－６７８９"
_MASKED_FORM = "氏名：⟨NAME_1⟩\n〒⟨POSTAL_CODE_1⟩ ⟨ADDRESS_1⟩\nマイナンバー：⟨MY_NUMBER_1⟩\n電話：⟨PHONE_1⟩"
_CARD = "4539148803436467"
_KEY = "sk-" + "a9Kd83jfLqPz72mXvB41nTyW"
_MACHINE = f"Log in at https://maria:hunter2xyz@firma.de from 91.198.174.192 with {_KEY}."
_MASKED_MACHINE = "Log in at https://⟨LOGIN_1⟩@firma.de from ⟨IP_1⟩ with ⟨KEY_1⟩."


def _found(kind: str, shown: str, row_id: int) -> Finding:
    return Finding(kind, {"kind": kind, "count": 1, "shown": shown}, row_id)


class PersonalData(Check):
    name = "personal_data"
    title = Text("Personal data", "個人情報")
    summary = Text(
        "E-mail addresses, phone and card numbers, My Number, addresses, names behind a label, keys and logins, in"
        " Japanese and English; masked so that the same value gets the same placeholder everywhere.",
        "メールアドレス、電話番号、カード番号、マイナンバー、住所、「氏名：」などに続く名前、鍵やログイン情報を、日本語と英語で"
        "探します。同じ値はデータセット全体で同じプレースホルダーに置き換えます。",
    )
    severity = "warn"
    severities = {"card": "error", "my_number": "error"}
    words = {
        "email": Text("Holds {count} e-mail {count|address|addresses}: {shown}", "メールアドレスが {count} 件：{shown}"),
        "phone": Text("Holds {count} phone {count|number|numbers}: {shown}", "電話番号が {count} 件：{shown}"),
        "card": Text("Holds {count} card {count|number|numbers}: {shown}", "カード番号が {count} 件：{shown}"),
        "my_number": Text("Holds {count} My {count|Number|Numbers}: {shown}", "マイナンバーが {count} 件：{shown}"),
        "postal_code": Text("Holds {count} postal {count|code|codes}: {shown}", "郵便番号が {count} 件：{shown}"),
        "address": Text("Holds {count} {count|address|addresses}: {shown}", "住所が {count} 件：{shown}"),
        "key": Text("Holds {count} {count|key or password|keys or passwords}: {shown}", "鍵やパスワードが {count} 件：{shown}"),
        "login": Text("Holds {count} {count|login|logins} in a web address: {shown}", "URL の中にログイン情報が {count} 件：{shown}"),
        "ip": Text("Holds {count} network {count|address|addresses}: {shown}", "ネットワークのアドレスが {count} 件：{shown}"),
        "name": Text("Holds {count} {count|name|names}: {shown}", "氏名が {count} 件：{shown}"),
    }  # fmt: skip
    fixable = frozenset(words)
    example = CheckExample(
        rows=(
            example_row(1, _asked("Mail lena@posthaus.de.", "I wrote to LENA@posthaus.de.")),
            example_row(2, _asked(_FORM, "承りました。")),
            example_row(3, _asked(_MACHINE, f"The card {_CARD} is yours, lena@posthaus.de.")),
        ),
        findings=(
            Finding("email", {"kind": "email", "count": 2, "shown": "le…de"}, 1),
            _found("name", "中…翔", 2),
            _found("postal_code", "98…21", 2),
            _found("address", "宮城…-3", 2),
            _found("my_number", "12…18", 2),
            _found("phone", "０９…８９", 2),
            _found("login", "ma…yz", 3),
            _found("ip", "91…92", 3),
            _found("key", "sk…yW", 3),
            _found("card", "45…67", 3),
            _found("email", "le…de", 3),
        ),
        clean=(
            example_row(
                1, _asked("注文番号 1234-5678-9018 はいつ届きますか。", "2024-05-06 に 3,480 円でお届けします。")
            ),
            example_row(2, _asked("Order 415-867-5309?", "ISBN 978-4-06-512345-6, call 0120-123-456.")),
        ),
        fixed={
            1: _asked("Mail ⟨EMAIL_1⟩.", "I wrote to ⟨EMAIL_1⟩."),
            2: _asked(_MASKED_FORM, "承りました。"),
            3: _asked(_MASKED_MACHINE, "The card ⟨CARD_1⟩ is yours, ⟨EMAIL_1⟩."),
        },
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        for row in ticked(rows(), context.tick):
            counts: dict[str, int] = {}
            shown: dict[str, str] = {}
            for text, span in _spans(row.record):
                counts[span.kind] = counts.get(span.kind, 0) + 1
                shown.setdefault(span.kind, _hidden(text[span.start : span.end]))
            for kind, count in counts.items():
                yield Finding(kind, {"kind": kind, "count": count, "shown": shown[kind]}, row.row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        """Every value of the finding's kind as a placeholder."""
        kind = values["kind"]
        return with_texts(record, lambda _, role, text: text if role == "label" else _masked(text, kind, fixer))


def _masked(text: str, kind: str, fixer: Fixer) -> str:
    # What is masked may have hidden another value of the kind, as where two touch.
    for _ in range(_PASSES):
        spans = [span for span in find_personal(text) if span.kind == kind]
        if not spans:
            break
        parts, done = [], 0
        for span in spans:
            parts += [text[done : span.start], fixer.placeholder(span.kind, span.value)]
            done = span.end
        text = "".join([*parts, text[done:]])
    return text


def _spans(record: Mapping[str, Any]) -> Iterator[tuple[str, Span]]:
    for _, role, text in iterate_texts(record):
        if role != "label":
            for span in find_personal(text):
                yield text, span


def _hidden(value: str) -> str:
    """Enough of a value to know it by, and no more: its two ends."""
    ends = _SHOWN_ENDS if len(value) > 2 * _SHOWN_ENDS + 1 else 1
    tail = value[-ends:] if len(value) > 2 * ends + 1 else ""
    return f"{value[:ends]}…{tail}"


PLUG = PersonalData()
