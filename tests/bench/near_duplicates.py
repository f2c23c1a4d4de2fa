"""The near duplicates of 100,000 rows: seconds, memory, and how many of those that were planted are found."""

from __future__ import annotations

import json
import random
import re
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from studio.data.checks.near_duplicates import LEAST_SIMILAR
from studio.store.dataset_file import SUFFIX, open_dataset
from tests.bench.imports import peak_memory
from tests.bench.prepared import deed, finish, opened

ROWS, SEED, PLANTED_SHARE = 100_000, 11, 0.05
MOST_CHANGED = 0.15

NOUNS = "mug plate bowl jar vase lamp kettle spoon basket towel candle tray bottle teapot glass blanket".split()  # noqa: SIM905
VERBS = "arrived broke leaked faded cracked vanished shrank rattled stuck melted split bent".split()  # noqa: SIM905
TIMES = [
    "on Monday",
    "last night",
    "in March",
    "two weeks ago",
    "before noon",
    "this morning",
    "on my birthday",
    "yesterday",
]
ENDINGS = ["Could you look into it?", "I would like my money back.", "Please send another one.", "Is that normal?"]
PLACES = "kitchen cellar garden office attic hall balcony studio nursery workshop".split()  # noqa: SIM905
SAID = [
    "The {a} {adjective} that I ordered {t} {v} in the {p}",
    "My {k} says the {adjective} {a} next to the {b} {v} {t}",
    "We keep {n} {b}s in the {p}, and one {adjective} {a} {v} {t}",
    "After {n} days the {a} from the {adjective} set {v} beside a {b}",
    "Nobody touched the {adjective} {a}, yet it {v} {t} near the {p}",
    "I compared {n} of your {a}s with the {b} in my {p} and the {adjective} one {v}",
]
ADJECTIVES = "blue heavy narrow wooden round painted small bright crooked cheap modern striped".split()  # noqa: SIM905
KIN = "sister neighbour uncle colleague daughter landlord friend teacher".split()  # noqa: SIM905
NOUNS_JA = "湯のみ 大皿 花瓶 急須 手ぬぐい お盆 茶碗 ろうそく 風呂敷 籠 鍋 箸置き 座布団 水差し 文箱 扇子".split()  # noqa: SIM905
VERBS_JA = "割れました 届きません 色あせました 欠けていました 汚れていました 見当たりません 曲がっていました 濡れていました".split()  # noqa: SIM905
TIMES_JA = "昨日 先週の金曜日 三月の初め 今朝 誕生日の前日 二週間前 夕方 連休中".split()  # noqa: SIM905
PLACES_JA = "台所 玄関 物置 居間 事務所 縁側 書斎 屋根裏".split()  # noqa: SIM905
ENDINGS_JA = [
    "調べていただけますか。",
    "返金をお願いできますか。",
    "代わりの品を送ってください。",
    "これは普通のことでしょうか。",
]
SAID_JA = [
    "{t}に注文した{a}が{p}で{v}",
    "{p}に置いていた{n}個の{b}のうち、{a}だけが{t}には{v}",
    "{k}に贈った{a}と{b}の組み合わせですが、{t}に見たところ{v}",
    "{n}日ほど使っただけの{a}が、{b}の隣で{t}には{v}",
    "箱を{p}で開けると、{a}は{v}のに{b}は無事でした",
]
KIN_JA = "姉 隣の方 叔父 同僚 娘 大家さん 友人 先生".split()  # noqa: SIM905


@dataclass(frozen=True)
class Planted:
    """A row, the earlier one it was made of, and how alike they are by this file's own count."""

    row_id: int
    source: int
    similarity: float


