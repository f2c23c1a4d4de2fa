"""What the real trainer is given, and what it takes its loss on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from studio.adapters import ADAPTERS
from studio.events import Event
from studio.models.catalogue import POCKET, Base, read_base
from studio.models.loading import load_model
from studio.models.machine import Machine, Plan
from studio.models.rendering import Renderer
from studio.training.loss import IGNORED, can_select_positions, pad_rows, sum_loss
from studio.training.run import Outcome, Run
from studio.training.session import build_trainer
from tests.training_runs import chosen_options, read_sample

NOWHERE = Path("/nonexistent")


def make_run(
    folder: Path, base: Base, records: list[dict], held_out: list[dict] = (), **settings: Any
) -> tuple[Run, list[Event]]:  # type: ignore[assignment]
    events: list[Event] = []
    renderer = Renderer(base)
    options, adapter_options = chosen_options(base, len(records), **{"batch_size": 4, "epochs": 1, **settings})
    torch.manual_seed(options.seed)
    run = Run(
        folder=folder,
        base=base,
        machine=Machine("cpu", "", 1, None),
        plan=Plan("float32", 1, settings.pop("loss_path", "trained"), 0.01, 1e-4, {}),
        renderer=renderer,
        model=ADAPTERS["lora"].build(load_model(base, "float32", "cpu"), adapter_options),
        options=options,
        rows=list(renderer.iterate_rows([record["messages"] for record in records])),
        held_out=list(renderer.iterate_rows([record["messages"] for record in held_out])),
        prompts=(),
        emit=events.append,
        should_stop=lambda: False,
    )
    return run, events


def find_base(name: str, request: pytest.FixtureRequest) -> Base:
    if name == POCKET:
        return read_base(POCKET, (), NOWHERE)
    return read_base(f"folder:{name}", (request.getfixturevalue("shared_data") / "model",), NOWHERE)


@pytest.mark.parametrize("name", [POCKET, "stories260K"])
def test_the_tokens_a_real_batch_trains_are_exactly_the_replies_and_their_ends(name, request, tmp_path):
    """Every label of every batch that the trainer draws, decoded, against the words of the sample's file."""
    base = find_base(name, request)
    records = [r for r in read_sample() if all(m["content"].isascii() for m in r["messages"])][:24]
    run, _ = make_run(tmp_path, base, records, max_length_tokens=512)
    trainer, _ = build_trainer(run, Outcome())
    trained: list[str] = []
    for batch in trainer.get_train_dataloader():
        assert set(batch) == {"input_ids", "labels", "tokens"}
        for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
            assert torch.equal(ids[labels != IGNORED], labels[labels != IGNORED])
            starts = ((labels != IGNORED) & (labels.roll(1) == IGNORED)).nonzero().flatten().tolist()
            for start in starts:
                end = next((i for i in range(start, len(labels)) if labels[i] == IGNORED), len(labels))
                trained.append(run.renderer.tokenizer.decode(ids[start:end].tolist(), skip_special_tokens=False))
    said = [m["content"] for r in records for m in r["messages"] if m["role"] == "assistant"]
    assert sorted(trained) == sorted(reply + run.renderer.end_token for reply in said)


def test_rows_are_as_many_after_the_trainers_preparation_as_before(tmp_path):
    run, _events = make_run(tmp_path, read_base(POCKET, (), NOWHERE), read_sample()[:30])
    trainer, _ = build_trainer(run, Outcome())
    assert len(trainer.train_dataset) == 30
    assert sum(len(batch["input_ids"]) for batch in trainer.get_train_dataloader()) == 30


