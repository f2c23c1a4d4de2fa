"""Loading a base model's weights: safetensors only, no remote code, in the dtype the plan asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from studio.errors import BaseUnreadable, OutOfMemory
from studio.models.catalogue import Base
from studio.models.machine import read_memory_bytes


def load_model(base: Base, dtype: str, device: str) -> Any:
    """The base as a transformers model on its device, frozen, in evaluation mode.

    Raises OutOfMemory before it loads what cannot fit, BaseUnreadable where transformers cannot use the files.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    _check_memory(base, dtype, device)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base.folder,
            dtype=torch.bfloat16 if dtype == "bfloat16" else torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise BaseUnreadable(model=base.id, file="config.json") from error
    model.requires_grad_(False)
    return model.to(device).eval()


def find_end_ids(base: Base, end_id: int) -> set[int]:
    """Every token that ends a reply: the tokenizer's, and those of generation_config.json."""
    path = base.folder / "generation_config.json"
    found: Any = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    return {end_id, *(found if isinstance(found, list) else [] if found is None else [found])}


def write_tokenizer(base: Base, template: str, folder: Path) -> None:
    """The base's tokenizer files and the chat template that was used, beside an adapter that was trained with it."""
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "generation_config.json"):
        source = base.folder / name
        if source.is_file():
            (folder / name).write_bytes(source.read_bytes())
    (folder / "chat_template.jinja").write_text(template, "utf-8")


def _check_memory(base: Base, dtype: str, device: str) -> None:
    import torch

    asked = base.parameters * (2 if dtype == "bfloat16" else 4)
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else read_memory_bytes()
    if free is not None and asked > free:
        raise OutOfMemory(asked_bytes=asked, free_bytes=free)
