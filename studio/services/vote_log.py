"""A vote as it is written out for other programs: one JSON object with its pair, whoever wrote which reply named."""

from __future__ import annotations

from typing import Any

import orjson

FORMAT = 1


def tell_event(row: dict[str, Any]) -> dict[str, Any]:
    """row: an event of the log with its pair, as the store gives it.

    left says which reply stood left, winner which one was better; both are `a`, `b` or null, never a side.
    left is null where nobody saw the pair: then its vote is the label that it came with.
    """
    sides = {
        name: {"messages": orjson.loads(row[name]), "origin": orjson.loads(row[f"origin_{name}"])}
        for name in ("a", "b")
    }
    return {
        "format": FORMAT,
        "number": row["vote"],
        "event": row["event"],
        "time": row["time"],
        "person": row["person"],
        "action": row["action"],
        "undoes": row["undone"],
        "pair": row["position"],
        "held_out": bool(row["held_out"]),
        "left": row["left_reply"] or None,
        "winner": row["winner"],
        "edited": row["edited"],
        "seconds": row["seconds"],
        "prompt": orjson.loads(row["prompt"]),
        "replies": sides,
    }
