"""What a batch remembers of its rows' tokens: keys and values that rows can join and leave at any step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicLayer

ROOM_TOKENS = 64
"""Room that is added at once. One token at a time copies everything at every step, as transformers' own cache does."""


class RoomyLayer(DynamicLayer):
    """One layer's keys and values, (B, heads, T, size), in a larger tensor that new tokens are written into."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """(B, heads, T, size) of all tokens, with the new ones at their end."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._length = 0
            self._all_keys, self._all_values = key_states[:, :, :0], value_states[:, :, :0]
        end = self._length + key_states.shape[2]
        if end > self._all_keys.shape[2]:
            room = end + ROOM_TOKENS - self._length
            self._all_keys = pad(self._all_keys[:, :, : self._length], (0, 0, 0, room))
            self._all_values = pad(self._all_values[:, :, : self._length], (0, 0, 0, room))
        self._all_keys[:, :, self._length : end] = key_states
        self._all_values[:, :, self._length : end] = value_states
        self._length = end
        self._show()
        return self.keys, self.values

    def replace(self, keys: Tensor, values: Tensor) -> None:
        """Hold these instead, (B, heads, T, size)."""
        self._all_keys, self._all_values, self._length = keys, values, keys.shape[2]
        self._show()

    def _show(self) -> None:
        self.keys, self.values = self._all_keys[:, :, : self._length], self._all_values[:, :, : self._length]


class RowCache(Cache):
    """The cache of a batch whose rows are padded on the left to a common length."""

    def __init__(self) -> None:
        super().__init__(layer_class_to_replicate=RoomyLayer)

    def append(self, other: RowCache) -> None:
        """The rows of another cache below one's own; the shorter ones are padded on the left."""
        for layer, added in zip(self.layers, other.layers, strict=True):
            length = max(layer.keys.shape[2], added.keys.shape[2])
            layer.replace(
                *(
                    torch.cat([pad(part, (0, 0, length - part.shape[2], 0)) for part in parts])
                    for parts in ((layer.keys, added.keys), (layer.values, added.values))
                )
            )

    def keep(self, rows: list[int], length: int) -> None:
        """These rows only, and of them the last `length` tokens: the rest is padding."""
        for layer in self.layers:
            places = torch.tensor(rows, device=layer.keys.device)
            layer.replace(*(part[:, :, -length:].index_select(0, places) for part in (layer.keys, layer.values)))