def measure(quick: bool = False) -> dict[str, Any]:
    """seconds: of the check's own job, from submitting it to its ending. worker_peak_mb: the most that keeper and worker
    held at once (PSS). recall: of the planted rows that are alike enough by a plain count of words' pairs or five
    characters, the share that was found. others: found and not planted."""
    rows = 5_000 if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        file = Path(scratch) / "upload.jsonl"
        planted = write_rows(file, rows)
        size = file.stat().st_size
        finish(studio, studio.datasets.import_upload(person, deed(), file, "rows.jsonl", "Near duplicates", {}), 600)
        dataset = studio.datasets.list(person)[0]["id"]
        with peak_memory() as peak:
            began = time.perf_counter()
            finish(studio, studio.checks.run(person, dataset, ["near_duplicates"], deed()), 1_800)
            seconds = time.perf_counter() - began
        (path,) = Path(scratch).rglob(dataset + SUFFIX)
        found = _found(path)
    alike = {plant.row_id for plant in planted if plant.similarity >= LEAST_SIMILAR}
    return {
        "rows": rows,
        "file_mb": round(size / 1e6, 1),
        "seconds": round(seconds, 1),
        "worker_peak_mb": round(peak() / 1e6, 1),
        "planted": len(planted),
        "planted_alike": len(alike),
        "found": len(found),
        "recall": round(len(alike & found.keys()) / len(alike), 4),
        "others": len(found.keys() - {plant.row_id for plant in planted}),
        "by_code": dict(Counter(found.values())),
    }


def _found(path: Path) -> dict[int, str]:
    with open_dataset(path) as connection:
        asked = "SELECT row_id, code FROM findings WHERE check_name = 'near_duplicates'"
        return {row["row_id"]: row["code"] for row in connection.execute(asked)}


def write_rows(path: Path, rows: int) -> list[Planted]:
    """Complaints to a shop and its replies, half in each language, 200 to 900 characters; one in twenty is an earlier
    one with up to 15 % of its words or characters changed."""
    source = random.Random(SEED)
    kept: list[tuple[int, bool, str]] = []
    planted = []
    with path.open("w", encoding="utf-8") as file:
        for row_id in range(1, rows + 1):
            if kept and source.random() < PLANTED_SHARE:
                number, is_japanese, text = source.choice(kept)
                changed = _changed(source, text, is_japanese)
                planted.append(Planted(row_id, number, _similarity(text, changed, is_japanese)))
                text = changed
            else:
                is_japanese = bool(row_id % 2)
                text = _text(source, is_japanese)
                kept.append((row_id, is_japanese, text))
            question, _, reply = text.partition("\n")
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": reply or question}]
            file.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
    return planted


def _text(source: random.Random, is_japanese: bool) -> str:
    said, ending = (SAID_JA, ENDINGS_JA) if is_japanese else (SAID, ENDINGS)
    between, stop = ("", "。") if is_japanese else (" ", ".")
    sentences = [_sentence(source, source.choice(said), is_japanese) + stop for _ in range(source.randint(4, 12))]
    return between.join(sentences[:2]) + source.choice(ending) + "\n" + between.join(sentences[2:])


def _sentence(source: random.Random, template: str, is_japanese: bool) -> str:
    if is_japanese:
        first, second = source.sample(NOUNS_JA, 2)
        return template.format(
            a=first, b=second, v=source.choice(VERBS_JA), t=source.choice(TIMES_JA), p=source.choice(PLACES_JA),
            k=source.choice(KIN_JA), n=source.randint(2, 99),
        )  # fmt: skip
    first, second = source.sample(NOUNS, 2)
    return template.format(
        a=first, b=second, v=source.choice(VERBS), t=source.choice(TIMES), p=source.choice(PLACES),
        k=source.choice(KIN), n=source.randint(2, 99), adjective=source.choice(ADJECTIVES),
    )  # fmt: skip


def _changed(source: random.Random, text: str, is_japanese: bool) -> str:
    """Some words, or characters, replaced by others; the line feed between question and reply stays."""
    units = list(text) if is_japanese else re.split("( |\n)", text)
    places = [place for place, unit in enumerate(units) if unit.strip()]
    for place in source.sample(places, max(1, int(source.random() * MOST_CHANGED * len(places)))):
        units[place] = source.choice("春夏秋冬山川海空") if is_japanese else source.choice(NOUNS)
    return "".join(units)


def _similarity(one: str, other: str, is_japanese: bool) -> float:
    """Jaccard over counted pieces, by the standard library alone: the oracle of the planted rows."""
    first, second = (_pieces(text, is_japanese) for text in (one, other))
    return (first & second).total() / (first | second).total()


def _pieces(text: str, is_japanese: bool) -> Counter:
    if is_japanese:
        letters = "".join(filter(str.isalnum, text))
        return Counter(letters[at : at + 5] for at in range(len(letters) - 4))
    return Counter(pairwise(re.findall(r"\w+", text.lower())))
