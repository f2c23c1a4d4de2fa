"""Several LoRA adapters and the base itself in one forward pass: each row of a batch with its own adapter, or none.

The pairs of the adapters in use lie one under the other, A as (R, in) and B as (R, out), R the sum of their ranks. A
layer then needs two products for the whole batch, `x Aᵀ` and `· B`, and between them each row keeps the part that is
its own; the rest, and everything of a base row, is set to zero, which adds nothing to the base's own numbers. Ranks
may differ, no row has a copy of its weights, and adapters come and go without a change to the base.

Source: training.md 11 measured the idea as a gathered `bmm`; this form reads every adapter once a step instead.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from studio.serving.adapterfiles import AdapterFile


@dataclass(eq=False)
class Stackable:
    """An attached adapter. layers: (a, b) by module name, parts of the stack while it is in use.

    tables: whole modules of its own, by name (a trained embedding and the head tied to it).
    """

    layers: dict[str, tuple[Tensor, Tensor]]
    tables: dict[str, nn.Module]

    @property
    def bytes(self) -> int:
        seen = {tensor.data_ptr(): tensor.nbytes for pair in self.layers.values() for tensor in pair}
        seen |= {p.data_ptr(): p.nbytes for module in self.tables.values() for p in module.parameters()}
        return sum(seen.values())


@dataclass
class _Layer:
    """a: (R, in), b: (R, out) of the adapters in use that have this layer. owner: (R,) which of them each rank is."""

    a: Tensor
    b: Tensor
    owner: Tensor
    foreign: Tensor | None = None
    is_used: bool = False


@dataclass
class _Rows:
    """Whose the rows of the coming forward passes are. groups: places in the batch by adapter, None for the base."""

    adapters: list[Stackable | None] = field(default_factory=list)
    groups: dict[Stackable | None, Tensor] = field(default_factory=dict)


class Stack:
    """The adapters in use on one model, which it changes by hooks alone. For one thread."""

    def __init__(self, model: nn.Module) -> None:
        self._modules = dict(model.named_modules())
        self._weight = next(p for p in model.parameters() if p.is_floating_point())
        self._in_use: list[Stackable] = []
        self._layers: dict[str, _Layer] = {}
        self._hooked: set[str] = set()
        self._tables: dict[str, dict[nn.Module | None, Tensor]] = {}
        self._rows = _Rows()

    def attach(self, file: AdapterFile) -> Stackable:
        """The adapter's weights on the model's device, in the dtype it computes in."""
        to = {"device": self._weight.device, "dtype": self._weight.dtype}
        layers = {name: (pair.a.to(**to), pair.b.to(**to).contiguous()) for name, pair in file.layers.items()}
        made: dict[int, nn.Parameter] = {}
        tables = {}
        for name, parameters in file.tables.items():
            tables[name] = module = copy.copy(self._modules[name])
            module.__dict__.pop("forward", None)
            module._parameters = dict(module._parameters)
            for parameter, tensor in parameters.items():
                if id(tensor) not in made:
                    made[id(tensor)] = nn.Parameter(tensor.to(**to), requires_grad=False)
                module._parameters[parameter] = made[id(tensor)]
        return Stackable(layers, tables)

    def detach(self, adapter: Stackable) -> None:
        """Forget an adapter that no row uses."""
        if adapter in self._in_use:
            self._compose([other for other in self._in_use if other is not adapter])

    def use(self, rows: Sequence[Stackable | None]) -> None:
        """The adapter of each row of the forward passes to come; none at all for models that are not batched."""
        wanted = list(dict.fromkeys(adapter for adapter in rows if adapter is not None))
        if any(adapter not in self._in_use for adapter in wanted):
            self._compose(wanted)
        if list(rows) == self._rows.adapters:
            return
        device = self._weight.device
        groups: dict[Stackable | None, list[int]] = {}
        for place, adapter in enumerate(rows):
            groups.setdefault(adapter, []).append(place)
        self._rows = _Rows(list(rows), {a: torch.tensor(places, device=device) for a, places in groups.items()})
        self._mask_rows()

    def trim(self) -> None:
        """Let go of adapters that no row uses any more; cheap enough for when rows join or leave."""
        used = [adapter for adapter in self._in_use if adapter in self._rows.groups]
        if len(used) < len(self._in_use):
            self._compose(used)

    def _compose(self, adapters: list[Stackable]) -> None:
        """Lay the pairs of these adapters one under the other. Theirs become parts of it, so that nothing lies twice."""
        for adapter in self._in_use:
            if adapter not in adapters:
                adapter.layers = {name: _own(pair) for name, pair in adapter.layers.items()}
        self._in_use = adapters
        self._layers = {}
        for name in dict.fromkeys(name for adapter in adapters for name in adapter.layers):
            self._layers[name] = self._lay(name, [adapter for adapter in adapters if name in adapter.layers])
            self._hook_layer(name)
        for name in dict.fromkeys(name for adapter in adapters for name in adapter.tables):
            self._hook_table(name)
        self._mask_rows()

    def _lay(self, name: str, adapters: list[Stackable]) -> _Layer:
        ranks = [len(adapter.layers[name][0]) for adapter in adapters]
        numbers = torch.tensor([self._in_use.index(adapter) for adapter in adapters])
        owner = numbers.repeat_interleave(torch.tensor(ranks)).to(self._weight.device)
        if len(adapters) == 1:
            adapters[0].layers[name] = _own(adapters[0].layers[name])
            return _Layer(*adapters[0].layers[name], owner)
        a = torch.cat([adapter.layers[name][0] for adapter in adapters])
        b = torch.cat([adapter.layers[name][1] for adapter in adapters])
        for adapter, own_a, own_b in zip(adapters, a.split(ranks), b.split(ranks), strict=True):
            adapter.layers[name] = (own_a, own_b)
        return _Layer(a, b, owner)

    def _mask_rows(self) -> None:
        """Say for each layer which ranks are not a row's own: (B, 1, R), None where all are."""
        numbers = torch.tensor(
            [-1 if a is None or a not in self._in_use else self._in_use.index(a) for a in self._rows.adapters],
            device=self._weight.device,
        )
        made: dict[tuple[int, ...], Tensor] = {}
        for layer in self._layers.values():
            key = tuple(layer.owner.tolist())
            if key not in made:
                made[key] = numbers[:, None, None] != layer.owner[None, None, :]
            foreign = made[key]
            layer.is_used = not bool(foreign.all())
            layer.foreign = foreign if bool(foreign.any()) else None
        tables = dict.fromkeys(name for adapter in self._in_use for name in adapter.tables)
        self._tables = {name: _group_by_table(self._rows.groups, name) for name in tables}

    def _hook_layer(self, name: str) -> None:
        if name in self._hooked:
            return
        self._hooked.add(name)

        def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            layer = self._layers.get(name)
            return output if layer is None or not layer.is_used else _add_pair(layer, inputs[0], output)

        self._modules[name].register_forward_hook(add)

    def _hook_table(self, name: str) -> None:
        """Each row through its adapter's own module where it has one, and through the base's else."""
        if name in self._hooked:
            return
        self._hooked.add(name)
        module = self._modules[name]
        own = module.forward

        def forward(inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            groups = self._tables.get(name, {})
            if len(groups) <= 1:
                table = next(iter(groups), None)
                return (own if table is None else table.forward)(inputs, *args, **kwargs)
            return _join_groups({table.forward if table else own: rows for table, rows in groups.items()}, inputs)

        module.forward = forward  # type: ignore[method-assign]


def _own(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The pair in memory of its own: a part of a larger stack would keep all of it."""
    return tuple(t.clone() if t.untyped_storage().nbytes() > t.nbytes else t for t in pair)  # type: ignore[return-value]


def _add_pair(layer: _Layer, inputs: Tensor, output: Tensor) -> Tensor:
    """output (B, T, out) gains each row's own low-rank part. inputs: (B, T, in)."""
    low = functional.linear(inputs.to(layer.a.dtype), layer.a)
    if layer.foreign is not None:
        low = low.masked_fill_(layer.foreign, 0.0)
    flat = low.view(-1, low.shape[-1])
    if output.dtype != layer.b.dtype:
        return output + (flat @ layer.b).view(output.shape).to(output.dtype)
    output.view(-1, output.shape[-1]).addmm_(flat, layer.b)
    return output


def _group_by_table(groups: Mapping[Stackable | None, Tensor], name: str) -> dict[nn.Module | None, Tensor]:
    found: dict[nn.Module | None, list[Tensor]] = {}
    for adapter, rows in groups.items():
        found.setdefault(adapter.tables.get(name) if adapter is not None else None, []).append(rows)
    return {table: torch.cat(rows) for table, rows in found.items()}


def _join_groups(groups: Mapping[Callable[[Tensor], Tensor], Tensor], inputs: Tensor) -> Tensor:
    joined: Tensor | None = None
    for forward, rows in groups.items():
        part = forward(inputs[rows])
        if joined is None:
            joined = part.new_empty((len(inputs), *part.shape[1:]))
        joined[rows] = part
    assert joined is not None
    return joined
