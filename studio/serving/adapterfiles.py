"""An adapter as it lies on disk: what of it can be decoded beside others in one batch, and why the rest cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import AdapterMismatch, AdapterUnreadable
from studio.models.catalogue import Base

WEIGHTS, CONFIG, CARD = "adapter_model.safetensors", "adapter_config.json", "whetstone.json"
_PREFIX = "base_model.model."
_NEUTRAL = (
    "peft_type task_type auto_mapping peft_version base_model_name_or_path revision inference_mode r target_modules "
    "exclude_modules lora_alpha lora_dropout fan_in_fan_out use_rslora modules_to_save init_lora_weights bias "
    "layers_to_transform layers_pattern rank_pattern alpha_pattern megatron_core eva_config corda_config loftq_config "
    "lora_ga_config runtime_config qalora_group_size ensure_weight_tying"
)
"""Settings that change how an adapter is trained, or that its weights already tell. Any other one that is set is not
known to be plain LoRA, so peft decodes it."""

_KEEPS_BASE = (True, False, "gaussian", "orthogonal", "eva")
"""Ways to begin training (`init_lora_weights`) that leave the base as it is; the others subtract from it."""


@dataclass(frozen=True)
class Lora:
    """One layer's pair: a (rank, in) and b (rank, out); the layer's output gains `x aᵀ b`. The scaling is in b."""

    a: Tensor
    b: Tensor


@dataclass(frozen=True)
class AdapterFile:
    """layers: by module name. tables: modules that are replaced whole, by name, each parameter by its name.

    peft_only: why it cannot be stacked (a name in its configuration), or None. keeps_base: False where loading it
    changes the base's own weights.
    """

    folder: Path
    layers: dict[str, Lora]
    tables: dict[str, dict[str, Tensor]]
    peft_only: str | None
    keeps_base: bool


def read_adapter(folder: Path, base: Base, modules: Mapping[str, nn.Module], tied: tuple[str, ...]) -> AdapterFile:
    """Reads and checks an adapter for a base. modules: the base's, by name. tied: modules that share one table.

    Raises AdapterUnreadable (torn or missing files, pickled weights, numbers that are none), AdapterMismatch (made
    for another base: the card names it, a layer is missing or has another shape).
    """
    config = _read_json(folder, CONFIG)
    card = _read_json(folder, CARD) if (folder / CARD).is_file() else {}
    if card.get("base", base.id) != base.id:
        raise AdapterMismatch(adapter=folder.name, base=base.id)
    tensors = _read_tensors(folder)
    keeps_base = config.get("init_lora_weights", True) in _KEEPS_BASE
    reason = _reason_for_peft(config)
    if reason is not None:
        return AdapterFile(folder, {}, {}, reason, keeps_base)
    pairs, tables, unknown = _sort_tensors(tensors, modules)
    if any((name.rpartition(".")[0] or "nowhere") not in modules for name in unknown):
        raise AdapterMismatch(adapter=folder.name, base=base.id)
    if unknown:
        return AdapterFile(folder, {}, {}, unknown[0], keeps_base)
    layers = _scale_pairs(folder, pairs, config)
    _check_shapes(folder, base, modules, layers, tables)
    if config.get("ensure_weight_tying"):
        shared = next((tables[name] for name in tied if name in tables), None)
        tables |= {name: shared for name in tied if shared is not None}
    return AdapterFile(folder, layers, tables, None, keeps_base)


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterUnreadable(adapter=folder.name, file=name) from error
    if not isinstance(found, dict):
        raise AdapterUnreadable(adapter=folder.name, file=name)
    return found


def _read_tensors(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        raise AdapterUnreadable(adapter=folder.name, file=WEIGHTS) from error
    if not tensors or not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise AdapterUnreadable(adapter=folder.name, file=WEIGHTS)
    return tensors


def _reason_for_peft(config: Mapping[str, Any]) -> str | None:
    if config.get("peft_type") != "LORA":
        return str(config.get("peft_type"))
    if config.get("init_lora_weights", True) not in _KEEPS_BASE:
        return "init_lora_weights"
    if config.get("bias", "none") != "none":
        return "bias"
    return next((name for name, value in sorted(config.items()) if name not in _NEUTRAL.split() and value), None)


def _sort_tensors(
    tensors: dict[str, Tensor], modules: Mapping[str, nn.Module]
) -> tuple[dict[str, dict[str, Tensor]], dict[str, dict[str, Tensor]], list[str]]:
    """Pairs and tables by module name, and the names of modules that have neither."""
    pairs: dict[str, dict[str, Tensor]] = {}
    tables: dict[str, dict[str, Tensor]] = {}
    unknown = []
    for key, tensor in tensors.items():
        name, _, parameter = key.removeprefix(_PREFIX).rpartition(".")
        layer, _, part = name.rpartition(".")
        if part in ("lora_A", "lora_B") and parameter == "weight":
            pairs.setdefault(layer, {})[part] = tensor
        elif name in modules and parameter in dict(modules[name].named_parameters(recurse=False)):
            tables.setdefault(name, {})[parameter] = tensor
        else:
            unknown.append(f"{name}.{parameter}" if name in modules else name)
    return pairs, tables, unknown


def _scale_pairs(folder: Path, pairs: dict[str, dict[str, Tensor]], config: Mapping[str, Any]) -> dict[str, Lora]:
    if any(len(pair) < 2 for pair in pairs.values()) or not isinstance(config.get("lora_alpha"), (int, float)):
        raise AdapterUnreadable(adapter=folder.name, file=WEIGHTS)
    return {
        name: Lora(pair["lora_A"].float(), pair["lora_B"].float().T * _scaling(name, len(pair["lora_A"]), config))
        for name, pair in pairs.items()
    }


def _scaling(name: str, rank: int, config: Mapping[str, Any]) -> float:
    alpha = config["lora_alpha"]
    if config.get("alpha_pattern"):
        from peft.utils.other import get_pattern_key

        alpha = config["alpha_pattern"].get(get_pattern_key(config["alpha_pattern"].keys(), name), alpha)
    return alpha / (sqrt(rank) if config.get("use_rslora") else rank)


def _check_shapes(
    folder: Path,
    base: Base,
    modules: Mapping[str, nn.Module],
    layers: Mapping[str, Lora],
    tables: Mapping[str, Mapping[str, Tensor]],
) -> None:
    for name, pair in layers.items():
        sizes = _sizes(modules.get(name))
        if sizes != (pair.a.shape[1], pair.b.shape[1]) or pair.a.shape[0] != pair.b.shape[0]:
            raise AdapterMismatch(adapter=folder.name, base=base.id)
    for name, parameters in tables.items():
        for parameter, tensor in parameters.items():
            if tensor.shape != getattr(modules[name], parameter).shape:
                raise AdapterMismatch(adapter=folder.name, base=base.id)


def _sizes(module: nn.Module | None) -> tuple[int, int] | None:
    """(in, out) of a linear layer of any kind, quantised ones and GPT-2's transposed ones among them."""
    if module is None:
        return None
    if hasattr(module, "in_features"):
        return module.in_features, module.out_features
    return (module.nx, module.nf) if hasattr(module, "nx") else None
