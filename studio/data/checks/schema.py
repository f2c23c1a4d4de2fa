"""Schema and roles: records that a trainer refuses, and conversations whose turns come in an order no chat has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Fixer, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.records import CONVERSATION, check_record
from studio.words import Text

INVALID, ENDS_UNANSWERED, ROLE_REPEATED, STARTS_WITH_REPLY = (
    "invalid",
    "ends_unanswered",
    "role_repeated",
    "starts_with_reply",
)


def _talk(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


_ASKED = ("user", "How much is shipping?")
_TOLD = ("assistant", "Shipping is 500 yen.")
_THANKS = ("user", "Thank you.")


class Schema(Check):
    name = "schema"
    title = Text("Form and roles", "形式と役割")
    summary = Text(
        "Each record has what a trainer needs, and its turns come in an order that a chat can have.",
        "各レコードに学習に必要な項目がそろい、発言の順序が会話として成り立つかを調べます。",
    )
    severity = "error"
    severities = {ENDS_UNANSWERED: "warn", ROLE_REPEATED: "warn", STARTS_WITH_REPLY: "info"}
    words = {
        INVALID: Text("At {field}: {cause}", "{field}：{cause}"),
        ENDS_UNANSWERED: Text(
            "The conversation ends with a {role} turn: nothing after the last reply is learned.",
            "会話が {role} の発言で終わっています。最後の応答より後の部分は学習されません。",
        ),
        ROLE_REPEATED: Text(
            "Turns {turn} and {next} both come from {role}; some chat templates refuse that.",
            "{turn} 番目と {next} 番目の発言がどちらも {role} です。このような並びを受け付けないチャットテンプレートがあります。",
        ),
        STARTS_WITH_REPLY: Text(
            "The conversation starts with a reply to nothing.", "会話が、質問のない応答から始まっています。"
        ),
    }
    fixable = frozenset({ENDS_UNANSWERED})
    example = CheckExample(
        rows=(
            example_row(1, {"messages": []}),
            example_row(2, _talk(_ASKED, _TOLD, _THANKS)),
            example_row(3, _talk(_ASKED, _THANKS, _TOLD)),
            example_row(4, _talk(_TOLD, _ASKED, _TOLD)),
        ),
        findings=(
            Finding(INVALID, {"field": "messages", "cause": "messages_empty"}, 1),
            Finding(ENDS_UNANSWERED, {"role": "user"}, 2),
            Finding(ROLE_REPEATED, {"turn": 1, "next": 2, "role": "user"}, 3),
            Finding(STARTS_WITH_REPLY, {}, 4),
        ),
        clean=(example_row(5, _talk(("system", "You sell mugs."), _ASKED, _TOLD, _THANKS, _TOLD)),),
        fixed={2: _talk(_ASKED, _TOLD)},
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        for row in ticked(rows(), context.tick):
            problems = check_record(row.record)
            for problem in problems:
                values = {name: value for name, value in problem.items() if name != "code"}
                yield Finding(INVALID, values | {"cause": problem["code"]}, row.row_id)
            if row.kind == CONVERSATION and not problems:
                yield from _find_in_turns(row.row_id, [message["role"] for message in row.record["messages"]])

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        """Leaves out what comes after the last reply."""
        roles = [message["role"] for message in record["messages"]]
        if "assistant" not in roles:
            return record
        end = len(roles) - roles[::-1].index("assistant")
        return record | {"messages": record["messages"][:end]}


def _find_in_turns(row_id: int, roles: list[str]) -> Iterator[Finding]:
    if roles[-1] != "assistant":
        yield Finding(ENDS_UNANSWERED, {"role": roles[-1]}, row_id)
    for turn, (role, following) in enumerate(pairwise(roles), 1):
        if role == following and role in ("user", "assistant"):
            yield Finding(ROLE_REPEATED, {"turn": turn, "next": turn + 1, "role": role}, row_id)
    spoken = [role for role in roles if role != "system"]
    if spoken[0] == "assistant":
        yield Finding(STARTS_WITH_REPLY, {}, row_id)


PLUG = Schema()
