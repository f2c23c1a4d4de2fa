"""Documents: texts as they are, for training that reads rather than replies."""

from __future__ import annotations

from collections.abc import Sequence

from studio.data.fields import best_names, find_name, read_text
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.words import Text

_TEXTS = ("text", "content", "document", "body", "article", "page_content")
_BESIDE = frozenset(
    [
        "id",
        "title",
        "url",
        "source",
        "date",
        "timestamp",
        "language",
        "lang",
        "author",
        "name",
        "license",
        "meta",
        "metadata",
        "dump",
        "token_count",
    ]
)
"""Names of what is told about a document, not of what somebody says of its content."""

_LEAST_CHARACTERS = 60


class Document(OneRecord):
    name = "document"
    title = Text(en="Documents", ja="文書")
    summary = Text(
        en="One text a row under text or content, with nothing that asks or answers.",
        ja="1 行に 1 つのテキスト（text または content）。質問や応答の区別はありません。",
    )
    example = FormatExample(
        row={"text": "吾輩は猫である。名前はまだ無い。"}, record={"text": "吾輩は猫である。名前はまだ無い。"}
    )
    fields = frozenset(_TEXTS)

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        share, (name,) = best_names(rows, [(name,) for name in _TEXTS])
        lengths = [len(row[name]) for row in rows if type(row.get(name)) is str]
        if set(fields) - {name} <= _BESIDE:
            confidence = 0.9
        else:  # a column of names or titles in a table of numbers is no document
            confidence = 0.55 if sum(lengths) >= _LEAST_CHARACTERS * len(lengths) > 0 else 0.2
        values = {"fields": name, "share": round(100 * share)}
        return Guess(self.name, confidence * share, "format_fields", values)

    def names(self, row: Row) -> Sequence[str]:
        return (find_name(row, _TEXTS) or _TEXTS[0],)

    def read(self, row: Row) -> Record:
        (name,) = self.names(row)
        return {"text": read_text(row, name)}

    def render(self, record: Record) -> Row:
        return {"text": record["text"]}


PLUG = Document()
