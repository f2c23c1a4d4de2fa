"""The one base that is in memory, and the adapters attached to it: its weights are never changed and never doubled."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from typing import Any

import torch

from studio.errors import AdapterMismatch
from studio.models.catalogue import Base
from studio.models.loading import find_end_ids, load_model
from studio.models.rendering import Renderer
from studio.serving.adapterfiles import WEIGHTS, AdapterFile, read_adapter
from studio.serving.heads import lay_out_head
from studio.serving.replies import How, Model
from studio.serving.speed import QUANTISED, Speed, choose_speed, find_default_precision
from studio.serving.stacked import Stack, Stackable

ATTACHED = 16
"""Adapters kept attached; beyond it the one that was longest unused makes room. One of rank 16 is 1–5 % of its base."""

_ROW_LAYERS = frozenset({"full_attention", "sliding_attention", "chunked_attention"})


@dataclass(eq=False)
class Attached:
    """An adapter on the base in memory. stackable: decoded beside others. lone: a peft model, decoded alone."""

    adapter_id: str
    stamp: tuple[int, int]
    how: How
    stackable: Stackable | None = None
    lone: Any = None
    peft_only: str | None = None


@dataclass(eq=False)
class Resident:
    """A base in memory. asked: the precision it was loaded for, None for any. twin: another model of the same tensors, which no hook has touched, for peft to build on.

    can_batch: whether its memory of a row is keys and values, so that rows can share a batch. laid_out: bytes of the
    head's second layout.
    """

    base: Base
    speed: Speed
    asked: str | None
    default_precision: str | None
    device: str
    model: Any
    twin: Any
    stack: Stack
    tokenizer: Any
    end_ids: frozenset[int]
    can_batch: bool
    laid_out: int = 0
    attached: dict[Path, Attached] = field(default_factory=dict)

    def fits(self, model: Model) -> bool:
        wanted = model.precision or self.default_precision
        return (self.base.id, self.base.bytes, self.speed.precision) == (model.base.id, model.base.bytes, wanted)

    def attach(self, folder: Path, adapter_id: str) -> Attached:
        """The adapter of a folder, read anew where its file has changed. Raises AdapterUnreadable, AdapterMismatch."""
        stamp = _stamp(folder)
        found = self.attached.pop(folder, None)
        if found is None or found.stamp != stamp:
            found = self._attach(folder, adapter_id, stamp)
        self.attached[folder] = found
        return found

    def detach_unused(self, used: set[Stackable]) -> None:
        """Forget the adapters that were longest unused, beyond those that are kept."""
        for folder, adapter in list(self.attached.items()):
            if len(self.attached) <= ATTACHED:
                return
            if adapter.stackable not in used:
                del self.attached[folder]
                if adapter.stackable is not None:
                    self.stack.detach(adapter.stackable)

    def bytes(self) -> int:
        """Of the base and the adapters, tensors that are shared counted once."""
        seen = {p.data_ptr(): p.nbytes for p in self.model.parameters()}
        return (
            self.laid_out
            + sum(seen.values())
            + sum(a.stackable.bytes for a in list(self.attached.values()) if a.stackable)
        )

    def _attach(self, folder: Path, adapter_id: str, stamp: tuple[int, int]) -> Attached:
        tied = self._tied_names()
        file = read_adapter(folder, self.base, dict(self.twin.named_modules()), tied)
        if file.peft_only is None and self.can_batch:
            return Attached(adapter_id, stamp, "stacked", self.stack.attach(file))
        return Attached(adapter_id, stamp, "peft", lone=self._build_lone(file), peft_only=file.peft_only)

    def _tied_names(self) -> tuple[str, ...]:
        if not getattr(self.twin.config, "tie_word_embeddings", False):
            return ()
        tied = (self.twin.get_input_embeddings(), self.twin.get_output_embeddings())
        return tuple(name for name, module in self.twin.named_modules() if any(module is t for t in tied))

    def _build_lone(self, file: AdapterFile) -> Any:
        """A peft model that shares the base's tensors; with a copy of them where its kind changes them."""
        from peft import PeftModel

        model = build_twin(self.twin) if file.keeps_base else copy.deepcopy(self.twin)
        try:
            return PeftModel.from_pretrained(model, str(file.folder), is_trainable=False).eval()
        except (ValueError, RuntimeError, KeyError, TypeError, OSError, AttributeError) as error:
            raise AdapterMismatch(adapter=file.folder.name, base=self.base.id) from error


def load_resident(base: Base, precision: str | None, device: str, root: Path, is_busy: bool) -> Resident:
    """Raises what `load_model` and `Renderer` raise."""
    renderer = Renderer(base)
    speed, model = choose_speed(base, precision, device, root, is_busy)
    if model is None:
        quantisation = speed.precision if speed.precision in QUANTISED else None
        model = load_model(base, speed.dtype, device, quantisation)  # type: ignore[arg-type]
    twin = build_twin(model)
    laid_out = lay_out_head(model)
    return Resident(
        base=base,
        speed=speed,
        asked=precision,
        default_precision=speed.precision if precision is None else find_default_precision(base, device, root),
        device=device,
        model=model,
        twin=twin,
        stack=Stack(model),
        tokenizer=renderer.tokenizer,
        end_ids=frozenset(find_end_ids(base, renderer.end_id)),  # type: ignore[arg-type]
        can_batch=_can_batch(model),
        laid_out=laid_out,
    )


def build_twin(model: Any) -> Any:
    """The same model once more, module by module, with the very same tensors: it costs no memory to speak of."""
    shared: dict[int, Any] = {}
    for module in model.modules():
        held = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if getattr(getattr(module, "weight", None), "CB", None) is not None:
            module.init_8bit_state()  # 8-bit layers do so at their first use, and take their weights' scales away
        for name in ("state", "quant_state"):
            state = getattr(module, name, None)
            held += (
                [v for v in vars(state).values() if isinstance(v, torch.Tensor)] if hasattr(state, "__dict__") else []
            )
        shared |= {id(tensor): tensor for tensor in held}
    return copy.deepcopy(model, shared)


def _can_batch(model: Any) -> bool:
    """Whether rows may be padded: their positions can be told, and all that is remembered of them are keys and values."""
    if not {"position_ids", "attention_mask", "past_key_values"} <= set(signature(model.forward).parameters):
        return False
    config = model.config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds <= _ROW_LAYERS and not getattr(model, "_is_stateful", False)


def _stamp(folder: Path) -> tuple[int, int]:
    """When an adapter's file was written and its size; zeros without one, which reading it then tells."""
    try:
        found = (folder / WEIGHTS).stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)
