"""Adapters and requests for tests of the model server: made in a moment, and large enough in effect to change replies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from studio.adapters import ADAPTERS
from studio.models.catalogue import POCKET, Base, read_base, read_base_folder
from studio.models.loading import Quantisation, find_end_ids, load_model
from studio.models.rendering import Renderer
from studio.serving.replies import Model, Reply, Request

PROMPTS = (
    "こんにちは。営業時間を教えてください。",
    "What are your opening hours?",
    "返品はできますか?",
    "Hi",
)


def pocket() -> Base:
    return read_base(POCKET, (), Path("/nonexistent"))


@cache
def prompt_ids(base: Base, text: str) -> list[int]:
    return Renderer(base).render_prompt([{"role": "user", "content": text}])


def request_for(model: Model, text: str = PROMPTS[0], **settings: Any) -> Request:
    """Greedy and 24 tokens long unless told otherwise."""
    given = {"max_tokens": 24, "temperature": 0.0} | settings
    return Request(model=model, prompt_ids=prompt_ids(model.base, text), **given)


def write_lora(folder: Path, seed: int, quantisation: Quantisation | None = None, **options: Any) -> Path:
    """An adapter of the pocket model as training writes it, with weights drawn by the seed."""
    import torch

    base = pocket()
    settings = {"rank": 8, "alpha": 16, "dropout": 0.0, "targets": "all_linear", "train_embeddings": False} | options
    torch.manual_seed(seed)
    plug = ADAPTERS["lora"]
    model = plug.build(load_model(base, "float32", "cpu", quantisation), plug.options(**settings))
    return save_shaken(model, folder, seed)


def write_peft(folder: Path, seed: int, config: Any) -> Path:
    """An adapter of any of peft's configurations, with weights drawn by the seed."""
    import torch
    from peft import get_peft_model

    torch.manual_seed(seed)
    return save_shaken(get_peft_model(load_model(pocket(), "float32", "cpu"), config), folder, seed)


def save_shaken(model: Any, folder: Path, seed: int) -> Path:
    """Saves a peft model whose trainable weights were moved: adapters begin as no change at all."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            spread = 0.02 if 4096 in parameter.shape else 0.1
            parameter.data += spread * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(folder, safe_serialization=True)
    change_json(folder / "adapter_config.json", {"base_model_name_or_path": POCKET})
    return folder


def change_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | dict(values)), "utf-8")


def copy_pocket(folder: Path) -> Path:
    shutil.copytree(pocket().folder, folder)
    return folder


def write_tiny_base(folder: Path, architecture: str, **settings: Any) -> Base:
    """A tiny random base of another family, with the pocket model's tokenizer. architecture: "Lfm2", "Qwen3" …"""
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{architecture}Config")(
        vocab_size=4096,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=256,
        eos_token_id=2,
        **settings,
    )
    getattr(transformers, f"{architecture}ForCausalLM")(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(pocket().folder / name, folder / name)
    return read_base_folder(f"folder:{folder.name}", folder)


def untouched_ids(base: Base, text: str, folder: Path | None = None, tokens: int = 24, **settings: Any) -> list[int]:
    """What transformers' own `generate` writes, with peft where an adapter is given; without the end token.

    Greedy unless told otherwise; in float32 unless `quantisation` is given.
    """
    import torch
    from peft import PeftModel

    model = load_model(base, "float32", "cpu", settings.pop("quantisation", None))
    if folder is not None:
        model = PeftModel.from_pretrained(model, str(folder)).eval()
    if (seed := settings.pop("seed", None)) is not None:
        torch.manual_seed(seed)
    ids = torch.tensor([prompt_ids(base, text)])
    sampling = {"do_sample": False} | settings
    written = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, **sampling
    )[0, ids.shape[1] :].tolist()  # fmt: skip
    ends = find_end_ids(base, Renderer(base).end_id or 0)
    return written[:-1] if written[-1] in ends else written


def written_ids(reply: Reply) -> list[int]:
    """The whole reply, waited for."""
    return [token for piece in reply for token in piece.ids]
