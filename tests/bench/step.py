"""A training step of ours against a plain PyTorch loop: the same model, adapter, batches and dtype."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from studio.models.catalogue import POCKET, read_base
from studio.models.machine import Machine, Plan
from studio.training.run import Outcome, Run
from tests.training_runs import chosen_options, read_sample

BLOCKS, TRL_BLOCKS, STEPS, WARM_UP = 7, 3, 24, 4
BATCH = 16


def measure(quick: bool = False) -> dict[str, Any]:
    """Milliseconds a step by block, and the ratio of the two: the median over blocks that alternate.

    Ours includes its checkpoints. `wall` is time on the clock; `cpu` is processor time of all threads, which other load on the machine disturbs less.

    `plain` is the loop that a person would write: the model's own loss, backward, clipping, AdamW, schedule.
    `trl` is trl's SFTTrainer with its own loss, for comparison, in fewer blocks.
    """
    blocks, steps = (1, 8) if quick else (BLOCKS, STEPS)
    setting = _Setting(steps)
    found: dict[str, Any] = {
        "rows_a_step": BATCH,
        "tokens_a_step": setting.tokens_a_step,
        "steps_a_block": steps - WARM_UP,
    }
    for dtype in ("float32", "bfloat16"):
        times: dict[str, list[Step]] = {"ours": [], "plain": [], "trl": []}
        for block in range(blocks):
            for name in ("ours", "plain") if block % 2 else ("plain", "ours"):
                times[name].append(setting.time(name, dtype))
            if dtype == "float32" and block < TRL_BLOCKS:
                times["trl"].append(setting.time("trl", dtype))
        found[dtype] = {clock: _summary(times, clock) for clock in Step._fields}
    return found


class Step(NamedTuple):
    """Milliseconds a step: on the clock, and of the processor."""

    wall: float
    cpu: float


def _summary(times: dict[str, list[Step]], clock: str) -> dict[str, Any]:
    taken = {name: [getattr(step, clock) for step in steps] for name, steps in times.items()}
    ratios = [ours / plain for ours, plain in zip(taken["ours"], taken["plain"], strict=True)]
    summary = {f"{name}_ms": round(statistics.median(values), 1) for name, values in taken.items() if values}
    if taken["trl"]:
        trl = [trl / plain for trl, plain in zip(taken["trl"], taken["plain"], strict=False)]
        summary["trl_to_plain"] = round(statistics.median(trl), 3)
    return summary | {
        "ours_to_plain": round(statistics.median(ratios), 3),
        "ours_to_plain_by_block": [round(ratio, 3) for ratio in ratios],
    }


class _Setting:
    """The pocket model and as many sample rows as the steps of one block need."""

    def __init__(self, steps: int) -> None:
        from studio.models.rendering import Renderer

        self.steps = steps
        self.base = read_base(POCKET, (), Path("/nonexistent"))
        self.renderer = Renderer(self.base)
        conversations = [record["messages"] for record in read_sample()[: steps * BATCH]]
        self.rows = list(self.renderer.iterate_rows(conversations))
        self.tokens_a_step = round(sum(len(row.ids) for row in self.rows) / steps)

    def time(self, name: str, dtype: str) -> Step:
        """A step's time after the first few."""
        with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as folder:
            run = self._run(Path(folder), dtype)
            return {"ours": self._time_ours, "plain": self._time_plain, "trl": self._time_trl}[name](run)

    def _run(self, folder: Path, dtype: str) -> Run:
        import torch
        from transformers import set_seed

        from studio.adapters import ADAPTERS
        from studio.models.loading import load_model

        cores = Machine("cpu", "", torch.get_num_threads(), None)
        options, adapter_options = chosen_options(self.base, len(self.rows), epochs=1, batch_size=BATCH)
        model = load_model(self.base, dtype, "cpu")
        set_seed(options.seed)
        return Run(
            folder=folder,
            base=self.base,
            machine=cores,
            plan=Plan(dtype, cores.cores, "trained", 0.01, 1e-4, {}),
            renderer=self.renderer,
            model=ADAPTERS["lora"].build(model, adapter_options.model_copy(update={"train_embeddings": False})),
            options=options,
            rows=self.rows,
            held_out=[],
            prompts=(),
            emit=lambda event: None,
            should_stop=lambda: False,
        )

    def _time_ours(self, run: Run) -> Step:
        from studio.training.session import build_trainer

        trainer, _ = build_trainer(run, Outcome())
        trainer.add_callback(clock := _clock())
        trainer.train()
        return clock.step()

    def _time_trl(self, run: Run) -> Step:
        from datasets import Dataset
        from trl import SFTTrainer

        from studio.training.session import build_config, build_tokenizer

        most = run.options.max_length_tokens
        rows = {
            "input_ids": [row.ids.tolist() for row in run.rows],
            "labels": [row.labels(most).tolist() for row in run.rows],
        }
        trainer = SFTTrainer(
            model=run.model,
            args=build_config(run),
            processing_class=build_tokenizer(run),
            train_dataset=Dataset.from_dict(rows),
            callbacks=[clock := _clock()],
        )
        trainer.train()
        return clock.step()

    def _time_plain(self, run: Run) -> Step:
        import torch
        from transformers import get_cosine_schedule_with_warmup

        from studio.training.loss import autocast

        model = run.model.train()
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=run.options.learning_rate, weight_decay=0.0)
        schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(0.05 * self.steps), self.steps)
        clock = _clock()
        for step, batch in enumerate(self._batches(run), 1):
            with autocast("cpu", run.plan.dtype):
                loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            loss.item()
            clock.look(step)
        return clock.step()

    def _batches(self, run: Run) -> Iterator[dict[str, Any]]:
        """Batches in the order in which the trainer draws them, with the mask that transformers is usually given."""
        import torch

        from studio.training.session import build_trainer

        trainer, _ = build_trainer(replace(run, folder=run.folder / "order"), Outcome())
        order = list(trainer.get_train_dataloader())
        for batch in order:
            ids, labels = batch["input_ids"], batch["labels"]
            lengths = (ids != self.renderer.pad_id).sum(1)
            mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
            yield {"input_ids": ids, "labels": labels, "attention_mask": mask}


def _clock() -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """From the end of the last warm-up step to the end of the last step."""

        began = ended = (0.0, 0.0)
        steps = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.look(state.global_step)

        def look(self, step: int) -> None:
            self.ended, self.steps = (time.perf_counter(), time.process_time()), step
            if step == WARM_UP:
                self.began = self.ended

        def step(self) -> Step:
            wall, cpu = (ended - began for began, ended in zip(self.began, self.ended, strict=True))
            return Step(*(1000 * seconds / (self.steps - WARM_UP) for seconds in (wall, cpu)))

    return Clock()
