"""What makes a pair useless for learning: an empty reply, the same reply twice, a difference that is cut away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from studio.preferences.pairs import Messages, render_reply

REPLY_EMPTY, REPLIES_SAME, SAME_WHEN_CUT = "reply_empty", "replies_same", "same_when_cut"
TEMPLATE_REFUSED = "template_refused"


class RendersRows(Protocol):
    """What a renderer of the models package offers: conversations as token ids, none where the template refuses."""

    def iterate_rows(self, conversations: Any) -> Iterator[Any]: ...


def find_problem(a: Messages, b: Messages) -> str | None:
    """Code of what keeps two replies from being judged, or None. White space makes no difference between replies."""
    texts = [" ".join(render_reply(reply).split()) for reply in (a, b)]
    if not all(texts):
        return REPLY_EMPTY
    return REPLIES_SAME if texts[0] == texts[1] else None


def find_row_problem(row: Mapping[str, Any], renderer: RendersRows, max_length_tokens: int) -> str | None:
    """The same for a DPO row as a trainer sees it: cut to its first `max_length_tokens` tokens, prompt included."""
    if problem := find_problem(row["chosen"], row["rejected"]):
        return problem
    sides = [[*row["prompt"], *row[side]] for side in ("chosen", "rejected")]
    chosen, rejected = [rendered.ids[:max_length_tokens] for rendered in renderer.iterate_rows(sides)]
    if not chosen or not rejected:
        return TEMPLATE_REFUSED
    return SAME_WHEN_CUT if chosen == rejected else None
