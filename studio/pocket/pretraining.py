"""Pretrains the pocket model from scratch: Muon for the matrices, AdamW for the rest, flat then falling rate."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.pocket.architecture import build_model
from studio.pocket.corpus import CONTEXT, SHARD_TOKENS, VALIDATION_SHARD, build_shard

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Plan:
    """`tokens` is rounded up to whole steps. The rate is flat for `flat_fraction` (0..1) of the steps, then falls to zero."""

    tokens: int = 16_000_000
    batch_windows: int = 8
    matrix_rate: float = 0.02
    other_rate: float = 3e-3
    warmup_steps: int = 40
    flat_fraction: float = 0.5
    seed: int = 7
    compiled: bool = True
    checkpoint_every: int = 250
    validation_windows: int = 128

    @property
    def step_tokens(self) -> int:
        return self.batch_windows * CONTEXT

    @property
    def steps(self) -> int:
        return -(-self.tokens // self.step_tokens)

    def rate_factor(self, step: int) -> float:
        """0..1 for the step that comes next; `step` counts from 0."""
        warm = min(1.0, (step + 1) / self.warmup_steps)
        flat = self.flat_fraction * self.steps
        fall = 1.0 if step < flat else max(0.0, (self.steps - step) / max(1.0, self.steps - flat))
        return warm * fall


def build_optimizers(model: "torch.nn.Module", plan: Plan) -> list["torch.optim.Optimizer"]:
    """Muon for the matrices inside the layers, AdamW for embeddings and norms."""
    import torch

    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=plan.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def build_loss(model: "torch.nn.Module", compiled: bool) -> Any:
    """A function (B, T) int64 -> mean loss of the next token, in bfloat16 autocast."""
    import torch

    def loss_of(ids: "torch.Tensor") -> "torch.Tensor":
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
        return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())

    return torch.compile(loss_of, dynamic=False) if compiled else loss_of


def iterate_batches(tokenizer: "Tokenizer", plan: Plan, first_step: int) -> Iterator["torch.Tensor"]:
    """(B, 512) int64, in the corpus' own order, from `first_step` on."""
    import torch

    for step in range(first_step, plan.steps):
        shard_index, offset = divmod(step * plan.step_tokens, SHARD_TOKENS)
        if offset == 0 or step == first_step:
            shard = torch.from_numpy(build_shard(shard_index, tokenizer).astype("int64"))
        start = offset // CONTEXT
        yield shard[start : start + plan.batch_windows]


def validation_loss(model: "torch.nn.Module", tokenizer: "Tokenizer", windows: int) -> float:
    """Mean loss in nats a token on windows that are never trained on."""
    import torch

    data = torch.from_numpy(build_shard(VALIDATION_SHARD, tokenizer)[:windows].astype("int64"))
    loss_of = build_loss(model, compiled=False)
    with torch.no_grad():
        losses = [loss_of(part).item() for part in data.split(8)]
    return sum(losses) / len(losses)


def iterate_pretraining(tokenizer: "Tokenizer", plan: Plan, work: Path) -> Iterator[dict[str, Any]]:
    """Trains and yields one dict a report; the last holds `model`. Continues from `work`/checkpoint.pt if there is one."""
    import torch

    model = build_model(plan.seed)
    optimizers = build_optimizers(model, plan)
    bases = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
    step, seconds = 0, 0.0
    kept = work / "checkpoint.pt"
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        step, seconds = state["step"], state["seconds"]
    loss_of = build_loss(model, plan.compiled)
    started, first, running = time.monotonic() - seconds, step, 0.0
    model.train()
    for batch in iterate_batches(tokenizer, plan, step):
        factor = plan.rate_factor(step)
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        for group, base in zip(groups, bases, strict=True):
            group["lr"] = base * factor
        loss = loss_of(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        running += loss.item()
        if step % 25 == 0:
            now = time.monotonic() - started
            yield {
                "step": step,
                "steps": plan.steps,
                "loss": round(running / 25, 4),
                "tokens_per_s": round((step - first) * plan.step_tokens / max(1e-9, now - seconds)),
                "seconds": round(now, 1),
            }
            running = 0.0
        if step % plan.checkpoint_every == 0:
            _keep(kept, model, optimizers, step, time.monotonic() - started)
            yield {"step": step, "validation_loss": round(validation_loss(model, tokenizer, 32), 4)}
    model.eval()
    final = validation_loss(model, tokenizer, plan.validation_windows)
    yield {"step": step, "validation_loss": final, "seconds": time.monotonic() - started, "model": model}


def _keep(path: Path, model: "torch.nn.Module", optimizers: list, step: int, seconds: float) -> None:
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    state = {
        "model": model.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "step": step,
        "seconds": seconds,
    }
    torch.save(state, part)
    part.replace(path)
