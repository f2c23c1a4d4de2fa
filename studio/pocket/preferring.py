"""Measures what preferences change: a default tuning of a pocket model, continued on the sample of pairs; the report is JSON."""

from __future__ import annotations

import statistics as mean_of
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.adapters import ADAPTERS
from studio.data.records import split_key
from studio.data.splits import HELD_OUT, held_out_threshold, split_of
from studio.models.catalogue import Base, read_base_folder
from studio.models.lineage import Lineage
from studio.models.machine import Machine, Plan
from studio.models.rendering import Renderer
from studio.options import Situation, read_options
from studio.pocket.evaluate import SEEDS, rate_with_interval, shop_measures
from studio.pocket.held_out import held_out_prompts, unseen_prompts
from studio.pocket.samples import pair_rows, sft_rows
from studio.training.methods import METHODS
from studio.training.pairs import Pair, iterate_trained_pairs
from studio.training.rate import REPLIES
from studio.training.rows import Conversation, RowCount, iterate_trained_rows
from studio.training.run import Outcome, Prompt, Run
from studio.training.trainspec import Parent

HELD_OUT_FRACTION = 0.1


class Bench:
    """One base on this machine, trained as the app trains it by default."""

    def __init__(self, folder: Path) -> None:
        from studio.training.probe import find_machine, measure_plan

        self.base: Base = read_base_folder("pocket", folder)
        self.renderer = Renderer(self.base)
        self.machine: Machine = find_machine()
        adapter = ADAPTERS["lora"]
        options, _ = read_options(adapter.options, {}, self._situation(1000, None))
        self.plan: Plan = measure_plan(self.base, self.machine, adapter, options, 10.0)

    def train(self, method: str, out: Path, seed: int, parent: Path | None, **settings: Any) -> dict[str, Any]:
        """Trains on the method's own sample and saves the adapter in `out`; the numbers of the run."""
        from transformers import set_seed

        from studio.models.loading import load_model
        from studio.training.continued import load_adapter
        from studio.training.result import write_adapter

        records = pair_rows() if method == "dpo" else sft_rows()
        rows, held_out, prompts = self._render(records, method)
        longest = max(_length(row) for row in rows + held_out)
        situation = self._situation(len(records), longest)
        options, _ = read_options(METHODS[method].options, {"seed": seed, **settings}, situation)
        adapter_options, _ = read_options(ADAPTERS["lora"].options, {}, situation)
        model = load_model(self.base, self.plan.dtype, self.machine.device)
        set_seed(seed)
        if parent:
            model = load_adapter(model, Parent(id="parent", name="parent", folder=str(parent)), self.base)
        else:
            model = ADAPTERS["lora"].build(model, adapter_options)
        events: list[Any] = []
        run = Run(
            folder=out.parent,
            base=self.base,
            machine=self.machine,
            plan=self.plan,
            renderer=self.renderer,
            model=model,
            options=options,
            rows=rows,
            held_out=held_out,
            prompts=(),
            emit=events.append,
            should_stop=lambda: False,
            rated=tuple(prompts[:REPLIES]) if method == "dpo" else (),
        )
        outcome, began = Outcome(), time.monotonic()
        events += METHODS[method].train(run, outcome)
        seconds = time.monotonic() - began
        write_adapter(run, out, Lineage(base=self.base.id, base_bytes=self.base.bytes))
        return {
            "steps": outcome.step,
            "seconds": round(seconds, 1),
            "seconds_training": round(outcome.seconds_training, 1),
            "before": _rounded(outcome.before),
            "after": _rounded(outcome.after),
            "rates": [e.metrics["rate"] for e in events if e.kind == "evaluated" and e.split == "samples"],
            "notices": [e.code for e in events if e.kind == "notice"],
        }

    def measure(self, adapter: Path, seed: int) -> dict[str, Any]:
        """Sampled replies at temperature 0.7 to prompts that no row holds."""
        from peft import PeftModel
        from transformers import AutoTokenizer

        from studio.models.loading import load_model

        model = PeftModel.from_pretrained(load_model(self.base, "float32", self.machine.device), adapter).eval()
        tokenizer = AutoTokenizer.from_pretrained(self.base.folder)
        found = shop_measures(model, tokenizer, held_out_prompts(), 0.7, seed)
        unseen = shop_measures(model, tokenizer, unseen_prompts(), 0.7, seed)
        return found | {"unseen_words": {name: unseen[name] for name in ("on_topic", "polite")}}

    def _situation(self, rows: int, longest: int | None) -> Situation:
        size = (self.base.parameters, self.base.context)
        return Situation(*size, rows, HELD_OUT_FRACTION, longest, self.machine.device, knows_every_token=True)

    def _render(self, records: list[dict], method: str) -> tuple[list[Any], list[Any], list[Prompt]]:
        """Training rows, held-out rows, and the questions of the held-out ones; split as an import splits them."""
        keys = [split_key(record) for record in records]
        threshold = held_out_threshold(keys, HELD_OUT_FRACTION)
        sources = [_source(record, key, split_of(key, threshold)) for record, key in zip(records, keys, strict=True)]
        render = iterate_trained_pairs if method == "dpo" else iterate_trained_rows
        rows: dict[bool, list[Any]] = {True: [], False: []}
        prompts = []
        for source, row in render(sources, self.renderer, 512, RowCount()):
            rows[source.held_out].append(row)
            if source.held_out and isinstance(source, Pair):
                prompts.append(Prompt(source.prompt[-1]["content"], self.renderer.render_prompt(source.prompt)))
        return rows[False], rows[True], prompts


def iterate_preferring(folder: Path, seeds: tuple[int, ...] = SEEDS, **settings: Any) -> Iterator[dict[str, Any]]:
    """One report a seed, then `summary` with means over the seeds. settings: of the second run, for trying others."""
    bench = Bench(folder)
    prompts = len(held_out_prompts())
    before, after, seconds = [], [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="whetstone-") as place:
            first, second = Path(place) / "sft" / "adapter", Path(place) / "dpo" / "adapter"
            tuned = bench.train("sft", first, seed, None)
            before.append(bench.measure(first, seed))
            preferred = bench.train("dpo", second, seed, first, **settings)
            after.append(bench.measure(second, seed))
        seconds.append([tuned["seconds"], preferred["seconds"]])
        yield {"seed": seed, "sft": tuned, "dpo": preferred, "before": before[-1], "after": after[-1]}
    names = ("polite", "on_topic", "polite_and_on_topic")
    yield {
        "summary": {
            "plan": f"{bench.plan.dtype}/{bench.plan.threads}/{bench.plan.loss_path}",
            "seconds": seconds,
            "before": {n: rate_with_interval([found[n] for found in before], prompts) for n in names},
            "after": {n: rate_with_interval([found[n] for found in after], prompts) for n in names},
            "after_unseen_words": {
                n: round(mean_of.fmean(found["unseen_words"][n] for found in after), 4) for n in ("on_topic", "polite")
            },
        }
    }


def _source(record: dict, key: float, split: str) -> Pair | Conversation:
    held_out = split == HELD_OUT
    if "chosen" in record:
        return Pair(0, record["prompt"], record["chosen"], record["rejected"], held_out, key)
    return Conversation(0, record["messages"], held_out, key)


def _length(row: Any) -> int:
    return row.longest if hasattr(row, "longest") else len(row.ids)


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found.items()}
