"""Group leakage: rows of one document, author or conversation on both sides of the split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, example_row
from studio.data.checks._folding import ticked
from studio.data.splits import HELD_OUT
from studio.words import Text

SHARED, SHARED_BY_CUSTOM = "shared", "shared_by_custom"

CUSTOMARY = (
    "group", "group_id", "document", "document_id", "doc_id", "passage_id", "conversation_id", "thread_id",
    "session_id", "author", "author_id", "user_id", "customer_id", "speaker_id",
)  # fmt: skip
"""Fields that name a group in most data that has them. `source` and `category` are none: half of a dataset shares one."""

_SHOWN_CHARACTERS = 80


def _row(row_id: int, question: str, split: str, author: str) -> CheckRow:
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "Yes, we do."}]
    return example_row(row_id, {"messages": turns}, split, author=author)


class GroupLeakage(Check):
    name = "group_leakage"
    title = Text("Groups on both sides", "分割をまたぐグループ")
    summary = Text(
        "Rows of the same document, author or conversation both in training and held out: the evaluation then measures memory.",
        "同じ文書・著者・会話の行が学習用と評価用の両方にあると、評価が記憶を測るものになってしまいます。",
    )
    severity = "error"
    uses = ("group_field",)
    severities = {SHARED_BY_CUSTOM: "warn"}
    words = {
        SHARED: Text(
            "{field} “{group}” is held out here and trained on in {rows} {rows|row|rows}. Show these rows and move the whole group to one side.",
            "{field}「{group}」の行がここでは評価用ですが、学習用にも {rows} 行あります。行を表示して、グループ全体をどちらかの側へ移してください。",
        ),
        SHARED_BY_CUSTOM: Text(
            "{field} “{group}” is held out here and trained on in {rows} {rows|row|rows}. If {field} names what belongs together, choose it as the group field and move the group to one side.",
            "{field}「{group}」の行がここでは評価用ですが、学習用にも {rows} 行あります。{field} がまとまりを表すなら、グループの項目に選び、グループをどちらかの側へ移してください。",
        ),
    }
    example = CheckExample(
        rows=(
            _row(1, "Do you sell mugs?", "train", "Ann"),
            _row(2, "Do you sell pens?", "held_out", "Ann"),
            _row(3, "Do you sell cups?", "held_out", "Ken"),
            example_row(4, {"text": "A shop."}, "train", author="Mia", thread_id=7),
            example_row(5, {"text": "A mug."}, "held_out", thread_id=7),
        ),
        findings=(
            Finding(SHARED, {"field": "author", "group": "Ann", "rows": 1}, 2),
            Finding(SHARED_BY_CUSTOM, {"field": "thread_id", "group": "7", "rows": 1}, 5),
        ),
        clean=(_row(1, "Do you sell mugs?", "train", "Ann"), _row(3, "Do you sell cups?", "held_out", "Ken")),
        context=CheckContext(group_field="author"),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        held: set[bytes] = set()
        for row in ticked(rows(), context.tick):
            if row.split == HELD_OUT:
                held.update(key for _, _, key in _groups(row, context.group_field))
        trained: dict[bytes, int] = {}
        for row in ticked(rows(), context.tick):
            if row.split != HELD_OUT:
                for _, _, key in _groups(row, context.group_field):
                    if key in held:
                        trained[key] = trained.get(key, 0) + 1
        if not trained:
            return
        for row in ticked(rows(), context.tick):
            if row.split == HELD_OUT:
                for name, group, key in _groups(row, context.group_field):
                    if key in trained:
                        code = SHARED if name == context.group_field else SHARED_BY_CUSTOM
                        yield Finding(code, {"field": name, "group": group, "rows": trained[key]}, row.row_id)


def _groups(row: CheckRow, chosen: str | None) -> Iterator[tuple[str, str, bytes]]:
    """(field, group as it is shown, key) of every field of the row that names a group."""
    places = (row.meta.get("fields") or {}, row.meta, row.record)
    for name in dict.fromkeys(([chosen] if chosen else []) + list(CUSTOMARY)):
        value: Any = next((place[name] for place in places if place.get(name) not in (None, "")), None)
        if isinstance(value, str | int):
            key = hashlib.blake2b(f"{name}\x1f{value}".encode("utf-8", "surrogatepass"), digest_size=12).digest()
            yield name, str(value)[:_SHOWN_CHARACTERS], key


PLUG = GroupLeakage()