def small_batch(base: Base, rows: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    renderer = Renderer(base)
    made = list(renderer.iterate_rows([record["messages"] for record in read_sample()[:rows]]))
    ids = pad_rows([row.ids for row in made], renderer.pad_id)
    labels = pad_rows([row.labels(512) for row in made], IGNORED)
    mask = pad_rows([[1] * len(row.ids) for row in made], 0)
    return ids, labels, mask


def test_both_paths_give_the_models_own_loss_and_its_gradients():
    """Against transformers' own loss with its mask: the number, and the gradient of every adapter weight."""
    base = read_base(POCKET, (), NOWHERE)
    _, options = chosen_options(base, 100, train_embeddings=False)
    torch.manual_seed(0)
    model = ADAPTERS["lora"].build(load_model(base, "float32", "cpu"), options)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    ids, labels, mask = small_batch(base)
    count = (labels[:, 1:] != IGNORED).sum()

    def gradients(loss: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad(loss, [p for p in model.parameters() if p.requires_grad]))

    expected = model(input_ids=ids, attention_mask=mask, labels=labels).loss
    wanted = gradients(expected)
    assert can_select_positions(model)
    for path in ("trained", "model"):
        loss = sum_loss(model, ids, labels, path) / count
        assert torch.allclose(loss, expected, atol=1e-5), path
        for ours, theirs in zip(gradients(loss), wanted, strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5), path


def test_accumulated_batches_take_the_step_of_one_large_batch(tmp_path):
    """8 rows as 2 × 4 and as 1 × 8: the same loss and the same gradient norm, whatever the rows' lengths."""
    base = read_base(POCKET, (), NOWHERE)
    seen = []
    for batch, accumulation in ((8, 1), (4, 2)):
        run, events = make_run(tmp_path / str(batch), base, read_sample()[:8], batch_size=batch,
                               gradient_accumulation=accumulation, train_embeddings=False)  # fmt: skip
        trainer, _ = build_trainer(run, Outcome())
        trainer.train()
        steps = [event for event in events if event.kind == "step"]
        assert len(steps) == 1
        seen.append(steps[0])
    assert seen[0].loss == pytest.approx(seen[1].loss, abs=1e-5)
    assert seen[0].grad_norm == pytest.approx(seen[1].grad_norm, rel=1e-4)
    assert seen[0].tokens == seen[1].tokens


def test_the_loss_of_a_step_is_the_mean_over_its_trained_tokens(tmp_path):
    base = read_base(POCKET, (), NOWHERE)
    run, events = make_run(tmp_path, base, read_sample()[:4], train_embeddings=False)
    ids, labels, mask = small_batch(base, 4)
    with torch.no_grad():
        expected = run.model(input_ids=ids, attention_mask=mask, labels=labels).loss.item()
    trainer, _ = build_trainer(run, Outcome())
    trainer.train()
    step = next(event for event in events if event.kind == "step")
    assert step.loss == pytest.approx(expected, abs=1e-5)
    assert step.tokens == int(mask.sum())


def test_a_loss_that_is_no_number_is_a_gap_and_leaves_the_adapter_usable(tmp_path, monkeypatch):
    run, events = make_run(tmp_path, read_base(POCKET, (), NOWHERE), read_sample()[:40])
    trainer, _ = build_trainer(run, Outcome())
    calls: list[int] = []
    whole = trainer.compute_loss

    def poisoned(*args, **kwargs):
        calls.append(1)
        return whole(*args, **kwargs) * (float("nan") if len(calls) == 3 else 1.0)

    monkeypatch.setattr(trainer, "compute_loss", poisoned)
    trainer.train()
    losses = [event.loss for event in events if event.kind == "step"]
    assert len(losses) == 10
    assert [index for index, loss in enumerate(losses) if loss is None] == [2]
    assert [event.code for event in events if event.kind == "notice"] == ["loss_not_finite"]
    assert all(torch.isfinite(parameter).all() for parameter in run.model.parameters())


def test_a_model_that_never_gives_a_number_is_given_up_with_the_rate_to_lower(tmp_path, monkeypatch):
    from studio.errors import TrainingDiverged

    run, _ = make_run(tmp_path, read_base(POCKET, (), NOWHERE), read_sample()[:80], learning_rate=0.5)
    trainer, _ = build_trainer(run, Outcome())
    whole = trainer.compute_loss
    monkeypatch.setattr(trainer, "compute_loss", lambda *a, **k: whole(*a, **k) * float("inf"))
    with pytest.raises(TrainingDiverged) as caught:
        trainer.train()
    assert caught.value.values == {"step": 10, "steps": 10, "learning_rate": 0.5}


def test_the_schedule_warms_up_from_zero_and_ends_near_it(tmp_path):
    run, events = make_run(
        tmp_path, read_base(POCKET, (), NOWHERE), read_sample()[:80], warm_up_fraction=0.2, learning_rate=1e-3
    )
    trainer, _ = build_trainer(run, Outcome())
    trainer.train()
    rates = [event.learning_rate for event in events if event.kind == "step"]
    assert rates[0] == 0.0 and max(rates) == pytest.approx(1e-3) and rates.index(max(rates)) == 4
    assert rates[-1] < 1e-4


def test_nothing_phones_home_and_nothing_is_pickled_into_the_run(tmp_path):
    run, _ = make_run(tmp_path, read_base(POCKET, (), NOWHERE), read_sample()[:8])
    trainer, _ = build_trainer(run, Outcome())
    trainer.train()
    assert trainer.args.report_to == []
    assert not trainer.args.gradient_checkpointing and not trainer.args.bf16
    assert not list(tmp_path.rglob("*.bin"))
