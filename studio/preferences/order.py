"""Which reply stands left: drawn for each pair, so that neither a side nor a model is favoured."""

from __future__ import annotations

import hashlib

from studio.preferences.pairs import A, B


def left_reply(seed: str, pair_id: int) -> str:
    """`a` or `b`, each for half of the pairs, by the project's own random seed.

    A pair looks the same whenever it is shown: after an undo, in another tab, tomorrow. What was shown is written
    into the vote, so that another way of drawing changes no earlier one.
    """
    digest = hashlib.blake2b(f"{seed}:{pair_id}".encode(), digest_size=1).digest()
    return A if digest[0] & 1 else B
