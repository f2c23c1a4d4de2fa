"""What a batch remembers of its rows takes the room it needs, and not more."""

from __future__ import annotations

import torch

from studio.serving.caches import ROOM_TOKENS, RoomyLayer

HEADS, SIZE = 2, 3


def tokens(count: int, first: int = 0) -> torch.Tensor:
    """(1, heads, count, size): every token is its own number."""
    return torch.arange(first, first + count).float()[None, None, :, None].expand(1, HEADS, count, SIZE)


def taken(layer: RoomyLayer) -> tuple[int, ...]:
    """Bytes under the keys and under the values, room for more included."""
    return tuple(part.untyped_storage().nbytes() for part in (layer.keys, layer.values))


def test_keys_and_values_have_room_for_the_same_tokens():
    """A prompt of 1,000 takes 1,064 places of 2 × 3 numbers in 4 bytes: 25,536 bytes of keys, and as many of values.

    65 more, one at a time, grow it once more, to 1,065 + 64 places.
    """
    layer = RoomyLayer()
    layer.update(tokens(1000), -tokens(1000))
    assert taken(layer) == (1064 * HEADS * SIZE * 4,) * 2
    for number in range(1000, 1065):
        keys, values = layer.update(tokens(1, number), -tokens(1, number))
    assert taken(layer) == ((1065 + ROOM_TOKENS) * HEADS * SIZE * 4,) * 2
    assert torch.equal(keys, tokens(1065)) and torch.equal(values, -tokens(1065))
