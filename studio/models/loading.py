"""Loading a base model's weights: safetensors only, no remote code, in the dtype the plan asks for."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from studio.errors import BaseUnreadable, OutOfMemory
from studio.models.catalogue import Base
from studio.models.machine import read_memory_bytes

Quantisation = Literal["nf4", "int8"]
_LEAST_BYTES: Mapping[str, float] = {"float32": 4, "bfloat16": 2, "int8": 1, "nf4": 0.5}


def load_model(base: Base, dtype: str, device: str, quantisation: Quantisation | None = None) -> Any:
    """The base as a transformers model on its device, frozen, in evaluation mode.

    quantisation: keeps the linear layers in 4 bits (nf4, its constants quantised once more) or in 8, and computes with
    them in `dtype`; the word table and the head stay in `dtype`. Raises OutOfMemory before it loads what cannot fit,
    BaseUnreadable where transformers cannot use the files.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    _check_memory(base, quantisation or dtype, device)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base.folder,
            dtype=torch.bfloat16 if dtype == "bfloat16" else torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            **(_quantised(quantisation, dtype, device) if quantisation else {}),
        )
    except SafetensorError as error:
        raise BaseUnreadable(model=base.id, file="model.safetensors") from error
    except (OSError, ValueError, KeyError) as error:
        raise BaseUnreadable(model=base.id, file="config.json") from error
    model.requires_grad_(False)
    if quantisation:
        _disarm_packing(model)
        return model.eval()
    return model.to(device).eval()


def _quantised(quantisation: Quantisation, dtype: str, device: str) -> dict[str, Any]:
    import torch
    from transformers import BitsAndBytesConfig

    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # int8 tells of its casts in every layer of every step
    four = {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "bnb_4bit_compute_dtype": torch.bfloat16 if dtype == "bfloat16" else torch.float32,
    }
    config = BitsAndBytesConfig(**(four if quantisation == "nf4" else {"load_in_8bit": True}))
    return {"quantization_config": config, "device_map": device}


def _disarm_packing(model: Any) -> None:
    """Keeps 4-bit layers trainable on processors with avx512_bf16.

    There the first forward without gradients repacks a layer for inference, and from then on no gradient passes
    through it: evaluating before training left a sixth of the gradient norm, and almost nothing was learned.
    """
    import bitsandbytes

    for layer in model.modules():
        if isinstance(layer, bitsandbytes.nn.Linear4bit):
            layer.support_avx512bf16_for_cpu = False


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


def _check_memory(base: Base, precision: str, device: str) -> None:
    import torch

    asked = round(base.parameters * _LEAST_BYTES[precision])
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else read_memory_bytes()
    if free is not None and asked > free:
        raise OutOfMemory(asked_bytes=asked, free_bytes=free)
