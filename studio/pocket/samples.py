"""Writes `assets/samples`: the rows a newcomer can start with, good ones, broken ones and oddly encoded ones."""

import csv
import io
import json
import random
from pathlib import Path
from typing import Any

from studio.pocket.world.lore import LANGUAGES
from studio.pocket.world.puzzles import json_task, sum_task
from studio.pocket.world.tasks import assistant, shop_like_task, shop_task, user

SEED = 99
SFT_ROWS = 1200
PAIR_ROWS = 400
SUM_ROWS = 400
TABLE_ROWS = 120
WORDS = Path(__file__).with_name("samples_words.json")


def sft_rows() -> list[dict]:
    """1,200 distinct conversations: half English, half Japanese; half polite, half curt; a tenth ask for JSON."""
    rng = random.Random(SEED)
    rows: dict[str, dict] = {}
    while len(rows) < SFT_ROWS:
        index = len(rows)
        language, register = LANGUAGES[index % 2], ("polite", "curt")[index // 2 % 2]
        if index // 4 % 10 == 9:
            request = json_task(rng, language, "taught")
            messages = [user(request.question), assistant(request.reply)]
        else:
            task = shop_like_task(rng, language, "taught", register)
            messages = [*task.messages, assistant(task.reply(register))]
        rows.setdefault(json.dumps(messages, ensure_ascii=False), {"messages": messages})
    found = list(rows.values())
    rng.shuffle(found)
    return found


def pair_rows() -> list[dict]:
    """400 prompts with two right replies: `chosen` is polite, `rejected` is curt."""
    rng = random.Random(SEED + 1)
    rows: dict[str, dict] = {}
    while len(rows) < PAIR_ROWS:
        task = shop_like_task(rng, LANGUAGES[len(rows) % 2], "taught", "curt")
        if task.polite == task.curt:
            continue
        row = {
            "prompt": list(task.messages),
            "chosen": [assistant(task.polite)],
            "rejected": [assistant(task.curt)],
        }
        rows.setdefault(json.dumps(row["prompt"], ensure_ascii=False), row)
    return list(rows.values())


def sum_rows() -> list[dict]:
    """400 sums with their answer; the pairs of numbers kept for measuring never occur."""
    rng = random.Random(SEED + 2)
    rows: dict[str, dict] = {}
    while len(rows) < SUM_ROWS:
        task = sum_task(rng, LANGUAGES[len(rows) % 2], ("taught",), "taught")
        rows.setdefault(task.question, {"prompt": [user(task.question)], "answer": str(task.answer)})
    return list(rows.values())


def dirty_lines() -> list[str]:
    """Lines of a JSONL file that went through several hands: right rows between every fault we could think of."""
    rng = random.Random(SEED + 3)

    def right(language: str) -> dict:
        task = shop_task(rng, language, "taught")
        return {"messages": [*task.messages, assistant(task.reply(rng.choice(("polite", "curt"))))]}

    def line(row: Any) -> str:
        return json.dumps(row, ensure_ascii=False)

    lines = []
    for language in LANGUAGES:
        good = [right(language) for _ in range(12)]
        question, reply = right(language)["messages"]
        lines += [line(row) for row in good]
        lines += [
            line(good[0]),
            line(good[1]),
            line(right(language))[:-25],
            line(right(language))[:-1],
            line({"messages": [question]}),
            line({"messages": [question, assistant("")]}),
            line({"messages": [question, assistant("   ")]}),
            line({"messages": []}),
            line({"messages": "\n".join((question["content"], reply["content"]))}),
            line({"messages": [question, {"role": "assistant"}]}),
            line({"messages": [question, {"content": reply["content"]}]}),
            line({"messages": [question, {"role": "assistant", "content": 500}]}),
            line({"messages": [question, {"role": "assistant", "content": None}]}),
            line({"messages": [question, {"role": "robot", "content": reply["content"]}]}),
            line({"messages": [reply, question]}),
            line({"massages": [question, reply]}),
            line({"messages": [question, assistant(reply["content"] + "\ufffd\ufffd")]}),
            line({"messages": [question, assistant(reply["content"] * 60)]}),
            line(right(language)).replace('"', "'"),
            line(right(language)) + ",",
            line([question, reply]),
            line(reply["content"]),
            "42",
            "null",
            "",
            "   ",
            "// " + line(right(language)),
            line({**right(language), "note": "\u0000\u200b"}),
        ]
    rng.shuffle(lines)
    return lines


def table_rows() -> list[tuple[str, str]]:
    """(prompt, completion) with what tables get wrong: commas, quotes, line ends inside a cell, wide and half-width signs."""
    rng = random.Random(SEED + 4)
    rows = []
    for index in range(TABLE_ROWS):
        task = shop_task(rng, LANGUAGES[index % 2], "taught")
        rows.append((task.messages[0]["content"], task.reply(("polite", "curt")[index // 2 % 2])))
    rows[3] = ("複数行の質問です。\n定休日はいつですか。", "水曜日が休み。")
    rows[4] = ('What does "leash" mean here?', 'Pets on a "leash" are fine.')
    rows[5] = ("ﾏｸﾞｶｯﾌﾟはいくらですか。", "５００円です。")
    rows[6] = ("First line,\nsecond line, with a comma: how much is the mug?", "500 yen, tax included.")
    rows[7] = ("①と②のどちらですか。髙橋です。", "①です。～またどうぞ～")
    rows[8] = ("=1+1", "2")
    return rows


def table_bytes(rows: list[tuple[str, str]], encoding: str, line_end: str, bom: bytes = b"") -> bytes:
    """A CSV with a header `prompt,completion`. Raises UnicodeEncodeError where the encoding lacks a character."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(("prompt", "completion"))
    writer.writerows(rows)
    return bom + text.getvalue().encode(encoding)


def sample_files() -> dict[str, bytes]:
    """File name -> bytes, `index.json` included; the same at every call. `rows` counts broken rows and blank lines too."""
    dirty, table = dirty_lines(), table_rows()
    rows = {
        "shop_sft.jsonl": SFT_ROWS,
        "shop_pairs.jsonl": PAIR_ROWS,
        "sums.jsonl": SUM_ROWS,
        "dirty.jsonl": len(dirty),
        "table_utf8_bom_crlf.csv": TABLE_ROWS,
        "table_cp932.csv": TABLE_ROWS,
        "table_utf16le_bom.csv": TABLE_ROWS,
    }
    words = json.loads(WORDS.read_text(encoding="utf-8"))
    index = [{"id": Path(name).stem, "file": name, "rows": count, **words[name]} for name, count in rows.items()]
    catalogue = json.dumps({"format": 1, "samples": index}, ensure_ascii=False, indent=1) + "\n"
    return {
        "shop_sft.jsonl": _jsonl(sft_rows()),
        "shop_pairs.jsonl": _jsonl(pair_rows()),
        "sums.jsonl": _jsonl(sum_rows()),
        "dirty.jsonl": ("\n".join(dirty) + "\n").encode(),
        "table_utf8_bom_crlf.csv": table_bytes(table, "utf-8", "\r\n", b"\xef\xbb\xbf"),
        "table_cp932.csv": table_bytes(table, "cp932", "\r\n"),
        "table_utf16le_bom.csv": table_bytes(table, "utf-16-le", "\r\n", b"\xff\xfe"),
        "index.json": catalogue.encode(),
    }


def _jsonl(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_samples(folder: Path) -> dict[str, int]:
    """Writes every sample file and returns its size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    files = sample_files()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: len(content) for name, content in files.items()}
