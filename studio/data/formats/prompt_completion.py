"""Prompt and completion: two texts, or two lists of messages; also question/answer and prompt/response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.data.formats import FormatExample, Record, Row, invalid, share_with
from studio.data.rows import Guess
from studio.data.turns import read_messages
from studio.words import Text

_PAIRS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"))


class PromptCompletion:
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
    fields = frozenset({"prompt", "completion", "response", "question", "answer", "system"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, pair = max(((share_with(rows, *pair), pair) for pair in _PAIRS), key=lambda item: item[0])
        if sum(isinstance(row.get("label"), bool) for row in rows) * 2 > len(rows):
            # Replies marked right and wrong: taken for examples, the wrong ones would be taught too.
            return Guess(self.name, 0.2, "format_labelled", {"fields": ", ".join(pair)})
        return Guess(self.name, 0.9 * share, "format_fields", {"fields": ", ".join(pair), "share": round(100 * share)})

    def read(self, row: Row) -> Record:
        asked, answered = next((pair for pair in _PAIRS if pair[0] in row and pair[1] in row), _PAIRS[0])
        prompt = _side(asked, row.get(asked), "user")
        completion = _side(answered, row.get(answered), "assistant")
        if system := row.get("system"):
            prompt.insert(0, {"role": "system", "content": system})
        # One conversation says the same where every reply in it is the completion: the loss falls on the same tokens.
        if len(completion) == 1 and not any(message["role"] == "assistant" for message in prompt):
            return {"messages": prompt + completion}
        return {"prompt": prompt, "completion": completion}

    def render(self, record: Record) -> Row:
        """Texts where there is one question and one reply, else lists of messages. Raises RowInvalid for many turns."""
        if "messages" in record:
            *prompt, reply = record["messages"]
            if reply["role"] != "assistant" or any(message["role"] == "assistant" for message in prompt):
                raise invalid("messages", "turns_not_in_pairs")
            record = {"prompt": prompt, "completion": [reply]}
        prompt, completion = record["prompt"], record["completion"]
        if len(prompt) == len(completion) == 1 and len(prompt[0]) == len(completion[0]) == 2:
            return {"prompt": prompt[0]["content"], "completion": completion[0]["content"]}
        return {"prompt": prompt, "completion": completion}


def _side(field: str, value: Any, role: str) -> list[dict[str, Any]]:
    if type(value) is str:
        if not value.strip():
            raise invalid(field, "content_empty")
        return [{"role": role, "content": value}]
    if value is None:
        raise invalid(field, "field_missing")
    return read_messages(field, value)


PLUG = PromptCompletion()
