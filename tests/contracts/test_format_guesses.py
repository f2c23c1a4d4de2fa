"""What every file of the data folder is taken for: no format takes another's file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from studio.data.formats import FORMATS, guess_format
from studio.data.sources import plan_reading
from studio.errors import FileUnreadable, FormatUnknown
from studio.words import say

NONE = "none"
_SAMPLE_ROWS = 200

EXPECTED = {
    "instruct_ja": "alpaca",
    "instruct_ja/instruction_ja_part.jsonl": "sharegpt",
    "instruct_ja/messages_a.jsonl": "messages",
    "instruct_ja/sharegpt_a.json": "sharegpt",
    "instruct_en": "alpaca",
    "instruct_en/seed_tasks.jsonl": "self_instruct",
    "instruct_en/dummy_conversation.sharegpt.json": "sharegpt",
    "instruct_en/glaive_toolcall_en_demo.json": "sharegpt",
    "instruct_en/gsm8k_train_head2000.messages.jsonl": "messages",
    "pref_ja": "preference",
    "pref_en": "preference",
    "pref_en/gsm8k_solutions.kto.jsonl": "unpaired",
    "gsm8k": "prompt_completion",
    "dirty/gsm8k_crlf_bom.jsonl": "prompt_completion",
    "dirty/gsm8k_notjson_lines.jsonl": "prompt_completion",
    "dirty/gsm8k_truncated.jsonl": "prompt_completion",
    "mgsm": "verifiable",
    "bbh": "verifiable",
    "bbh/cot-prompts": "document",
    "humaneval": "unit_tests",
    "ifeval": "unpaired",
    "ifeval/input_data_part.jsonl": "instruction_checks",
    "mmlu": "multiple_choice",
    "jmmlu": "multiple_choice",
    "jglue": "sentence_pair",
    "jglue/jcommonsenseqa_train.json": "multiple_choice",
    "jglue/jcommonsenseqa_valid.json": "multiple_choice",
    "jglue/jsquad_valid.json": "reading",
    "banking77/train.csv": "classification",
    "parquet/banking77_train.parquet": "classification",
    "parquet/demo-dataset.parquet": "document",
    "nlupp/hotels": "classification",
    "ner_ja": "extraction",
    "text": "document",
    "README.md": "document",
}
"""By folder, a file's own line before its folder's. All others hold no examples, or prompts without a reply."""


def expected_of(path: str) -> str:
    return next((EXPECTED[found] for found in (path, *map(str, Path(path).parents)) if found in EXPECTED), NONE)


def test_every_file_is_taken_for_what_it_is(shared_data):
    wrong, told = [], {}
    for file in sorted(path for path in shared_data.rglob("*") if path.is_file()):
        name = str(file.relative_to(shared_data))
        if name.startswith("model/"):
            continue
        try:
            rows = [row.fields for row in islice(plan_reading(file, file.name).rows(), _SAMPLE_ROWS)]
            guess = guess_format(file.name, [row for row in rows if row is not None])
        except (FileUnreadable, FormatUnknown):
            found = NONE
        else:
            found = guess.value
            told[name] = say("en", f"choice.{guess.reason}", **guess.values)
        if found != expected_of(name):
            wrong.append((name, found, expected_of(name)))
    assert not wrong
    assert len(told) > 160 and all(told.values())


@pytest.mark.parametrize("name", FORMATS.names)
def test_no_format_claims_the_example_of_another(name):
    row = FORMATS[name].example.row
    sure = {plug.name: plug.guess(list(row), [row] * 30).confidence for plug in FORMATS}
    best = sure.pop(name)
    assert best >= 0.9 and best > max(sure.values()), sure
