"""Several replies to one prompt with their ratings, as UltraFeedback has them: the best against a lower one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from studio.data.fields import find_name, find_number, invalid, plain_text, share_where, with_json
from studio.data.formats import FormatExample, OneRecord, Record, Row
from studio.data.rows import Guess
from studio.data.turns import find_input, read_side, with_input
from studio.words import Text

_ASKED = ("instruction", "prompt", "input", "question")
_REPLIES = ("completions", "generations", "responses")
_RATINGS = ("ratings", "scores", "rating")
_OWN = ("fine-grained_score", "overall_score", "score", "rating")
"""UltraFeedback's overall score has known faults (a 10 for a 1); the mean of its aspects does not."""

Rated = tuple[str, float]


class RatedReplies(OneRecord):
    name = "rated_replies"
    title = Text(en="Several replies with ratings", ja="評点付きの複数の応答")
    summary = Text(
        en="instruction with generations and ratings, or completions with scores (UltraFeedback): the best reply is chosen, one of the lower ones rejected, always the same one. The margin is the difference.",
        ja="instruction と generations・ratings、または評点付きの completions（UltraFeedback）。最高の応答を採用、より低い応答の 1 つ（毎回同じもの）を不採用とし、差を margin とします。",
    )
    example = FormatExample(
        row={
            "instruction": "Is the shop open today?",
            "generations": ["Dunno.", "Yes, until six."],
            "ratings": [2, 4.5],
        },
        record={
            "prompt": [{"role": "user", "content": "Is the shop open today?"}],
            "chosen": [{"role": "assistant", "content": "Yes, until six."}],
            "rejected": [{"role": "assistant", "content": "Dunno."}],
            "margin": 2.5,
        },
    )
    fields = frozenset({*_ASKED, *_REPLIES, *_RATINGS, "system"})

    def guess(self, fields: Sequence[str], rows: Sequence[Row]) -> Guess:
        replies = next((name for name in _REPLIES if name in fields), _REPLIES[0])

        def is_rated(row: Row) -> bool:
            found = with_json(row.get(replies))
            own = type(found) is list and bool(found) and type(found[0]) is dict
            return type(found) is list and bool(own or find_name(row, _RATINGS)) and bool(find_name(row, _ASKED))

        share = share_where(rows, is_rated)
        return Guess(self.name, 0.97 * share, "format_fields", {"fields": replies, "share": round(100 * share)})

    def names(self, row: Row) -> Sequence[str]:
        asked, replies = find_name(row, _ASKED) or _ASKED[0], find_name(row, _REPLIES) or _REPLIES[0]
        more = find_input(row, asked) if asked == "instruction" else None
        rated = () if _are_objects(with_json(row.get(replies))) else (find_name(row, _RATINGS) or _RATINGS[0],)
        return asked, replies, "system", *rated, *([more] if more else [])

    def parts_aside(self, row: Row) -> Iterator[tuple[str, str]]:
        """The record holds two of the replies, and of their ratings the difference."""
        yield from super().parts_aside(row)
        _, replies, *others = self.names(row)
        found = with_json(row[replies])
        if len(found) > 2 or _are_objects(found):
            yield replies, ""
        yield from ((name, "") for name in others if name in _RATINGS)

    def read(self, row: Row) -> Record:
        names = self.names(row)
        prompt = read_side(names[0], row.get(names[0]), "user")
        if names[-1] == "input":
            prompt = with_input(prompt, row["input"])
        if system := row.get("system"):
            prompt.insert(0, {"role": "system", "content": system})
        rated = _read_rated(row)
        best = max(rated, key=lambda one: one[1])
        lower = [one for one in rated if one[1] < best[1]]
        if not lower:
            raise invalid("ratings", "ratings_all_equal")
        # Drawn from the words, so that the same file always makes the same pairs.
        digest = hashlib.blake2b("\x1f".join(text for text, _ in rated).encode("utf-8", "replace"), digest_size=8)
        worse = lower[int.from_bytes(digest.digest(), "big") % len(lower)]
        return {
            "prompt": prompt,
            "chosen": [{"role": "assistant", "content": best[0]}],
            "rejected": [{"role": "assistant", "content": worse[0]}],
            "margin": round(best[1] - worse[1], 6),
        }

    def render(self, record: Record) -> Row:
        """Raises RowInvalid for a pair without a margin, and for more than one turn."""
        sides = [record[name] for name in ("prompt", "chosen", "rejected")]
        if "margin" not in record or any(len(side) != 1 or len(side[0]) != 2 for side in sides):
            raise invalid("margin", "ratings_missing")
        asked, chosen, rejected = (side[0]["content"] for side in sides)
        return {"instruction": asked, "generations": [chosen, rejected], "ratings": [record["margin"], 0]}


def _read_rated(row: Row) -> list[Rated]:
    """The replies that have a rating, at least two. Raises RowInvalid."""
    field = find_name(row, _REPLIES)
    replies = with_json(row[field], field) if field else None
    if type(replies) is not list or not replies:
        raise invalid(field or _REPLIES[0], "replies_missing")
    if _are_objects(replies):
        found = [(one.get("response", one.get("text")), _own_rating(one)) for one in replies]
    else:
        ratings = with_json(row.get(find_name(row, _RATINGS) or ""))
        if type(ratings) is not list or len(ratings) != len(replies):
            raise invalid("ratings", "ratings_missing")
        found = [(reply, find_number(rating)) for reply, rating in zip(replies, ratings, strict=True)]
    told = ((plain_text(reply), rating) for reply, rating in found)
    rated = [(text, rating) for text, rating in told if text is not None and rating is not None]
    if len(rated) < 2:
        raise invalid("ratings", "ratings_missing")
    return rated


def _are_objects(replies: Any) -> bool:
    """Replies that say their ratings themselves."""
    return type(replies) is list and bool(replies) and all(type(one) is dict for one in replies)


def _own_rating(reply: dict[str, Any]) -> float | int | None:
    """The rating that stands with a reply, else the mean of its aspects."""
    if name := next((name for name in _OWN if find_number(reply.get(name)) is not None), None):
        return find_number(reply[name])
    aspects = reply.get("annotations")
    told = [one.get("Rating") for one in aspects.values() if type(one) is dict] if type(aspects) is dict else []
    numbers = [number for number in map(find_number, told) if number is not None]
    return sum(numbers) / len(numbers) if numbers else None


PLUG = RatedReplies()
