"""IFEval: a prompt with instructions that a program can check, each by its name and its arguments."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson

from studio.data.fields import invalid, share_with, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import read_side, render_side
from studio.words import Text

_VERIFIER = "instructions"


class InstructionChecks(OneRecord):
    name = "instruction_checks"
    title = Text(en="Checkable instructions (IFEval)", ja="確かめられる指示（IFEval）")
    summary = Text(
        en="prompt with instruction_id_list and kwargs: what a reply must keep to. Both are kept as the answer.",
        ja="prompt と、応答が守るべき指示を示す instruction_id_list と kwargs。両方を正解として保持します。",
    )
    example = FormatExample(
        row={
            "prompt": "Name three teas without commas.",
            "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
            "kwargs": [{}, {"num_words": 3, "relation": "at least"}],
        },
        record={
            "prompt": [{"role": "user", "content": "Name three teas without commas."}],
            "answer": '[{"id":"punctuation:no_comma","kwargs":{}},'
            '{"id":"length_constraints:number_words","kwargs":{"num_words":3,"relation":"at least"}}]',
            "verifier": _VERIFIER,
        },
    )
    fields = frozenset({"prompt", "instruction_id_list", "kwargs"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share = share_with(rows, "prompt", "instruction_id_list", "kwargs")
        values = {"fields": "prompt, instruction_id_list, kwargs", "share": round(100 * share)}
        return Guess(self.name, 0.98 * share, "format_fields", values)

    def names(self, row: Row) -> Collection[str]:
        return self.fields

    def read(self, row: Row) -> Record:
        names, arguments = (with_json(row.get(name), name) for name in ("instruction_id_list", "kwargs"))
        if type(names) is not list or not names or not all(type(name) is str for name in names):
            raise invalid("instruction_id_list", "instructions_missing")
        if type(arguments) is not list or len(arguments) != len(names):
            raise invalid("kwargs", "instructions_missing")
        checks = []
        for index, (name, given) in enumerate(zip(names, arguments, strict=True)):
            if type(given) is not dict:
                raise invalid(f"kwargs[{index}]", "instructions_missing")
            # A table on the hub gives every instruction all arguments, those of others as null.
            checks.append({"id": name, "kwargs": {key: value for key, value in given.items() if value is not None}})
        try:
            answer = orjson.dumps(checks, option=orjson.OPT_SORT_KEYS).decode()
        except orjson.JSONEncodeError:  # half a character, or a number of too many digits
            raise invalid("kwargs", "instructions_missing") from None
        return {"prompt": read_side("prompt", row.get("prompt"), "user"), "answer": answer, "verifier": _VERIFIER}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a task that is checked in another way."""
        checks = with_json(record["answer"])
        if record["verifier"] != _VERIFIER or type(checks) is not list:
            raise invalid("verifier", "instructions_missing")
        return {
            "prompt": render_side(record["prompt"]),
            "instruction_id_list": [check["id"] for check in checks],
            "kwargs": [check["kwargs"] for check in checks],
        }


PLUG = InstructionChecks()
