"""Pairs of sentences with how they stand to each other: inference (NLI), paraphrase, similarity (STS)."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.fields import best_names, find_name, find_number, invalid, read_text, share_with
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_PAIRS = (
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("text1", "text2"),
    ("sentence_a", "sentence_b"),
)
_LABELS = ("label", "gold_label", "score", "similarity", "similarity_score", "is_duplicate", "label_text")


class SentencePair(OneRecord):
    name = "sentence_pair"
    title = Text(en="Sentence pairs (NLI, STS)", ja="文のペア（NLI、STS）")
    summary = Text(
        en="Two sentences with a label or a score. The record's text holds both, one below the other.",
        ja="2 つの文とラベルまたは点数。レコードのテキストには 2 つの文を上下に並べます。",
    )
    example = FormatExample(
        row={"sentence1": "A man pours tea.", "sentence2": "Somebody pours tea.", "label": "entailment"},
        record={"text": "A man pours tea.\nSomebody pours tea.", "label": "entailment"},
    )
    fields = frozenset({*(name for pair in _PAIRS for name in pair), *_LABELS})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        label = next((name for name in _LABELS if name in fields), _LABELS[0])
        share, names = best_names(rows, _PAIRS)
        share = share_with(rows, *names, label)
        values = {"fields": ", ".join((*names, label)), "share": round(100 * share)}
        return Guess(self.name, 0.96 * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        pair = next((pair for pair in _PAIRS if pair[0] in row or pair[1] in row), _PAIRS[0])
        return *pair, find_name(row, _LABELS) or _LABELS[0]

    def read(self, row: Row) -> Record:
        first, second, field = self.names(row)
        text = f"{read_text(row, first).strip()}\n{read_text(row, second).strip()}"
        label = row.get(field)
        if type(label) in (int, float) and find_number(label) is not None:
            return {"text": text, "label": str(label)}
        return {"text": text, "label": read_text(row, field).strip()}

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a text that is not two sentences, one below the other."""
        sentences = record["text"].split("\n")
        if len(sentences) != 2 or type(record["label"]) is not str:
            raise invalid("text", "not_two_sentences")
        return {"sentence1": sentences[0], "sentence2": sentences[1], "label": record["label"]}


PLUG = SentencePair()
