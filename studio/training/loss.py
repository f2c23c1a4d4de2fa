"""The loss of a batch from one forward, by one of two paths that give the same number."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as functional

IGNORED = -100
# Models that scale or cap their logits after the head: only their own forward knows how.
_OWN_HEAD = ("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")


def can_select_positions(model: Any) -> bool:
    """Whether logits may be computed for the trained positions alone: a plain linear head over a backbone."""
    config = model.config.get_text_config()
    scaled = any(getattr(config, name, None) not in (None, 1.0, 1) for name in _OWN_HEAD)
    inner = find_inner(model)
    routed = bool(getattr(config, "output_router_logits", False))
    return not scaled and not routed and inner.base_model is not inner and inner.get_output_embeddings() is not None


def find_inner(model: Any) -> Any:
    """The transformers model inside a peft model, or the model itself."""
    return model.get_base_model() if hasattr(model, "peft_config") else model


def sum_loss(model: Any, ids: torch.Tensor, labels: torch.Tensor, loss_path: str) -> torch.Tensor:
    """Sum of the negative log-likelihoods of all labelled tokens; scalar, fp32.

    ids, labels: (B, T), padded on the right. No attention mask: under causal attention nothing to the left of the
    padding sees it, and padded positions carry no label.
    """
    targets = labels[:, 1:]
    if loss_path == "model":
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
        return functional.cross_entropy(
            logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
    inner = find_inner(model)
    hidden = inner.base_model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    trained = targets != IGNORED
    logits = inner.get_output_embeddings()(hidden[trained])
    return functional.cross_entropy(logits.float(), targets[trained], reduction="sum")


def autocast(device: str, dtype: str) -> AbstractContextManager[Any]:
    """Around forward passes: bfloat16 where the plan says so, else nothing."""
    return torch.autocast(device, torch.bfloat16) if dtype == "bfloat16" else nullcontext()


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """(B, longest) of int64, padded on the right."""
    padded = torch.full((len(rows), max(len(row) for row in rows)), value, dtype=torch.long)
    for number, row in enumerate(rows):
        padded[number, : len(row)] = torch.as_tensor(row, dtype=torch.long)
    return padded
