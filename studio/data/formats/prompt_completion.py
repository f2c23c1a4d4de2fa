"""Prompt and completion: two texts, or two lists of messages; also question/answer and prompt/response."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.fields import best_names, invalid, share_where
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import find_input, read_side, read_tools, render_side, with_input
from studio.words import Text

_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("question", "response"),
    ("query", "response"),
    ("query", "answer"),
    ("prompt", "output"),
    ("input", "output"),
    ("prompt", "answer"),
    ("input", "target"),
    ("problem", "solution"),
    ("question", "ground_truth"),
)
_WITH_INPUT = ("prompt", "output")
_WORKED = "\n####"
"""How GSM8K sets the result of a worked answer apart."""


class PromptCompletion(OneRecord):
    name = "prompt_completion"
    title = Text(en="Prompt and completion", ja="プロンプトと応答")
    summary = Text(
        en="prompt with completion or response, or question with answer, each a text or a list of messages.",
        ja="prompt と completion（または response）、あるいは question と answer。それぞれ文字列またはメッセージのリストです。",
    )
    example = FormatExample(
        row={"prompt": "Where does sencha come from?", "completion": "Much of it comes from Shizuoka."},
        record={
            "messages": [
                {"role": "user", "content": "Where does sencha come from?"},
                {"role": "assistant", "content": "Much of it comes from Shizuoka."},
            ]
        },
    )
    fields = frozenset({*(name for pair in _PAIRS for name in pair), "system", "tools"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, pair = best_names(rows, _PAIRS)
        if pair == _WITH_INPUT and share_where(rows, lambda row: find_input(row, "prompt")) > 0.5:
            pair = ("prompt", "output", "input")
        names = ", ".join(pair)
        if share_where(rows, lambda row: isinstance(row.get("label"), bool)) > 0.5:
            # Replies marked right and wrong: taken for examples, the wrong ones would be taught too.
            return Guess(self.name, 0.2, "format_labelled", {"fields": names})
        if share_where(rows, lambda row: _WORKED in str(row.get(pair[1]))) > 0.5:
            return Guess(self.name, 0.9 * share, "format_worked_answers", {"fields": names})
        return Guess(self.name, 0.9 * share, "format_fields", {"fields": names, "share": round(100 * share)})

    def names(self, row: Row) -> Sequence[str]:
        asked, answered, *more = _asked_and_answered(row)
        return asked, answered, "system", "tools", *more

    def read(self, row: Row) -> Record:
        asked, answered, *more = _asked_and_answered(row)
        prompt = read_side(asked, row.get(asked), "user")
        if more:
            prompt = with_input(prompt, row[more[0]])
        completion = read_side(answered, row.get(answered))
        if system := row.get("system"):
            prompt.insert(0, {"role": "system", "content": system})
        tools = read_tools("tools", row.get("tools"))
        more = {"tools": tools} if tools else {}
        # One conversation says the same where every reply in it is the completion: the loss falls on the same tokens.
        if len(completion) == 1 and not any(message["role"] == "assistant" for message in prompt):
            return {"messages": prompt + completion} | more
        return {"prompt": prompt, "completion": completion} | more

    def render(self, record: Record) -> Row:
        """Texts where there is one question and one reply, else lists of messages. Raises RowInvalid for many turns."""
        more = {"tools": record["tools"]} if "tools" in record else {}
        if "messages" in record:
            *prompt, reply = record["messages"]
            if reply["role"] != "assistant" or any(message["role"] == "assistant" for message in prompt):
                raise invalid("messages", "turns_not_in_pairs")
            record = {"prompt": prompt, "completion": [reply]}
        sides = {name: render_side(record[name]) for name in ("prompt", "completion")}
        if any(type(side) is not str for side in sides.values()):
            sides = {name: record[name] for name in sides}  # never a text beside a list: readers take both for one kind
        return sides | more


def _find_pair(row: Row) -> tuple[str, str]:
    for asked, answered in _PAIRS:
        if row.get(asked) is not None and row.get(answered) is not None:
            return asked, answered
    return next((pair for pair in _PAIRS if pair[0] in row and pair[1] in row), _PAIRS[0])


def _asked_and_answered(row: Row) -> tuple[str, ...]:
    """The pair that the row has values for, else fields. Of prompt, input and output, the question is the first two:
    input and output belong together, and what stands beside them is what to do with the input."""
    pair = _find_pair(row)
    more = find_input(row, "prompt") if pair == _WITH_INPUT else None
    return (*pair, more) if more else pair


PLUG = PromptCompletion()
