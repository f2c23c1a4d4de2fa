"""Self-Instruct: one instruction with several instances of input and output nested under it."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.fields import beside, invalid, plain_text, read_text, share_where, with_json
from studio.data.formats import FormatExample, HoldsMessages, Record, Row
from studio.data.rows import Guess
from studio.words import Text


class SelfInstruct(HoldsMessages):
    name = "self_instruct"
    title = Text(en="Self-Instruct", ja="Self-Instruct 形式")
    summary = Text(
        en="instruction with instances, each of input and output. Each instance becomes a record of its own.",
        ja="instruction と、input・output の組を並べた instances。instance の 1 つずつが 1 つのレコードになります。",
    )
    example = FormatExample(
        row={"instruction": "Translate into Japanese.", "instances": [{"input": "Tea", "output": "お茶"}]},
        record={
            "messages": [
                {"role": "user", "content": "Translate into Japanese.\nTea"},
                {"role": "assistant", "content": "お茶"},
            ]
        },
    )
    fields = frozenset({"instruction", "instances", "input", "output"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_where(
            rows, lambda row: row.get("instruction") is not None and type(with_json(row.get("instances"))) is list
        )
        values = {"fields": "instruction, instances", "share": round(100 * share)}
        return Guess(self.name, 0.97 * share, "format_fields", values)

    def unfold(self, row: Row) -> list[Row]:
        if "instances" not in row:
            return [row]
        instances = with_json(row["instances"], "instances")
        if type(instances) is not list or not instances:
            raise invalid("instances", "instances_missing")
        around = {name: value for name, value in row.items() if name != "instances"}
        for index, one in enumerate(instances):
            if type(one) is not dict:
                raise invalid(f"instances[{index}]", "instances_missing")
        asked = {"instruction": row.get("instruction")}
        return [beside(asked | {name: one.get(name) for name in ("input", "output")}, one, around) for one in instances]

    def names(self, row: Row) -> Sequence[str]:
        return "instruction", "instances", "input", "output"

    def read(self, row: Row) -> Record:
        pieces = self.unfold(row)
        if len(pieces) != 1:
            raise invalid("instances", "several_records", found=len(pieces))
        (piece,) = pieces
        given = piece.get("input")
        asked, more = read_text(piece, "instruction"), "" if given is None else plain_text(given)
        if more is None:
            raise invalid("input", "content_not_text")
        reply = read_text(piece, "output")
        asked = f"{asked}\n{more}" if more else asked
        return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": reply}]}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for more than one question and one reply."""
        messages = record["messages"]
        if [message["role"] for message in messages] != ["user", "assistant"] or len(messages[1]) > 2:
            raise invalid("messages", "turns_not_in_pairs")
        return {
            "instruction": messages[0]["content"],
            "instances": [{"input": "", "output": messages[1]["content"]}],
        }


PLUG = SelfInstruct()
