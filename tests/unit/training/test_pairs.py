"""Which tokens of a pair are judged, and which pairs are left out and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.models.catalogue import POCKET, Base, read_base
from studio.models.rendering import Renderer
from studio.training.measures import Lengths
from studio.training.pairs import (
    Pair,
    RenderedPair,
    common_length,
    find_pair_drop_cause,
    iterate_pairs,
    iterate_rendered,
    iterate_trained_pairs,
)
from studio.training.rows import RowCount
from tests.training_runs import read_sample, write_version

NOWHERE = Path("/nonexistent")


def find_base(name: str, request: pytest.FixtureRequest) -> Base:
    if name == POCKET:
        return read_base(POCKET, (), NOWHERE)
    return read_base(f"folder:{name}", (request.getfixturevalue("shared_data") / "model",), NOWHERE)


def pair(prompt: list[dict] | str, chosen: str, rejected: str) -> Pair:
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    sides = ([{"role": "assistant", "content": text}] for text in (chosen, rejected))
    return Pair(1, turns, *sides, False, 0.5)


def render(renderer: Renderer, *pairs: Pair) -> list[RenderedPair]:
    return [rendered for _, rendered in iterate_rendered(pairs, renderer)]


def judged(renderer: Renderer, row) -> list[str]:
    return [renderer.tokenizer.decode(row.ids[start:end], skip_special_tokens=False) for start, end in row.spans]


@pytest.mark.parametrize("name", [POCKET, "stories260K"])
def test_the_tokens_that_are_judged_are_the_reply_and_its_end(name, request):
    renderer = Renderer(find_base(name, request))
    records = [r for r in read_sample("shop_pairs") if all(side[0]["content"].isascii() for side in r.values())][:40]
    pairs = [Pair(0, r["prompt"], r["chosen"], r["rejected"], False, 0.5) for r in records]
    for record, rendered in zip(records, render(renderer, *pairs), strict=True):
        assert judged(renderer, rendered.chosen) == [record["chosen"][0]["content"] + renderer.end_token]
        assert judged(renderer, rendered.rejected) == [record["rejected"][0]["content"] + renderer.end_token]


@pytest.mark.parametrize("name", [POCKET])
def test_a_reply_begins_where_trl_lets_it_begin(name, request, tmp_path):
    """Against the columns that trl's own preparation makes of the same pairs with the base's template."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    base = find_base(name, request)
    records = read_sample("shop_pairs")[:40]
    config = DPOConfig(str(tmp_path), use_cpu=True, bf16=False, report_to="none")
    model = AutoModelForCausalLM.from_pretrained(base.folder)
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    trainer = DPOTrainer(
        model, model.__class__(model.config), config, None, Dataset.from_list(records), None, tokenizer
    )
    pairs = [Pair(0, r["prompt"], r["chosen"], r["rejected"], False, 0.5) for r in records]
    for theirs, ours in zip(trainer.train_dataset, render(Renderer(base), *pairs), strict=True):
        for side in ("chosen", "rejected"):
            row = getattr(ours, side)
            assert list(row.ids) == theirs["prompt_ids"] + theirs[f"{side}_ids"]
            assert row.first_trained == len(theirs["prompt_ids"])


def test_what_was_said_earlier_in_the_prompt_is_not_judged():
    renderer = Renderer(read_base(POCKET, (), NOWHERE))
    turns = [("user", "Hello."), ("assistant", "Welcome."), ("user", "How much is the mug?")]
    prompt = [{"role": role, "content": text} for role, text in turns]
    (rendered,) = render(renderer, pair(prompt, "500 yen, thank you.", "500."))
    assert judged(renderer, rendered.chosen) == ["500 yen, thank you.<|im_end|>"]
    assert judged(renderer, rendered.rejected) == ["500.<|im_end|>"]


def test_each_reply_of_a_longer_answer_is_judged_and_the_question_between_them_is_not():
    renderer = Renderer(read_base(POCKET, (), NOWHERE))
    asked = {"role": "user", "content": "And the cup?"}
    first, second = ({"role": "assistant", "content": text} for text in ("500 yen.", "300 yen."))
    long = Pair(1, [{"role": "user", "content": "Mug?"}], [first, asked, second], [second], False, 0.5)
    (rendered,) = render(renderer, long)
    assert judged(renderer, rendered.chosen) == ["500 yen.<|im_end|>", "300 yen.<|im_end|>"]


def test_a_pair_that_teaches_nothing_is_left_out_by_cause(tmp_path):
    """The shop's longest prompt has more than 20 tokens; two replies that differ at their 40th are the same before it."""
    renderer = Renderer(read_base(POCKET, (), NOWHERE))
    long = "How much is the blue mug on the second shelf from the left? " * 4
    same = "The mug costs five hundred yen, tax included, and " * 4
    (filled, alike, good) = render(
        renderer, pair(long, "Yes.", "No."), pair("Mug?", same + "thanks.", same + "bye."), pair("Mug?", "Yes.", "No.")
    )
    assert find_pair_drop_cause(filled, 24) == "prompt_fills"
    assert find_pair_drop_cause(alike, 24) == "same_when_cut"
    assert find_pair_drop_cause(alike, alike.same_until + 1) is None
    assert find_pair_drop_cause(good, 24) is None
    (twin,) = render(renderer, pair("Mug?", "Yes.", "Yes."))
    assert find_pair_drop_cause(twin, 512) == "same_when_cut"


def test_every_row_of_a_version_is_counted_once(tmp_path):
    records = [*read_sample("shop_pairs")[:30], *read_sample()[:5]]
    fingerprint = write_version(tmp_path, records)
    count, renderer = RowCount(), Renderer(read_base(POCKET, (), NOWHERE))
    path = tmp_path / "versions" / f"{fingerprint}.parquet"
    kept = list(iterate_trained_pairs(iterate_pairs(path, count), renderer, 40, count))
    assert count.dropped["wrong_kind"] == 5
    assert count.read == 35 == count.kept + count.dropped.total()
    assert count.kept == len(kept) and 0 < count.truncated <= count.kept


def test_lengths_of_pairs_tell_for_any_maximum_what_a_run_will_read():
    """Against a plain count over the rendered pairs themselves."""
    renderer = Renderer(read_base(POCKET, (), NOWHERE))
    pairs = render(
        renderer,
        *(Pair(0, r["prompt"], r["chosen"], r["rejected"], False, 0.5) for r in read_sample("shop_pairs")[:60]),
    )
    lengths = Lengths()
    for rendered in pairs:
        lengths.add_pair(rendered)
    assert lengths.are_pairs and lengths.rows == 60
    for most in (12, 24, 32, 48, 512):
        kept = [rendered for rendered in pairs if find_pair_drop_cause(rendered, most) is None]
        assert lengths.count_nothing(most) == 60 - len(kept)
        assert lengths.count_tokens(most) == sum(rendered.count_tokens(most) for rendered in kept)
        assert lengths.count_cut(most) == sum(rendered.longest > most for rendered in kept)


def test_rows_have_in_common_what_they_begin_with():
    assert common_length([1, 2, 3], [1, 2, 4]) == 2
    assert common_length([1, 2], [1, 2, 3]) == 2
    assert common_length([], [1]) == 0
