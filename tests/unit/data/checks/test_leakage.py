"""Leakage between the splits and between datasets, on made-up rows and on benchmarks that are known to overlap."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

from studio.data.checks import CHECKS, CheckContext, CheckRow, OtherDataset, example_row
from studio.data.checks._grams import Grams, asked_texts

CHECK = CHECKS["leakage"]
WORDS = [f"word{number}" for number in range(5_000)]


def _pair(row_id: int, prompt: str, reply: str, split: str = "train") -> CheckRow:
    record = {
        "prompt": [{"role": "user", "content": prompt}],
        "completion": [{"role": "assistant", "content": reply}],
    }
    return example_row(row_id, record, split)


def _find(rows: list[CheckRow], *others: OtherDataset) -> list[tuple[str, int | None, dict]]:
    found = CHECK.find(lambda: iter(rows), CheckContext(others=others))
    return [(finding.code, finding.row_id, dict(finding.values)) for finding in found]


def _read_mgsm(data: Path, language: str) -> list[CheckRow]:
    with (data / "mgsm" / f"mgsm_{language}.tsv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [_pair(row_id, question, answer) for row_id, (question, answer) in enumerate(lines, 1)]


def _read_gsm8k(data: Path, name: str) -> list[CheckRow]:
    with (data / "gsm8k" / name).open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [_pair(row_id, row["question"], row["answer"]) for row_id, row in enumerate(rows, 1)]


def test_mgsm_english_is_found_inside_the_test_rows_of_gsm8k(shared_data):
    test = OtherDataset("gsm8k test", lambda: iter(_read_gsm8k(shared_data, "test_part.jsonl")))
    english = _find(_read_mgsm(shared_data, "en"), test)
    assert sorted(row_id for _, row_id, _ in english) == list(range(1, 251))
    assert all(values["number"] == row_id for _, row_id, values in english)
    assert _find(_read_mgsm(shared_data, "de"), test) == []


def test_gsm8k_train_and_test_share_no_row_but_one_puzzle_with_other_numbers(shared_data):
    """A train that travels 270 or 360 miles in 3 hours is trained on, a plane that travels 1200 is asked about."""
    test = OtherDataset("gsm8k test", lambda: iter(_read_gsm8k(shared_data, "test_part.jsonl")))
    train = _read_gsm8k(shared_data, "train.jsonl")
    found = _find(train, test)
    assert [(code, values["number"], values["share"]) for code, _, values in found] == [
        ("other_contained", 603, 54)
    ] * 2
    assert all("miles in 3 hours" in _asked(train[row_id - 1]) for _, row_id, _ in found)


def test_a_question_with_words_put_around_it_is_found(shared_data):
    """The person's own training rows quote a test question between other words."""
    hidden = _read_gsm8k(shared_data, "test_part.jsonl")
    rows = [
        _pair(number, f"Please solve this for me step by step, thanks a lot. {_asked(hidden[number])} Hurry up.", "No.")
        for number in range(1, 41)
    ]
    found = _find(rows, OtherDataset("gsm8k test", lambda: iter(hidden)))
    assert [(code, row_id) for code, row_id, _ in found] == [("other_contained", number) for number in range(1, 41)]
    assert [values["number"] for _, _, values in found] == [number + 1 for number in range(1, 41)]


def _asked(row: CheckRow) -> str:
    return row.record["prompt"][0]["content"]


def test_a_prompt_that_many_rows_begin_with_is_no_leak():
    drawn = random.Random(1)
    template = " ".join(drawn.sample(WORDS, 40))

    def rows() -> Iterator[CheckRow]:
        for row_id in range(1, 401):
            yield _pair(
                row_id,
                f"{template} {' '.join(drawn.sample(WORDS, 20))}",
                "Yes.",
                "held_out" if row_id <= 40 else "train",
            )

    assert _find(list(rows())) == []
    few = [row for row in rows() if row.row_id > 38]
    assert _find(few) == [], "two held-out rows are too few to show that it is a template; the training rows do"


def test_a_template_of_the_held_out_rows_alone_is_no_leak():
    """Four of forty is the most that hold a stretch which counts: a training row that quotes the template has no part
    of any question."""
    drawn = random.Random(4)
    template = " ".join(drawn.sample(WORDS, 40))
    held = [_pair(number, f"{template} {drawn.choice(WORDS)}", "Yes.", "held_out") for number in range(1, 41)]
    assert _find([*held, _pair(41, f"Explain: {template}", "Well.")]) == []
    ((code, row_id, _),) = _find([*held[:3], _pair(41, f"Explain: {template}", "Well.")])
    assert (code, row_id) == ("contained", 41), "three rows are too few for a template"


def test_japanese_is_compared_by_characters():
    story = "会員カードをお持ちのお客様は、毎月五日に限り全商品が一割引きになります。"
    rows = [
        _pair(1, f"次を要約して。{story}", "はい。"),
        _pair(2, f"教えて：{story}いつですか。", "五日です。", "held_out"),
    ]
    ((code, row_id, values),) = _find(rows)
    assert (code, row_id, values["other_row"]) == ("contained", 1, 2) and values["share"] > 60


def test_of_more_stretches_than_fit_a_part_is_compared_and_still_finds_the_leak(monkeypatch):
    drawn = random.Random(2)
    texts = [" ".join(drawn.sample(WORDS, 200)) for _ in range(300)]
    monkeypatch.setattr("studio.data.checks._grams.MOST_GRAMS", 10_000)
    index = Grams()
    index.add((number, [text]) for number, text in enumerate(texts))
    assert [found.other for found in index.find(lambda _names: [(7, [texts[123]])])] == [123]
    strange = " ".join(drawn.sample(WORDS, 200))
    assert list(index.find(lambda _names: [(7, [strange])])) == []


def test_no_stretch_goes_from_one_turn_into_the_next():
    ends, begins = " ".join(WORDS[:7]), " ".join(WORDS[7:14])
    turns = [
        {"role": role, "content": text} for role, text in (("user", ends), ("user", begins), ("assistant", "Yes."))
    ]
    index = Grams()
    index.add((number, [text]) for number, text in enumerate(asked_texts({"messages": turns})))
    assert not index
    index.add([(2, [f"{ends} {begins}"])])
    assert index


def test_a_stock_reply_to_other_questions_is_no_leak():
    reply = " ".join(WORDS[:30])
    assert _find([_pair(1, "Do you ship abroad?", reply), _pair(2, "Is there a discount?", reply, "held_out")]) == []
    ((code, row_id, _),) = _find([_pair(1, "Quote it.", reply), _pair(2, f"Explain: {reply}", "Well.", "held_out")])
    assert (code, row_id) == ("contained", 1), "but a reply that holds a question of the evaluation is one"


def test_a_stock_phrase_in_japanese_is_no_leak_and_a_passage_is():
    """Thirteen characters are a turn of phrase there: 25 in a row, as the passage shares, are not."""
    follow_up = "エプロンについても同じことを教えてください。"
    passage = "朝早く港に着いた船から積み荷が下ろされ、市場には見たことのない果物が並びました。"
    rows = [
        _pair(1, follow_up, "緑と青です。"),
        _pair(2, "パズルについても同じことを教えてください。", "赤です。", "held_out"),
        _pair(3, passage + "果物は何個でしたか。", "十二個です。"),
        _pair(4, passage, "はい。", "held_out"),
    ]
    assert _find(rows) == [("contained", 3, {"other_row": 4, "share": 100})]
