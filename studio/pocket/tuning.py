"""A plain LoRA loop, no trainer: what the default settings do to the pocket model, and how its replies are sampled."""

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Row = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """The studio's default for the pocket model: one pass, LoRA on every linear layer, cosine rate after 5 % warm-up."""

    rank: int = 16
    alpha: int = 32
    rate: float = 2e-3
    batch: int = 16
    epochs: int = 1
    warmup_fraction: float = 0.05
    train_embeddings: bool = False


def load_pocket(folder: str) -> tuple["torch.nn.Module", Any]:
    """Model in float32 and tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), AutoTokenizer.from_pretrained(folder)


def encode_rows(tokenizer: Any, rows: list[Row]) -> list[tuple[list[int], list[int]]]:
    """(ids, labels) per row; labels are -100 everywhere but on the assistant's tokens and their end token."""
    encoded = []
    for row in rows:
        out = tokenizer.apply_chat_template(
            row["messages"], tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        ids, mask = out["input_ids"][:512], out["assistant_masks"][:512]
        encoded.append((ids, [token if kept else -100 for token, kept in zip(ids, mask, strict=True)]))
    return encoded


def pad_batch(rows: list[tuple[list[int], list[int]]], pad: int) -> dict[str, "torch.Tensor"]:
    """Right-padded `input_ids`, `attention_mask`, `labels`, each (B, T)."""
    import torch

    longest = max(len(ids) for ids, _ in rows)
    gaps = [longest - len(ids) for ids, _ in rows]
    return {
        "input_ids": torch.tensor([ids + [pad] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]),
        "labels": torch.tensor([labels + [-100] * gap for (_, labels), gap in zip(rows, gaps, strict=True)]),
        "attention_mask": torch.tensor([[1] * len(ids) + [0] * gap for (ids, _), gap in zip(rows, gaps, strict=True)]),
    }


def held_out_loss(model: "torch.nn.Module", tokenizer: Any, rows: list[Row]) -> float:
    """Mean loss in nats over the assistant's tokens of all rows."""
    import torch

    total, count = 0.0, 0
    encoded = encode_rows(tokenizer, rows)
    model.eval()
    with torch.no_grad():
        for start in range(0, len(encoded), 32):
            batch = pad_batch(encoded[start : start + 32], tokenizer.pad_token_id)
            tokens = int((batch["labels"][:, 1:] != -100).sum())
            total += model(**batch).loss.item() * tokens
            count += tokens
    return total / count


def tune(model: "torch.nn.Module", tokenizer: Any, rows: list[Row], recipe: Recipe, seed: int) -> tuple[Any, dict]:
    """The model with a trained LoRA adapter on it, and {steps, seconds, last_loss}. `model` itself is changed."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import get_cosine_schedule_with_warmup

    torch.manual_seed(seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        modules_to_save=["embed_tokens"] if recipe.train_embeddings else None,
        ensure_weight_tying=recipe.train_embeddings,
    )
    tuned = get_peft_model(model, config)
    weights = [p for p in tuned.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0)
    encoded = encode_rows(tokenizer, rows)
    steps = -(-len(encoded) // recipe.batch) * recipe.epochs
    schedule = get_cosine_schedule_with_warmup(optimizer, round(recipe.warmup_fraction * steps), steps)
    rng, losses, started = random.Random(seed), [], time.monotonic()
    tuned.train()
    for _ in range(recipe.epochs):
        order = rng.sample(range(len(encoded)), len(encoded))
        for start in range(0, len(order), recipe.batch):
            chosen = [encoded[i] for i in order[start : start + recipe.batch]]
            loss = tuned(**pad_batch(chosen, tokenizer.pad_token_id)).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            losses.append(loss.item())
    tuned.eval()
    return tuned, {"steps": steps, "seconds": round(time.monotonic() - started, 1), "last_loss": round(losses[-1], 4)}


def sample_replies(
    model: "torch.nn.Module",
    tokenizer: Any,
    conversations: list[list[dict]],
    temperature: float,
    seed: int,
    max_new_tokens: int = 64,
) -> list[str]:
    """One sampled reply for each conversation, without special tokens; a reply that does not stop is cut."""
    import torch

    torch.manual_seed(seed)
    tokenizer.padding_side = "left"
    replies = []
    for start in range(0, len(conversations), 64):
        batch = tokenizer.apply_chat_template(
            conversations[start : start + 64],
            add_generation_prompt=True,
            padding=True,
            return_tensors="pt",
            return_dict=True,
        )
        with torch.no_grad():
            out = model.generate(
                **batch, do_sample=True, temperature=temperature, top_k=0, top_p=1.0, max_new_tokens=max_new_tokens
            )
        replies += tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    return replies
