"""Reading comprehension as in SQuAD: a text, questions about it, and the answers that stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import beside, invalid, plain_text, read_text, share_where, with_json
from studio.data.formats import FormatExample, HoldsMessages, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_BETWEEN = "\n\n"


class Reading(HoldsMessages):
    name = "reading"
    title = Text(en="Reading comprehension (SQuAD)", ja="読解（SQuAD）")
    summary = Text(
        en="context, question and answers, also nested under paragraphs and qas; each question becomes a record with its first answer.",
        ja="context、question、answers。paragraphs と qas の入れ子も読めます。質問の 1 つずつが、最初の答えを応答とするレコードになります。",
    )
    example = FormatExample(
        row={
            "context": "宇治は京都府の市で、茶の産地として知られる。",
            "question": "宇治は何の産地ですか？",
            "answers": {"text": ["茶"], "answer_start": [10]},
        },
        record={
            "messages": [
                {
                    "role": "user",
                    "content": "宇治は京都府の市で、茶の産地として知られる。\n\n宇治は何の産地ですか？",
                },
                {"role": "assistant", "content": "茶"},
            ]
        },
    )
    fields = frozenset({"paragraphs", "context", "question", "answers"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        nested = share_where(rows, lambda row: type(row.get("paragraphs")) is list)
        flat = share_where(rows, lambda row: row.get("context") and row.get("question") and row.get("answers"))
        names = "paragraphs" if nested > flat else "context, question, answers"
        share = max(nested, flat)
        return Guess(self.name, 0.97 * share, "format_fields", {"fields": names, "share": round(100 * share)})

    def unfold(self, row: Row) -> list[Row]:
        """A row for each question of an article's paragraphs."""
        if "paragraphs" not in row:
            return [row]
        around = {name: value for name, value in row.items() if name != "paragraphs"}
        made = []
        for place, paragraph in enumerate(_objects("paragraphs", row["paragraphs"])):
            rest = {name: value for name, value in paragraph.items() if name not in ("context", "qas")}
            for asked in _objects(f"paragraphs[{place}].qas", paragraph.get("qas")):
                made.append(beside(asked, {"context": paragraph.get("context")}, rest, around))
        if not made:
            raise invalid("paragraphs", "question_missing")
        return made

    def names(self, row: Row) -> Sequence[str]:
        return "context", "question", "answers"

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """The record holds the first answer, without its place in the text."""
        if with_json(row["answers"]) not in ([text := _first_answer(row["answers"])], {"text": [text]}):
            yield "answers", ""

    def read(self, row: Row) -> Record:
        pieces = self.unfold(row)
        if len(pieces) != 1:
            raise invalid("paragraphs", "several_records", found=len(pieces))
        (piece,) = pieces
        asked = read_text(piece, "context") + _BETWEEN + read_text(piece, "question")
        reply = _first_answer(piece.get("answers"))
        return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": reply}]}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid where the answer does not stand in the text, or there are more turns."""
        messages = record["messages"]
        if [message["role"] for message in messages] != ["user", "assistant"]:
            raise invalid("messages", "turns_not_in_pairs")
        context, _, question = messages[0]["content"].rpartition(_BETWEEN)
        answer = messages[1]["content"]
        if not context or answer not in context:
            raise invalid("answers", "answer_missing")
        answers = {"text": [answer], "answer_start": [context.index(answer)]}
        return {"context": context, "question": question, "answers": answers}


def _objects(field: str, value: Any) -> list[dict[str, Any]]:
    if type(value) is not list or not all(type(one) is dict for one in value):
        raise invalid(field, "paragraphs_unreadable")
    return value


def _texts(answers: Any) -> list[str]:
    """Of SQuAD's own list of {"text", "answer_start"}, or the hub's {"text": [], "answer_start": []}."""
    found = with_json(answers)
    found = found.get("text") if type(found) is dict else found
    texts = [one.get("text") if type(one) is dict else one for one in found] if type(found) is list else []
    return [text for text in map(plain_text, texts) if text is not None]


def _first_answer(answers: Any) -> str:
    texts = _texts(answers)
    if not texts or not texts[0].strip():
        raise invalid("answers", "answer_missing")
    return texts[0]


PLUG = Reading()
