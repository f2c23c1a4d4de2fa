"""Pretraining continues where it was cut, and a short tuning moves the shipped model."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from studio.pocket.held_out import held_out_prompts
from studio.pocket.pretraining import Plan, iterate_pretraining
from studio.pocket.samples import sft_rows
from studio.pocket.tuning import Recipe, encode_rows, held_out_loss, load_pocket, sample_replies, tune

SHIPPED = Path(__file__).parents[3] / "assets" / "pocket"
SHORT = {"batch_windows": 1, "compiled": False, "warmup_steps": 2, "validation_windows": 8}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))


def test_the_rate_is_flat_then_falls_to_zero():
    """100 steps, half flat: full until step 50, half of it at step 75, one fiftieth at the last."""
    plan = Plan(tokens=100 * 4096, warmup_steps=4)
    assert plan.steps == 100
    assert [plan.rate_factor(step) for step in (0, 3, 49, 75, 99)] == [0.25, 1.0, 1.0, 0.5, 0.02]


def test_a_cut_pretraining_ends_with_the_same_loss_as_an_uncut_one(tokenizer: Tokenizer, tmp_path: Path):
    plan = Plan(tokens=6 * 512, checkpoint_every=100, **SHORT)
    whole = list(iterate_pretraining(tokenizer, plan, tmp_path / "whole"))[-1]
    cut_plan = Plan(tokens=6 * 512, checkpoint_every=3, **SHORT)
    cut = iterate_pretraining(tokenizer, cut_plan, tmp_path / "cut")
    assert next(cut)["step"] == 3
    cut.close()
    continued = list(iterate_pretraining(tokenizer, cut_plan, tmp_path / "cut"))[-1]
    assert continued["step"] == whole["step"] == 6
    assert continued["validation_loss"] == pytest.approx(whole["validation_loss"], abs=1e-4)
    assert whole["validation_loss"] < 8.4, "an untrained model is at ln 4096 = 8.318 or a little above"


def test_only_the_assistants_tokens_have_labels():
    _, loaded = load_pocket(str(SHIPPED))
    row = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Open."}]}
    ids, labels = encode_rows(loaded, [row])[0]
    assert len(ids) == len(labels)
    assert loaded.decode([label for label in labels if label != -100]) == "Open.<|im_end|>"


@pytest.mark.slow
def test_thirty_steps_of_tuning_lower_the_held_out_loss():
    model, loaded = load_pocket(str(SHIPPED))
    rows = sft_rows()
    held_out = rows[-100:]
    before = held_out_loss(model, loaded, held_out)
    tuned, run = tune(model, loaded, rows[:480], Recipe(), seed=1)
    assert run["steps"] == 30
    assert held_out_loss(tuned, loaded, held_out) < before - 0.02
    prompts = [list(prompt.messages) for prompt in held_out_prompts()[:8]]
    replies = sample_replies(tuned, loaded, prompts, 0.7, seed=1)
    assert replies == sample_replies(tuned, loaded, prompts, 0.7, seed=1)
    assert all(reply.strip() for reply in replies)
