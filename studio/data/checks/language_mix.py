"""Language mix: replies in another language than their questions, and rows in another language than the dataset."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.languages import NAMES, guess_language
from studio.data.records import SIDES
from studio.words import Text

OTHER_REPLY, OTHER_LANGUAGE = "other_reply", "other_language"

_LEAST_ROWS = 20
_SYSTEM_READ = 2_000
_MAIN_SHARE = 0.05
"""A language that fewer than one row in twenty has is none of the dataset's own."""

_ASKS_FOR_ANOTHER = re.compile(
    r"translat|language|english|japanese|(?:in|into|to) (?:french|german|spanish|chinese|korean|italian|portuguese|russian|hindi)"
    r"|訳|英語|日本語|[中国韓仏独露伊西外]語|ドイツ語|フランス語|スペイン語|イタリア語|ロシア語|言語|英文|和文|英単語",
    re.IGNORECASE,
)


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


_QUESTION = "How long does it take until a parcel with two mugs and a plate arrives at my house in the north?"
_REPLY = "It usually takes three days until a parcel arrives, and five days where we have to send it to an island."
_QUESTION_JA = "マグカップを二つ注文しました。届くまでにどのくらいかかりますか。"
_REPLY_JA = "通常は三日ほどでお届けします。離島への配送は五日ほどかかります。"
_GERMAN = "Ich würde gerne wissen, wie lange es dauert, bis ein Paket mit zwei Tassen und einem Teller bei mir ankommt."
_GERMAN_REPLY = (
    "Ein Paket ist normalerweise nach drei Tagen bei Ihnen, auf einer Insel nach fünf Tagen, weil das Schiff wartet."
)


class LanguageMix(Check):
    name = "language_mix"
    title = Text("Language mix", "言語の混在")
    summary = Text(
        "Replies in another language than the question, where no translation is asked for, and rows in a language that"
        " fewer than 5 % of the rows have. Short texts and code are not judged.",
        "翻訳を求められていないのに質問と違う言語で書かれた応答と、全体の 5 % に満たない言語の行を探します。短い文章とコードは"
        "判定しません。",
    )
    severity = "warn"
    severities = {OTHER_LANGUAGE: "info"}
    words = {
        OTHER_REPLY: Text(
            "The question is in {asked}, the reply in {replied}.",
            "質問は「{asked}」、応答は「{replied}」で書かれています。",
        ),
        OTHER_LANGUAGE: Text(
            "This row is in {language}; most of the dataset is in {main}.",
            "この行は「{language}」ですが、データセットの大半は「{main}」です。",
        ),
    }
    example = CheckExample(
        rows=(
            *(example_row(number, _asked(f"{number}: {_QUESTION}", _REPLY)) for number in range(1, 31)),
            example_row(31, _asked(_QUESTION, _REPLY_JA)),
            example_row(32, _asked(_GERMAN, _GERMAN_REPLY)),
        ),
        findings=(
            Finding(OTHER_REPLY, {"asked": "English", "replied": "日本語"}, 31),
            Finding(OTHER_LANGUAGE, {"language": "Deutsch", "main": "English"}, 32),
        ),
        clean=(
            example_row(1, _asked(_QUESTION, _REPLY)),
            example_row(2, _asked(_QUESTION_JA, _REPLY_JA)),
            example_row(3, _asked(f"Translate this into Japanese: {_REPLY}", _REPLY_JA)),
            example_row(4, _asked(_QUESTION, "三日です。")),
        ),
    )

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        """About 15,000 rows a second; nine bytes are kept of a row."""
        codes = [None, *NAMES]
        found, row_ids = bytearray(), array("q")
        for row in ticked(rows(), context.tick):
            languages = []
            for question, reply, system in _exchanges(row.kind, row.record):
                asked, told = guess_language(question), guess_language(reply)
                if asked and told and asked != told and not _ASKS_FOR_ANOTHER.search(f"{question}\n{system}"):
                    yield Finding(OTHER_REPLY, {"asked": NAMES[asked], "replied": NAMES[told]}, row.row_id)
                    break
                languages.append(told)
            row_ids.append(row.row_id)
            found.append(codes.index(next(filter(None, languages), None)))
        yield from _off_main(codes, found, row_ids)


def _off_main(codes: list[str | None], found: bytearray, row_ids: array[int]) -> Iterator[Finding]:
    counts = Counter(found)
    judged = len(found) - counts[0]
    if judged < _LEAST_ROWS:
        return
    (most, _), *_ = Counter({number: count for number, count in counts.items() if number}).most_common(1)
    main = NAMES[codes[most]]
    for number, row_id in zip(found, row_ids, strict=True):
        if number and counts[number] < _MAIN_SHARE * judged:
            yield Finding(OTHER_LANGUAGE, {"language": NAMES[codes[number]], "main": main}, row_id)


def _exchanges(kind: str, record: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(what was asked, what was replied, the system prompt) of a record, "" where there is none. Of two replies only
    the chosen one; of a text without a question the text."""
    if kind not in SIDES:
        yield "", str(record.get("text", "")), ""
        return
    messages = [message for side in SIDES[kind] if side != "rejected" for message in record[side]]
    system, asked = "", ""
    for message in messages:
        if message["role"] == "system":
            system = message["content"][:_SYSTEM_READ]
        elif message["role"] == "user":
            asked = message["content"]
        elif message["role"] == "assistant" and message["content"]:
            yield asked, message["content"], system


PLUG = LanguageMix()
