"""A reply in the protocol's form: one JSON object, or the events of a stream."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from studio.serving.replies import Piece, Reply, Token
from studio.serving.stopping import UNFINISHED

DONE = b"data: [DONE]\n\n"
STILL_HERE = b": still here\n\n"
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """How one reply is written. has_logprobs: where probabilities were asked for."""

    is_chat: bool
    model: str
    has_logprobs: bool
    id: str = field(default_factory=lambda: secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, pieces: Sequence[Piece], reply: Reply) -> Json:
        text = "".join(piece.text for piece in pieces)
        said = {"message": {"role": "assistant", "content": text, "refusal": None}} if self.is_chat else {"text": text}
        choice = {"index": 0, **said, "logprobs": self._logprobs(pieces), "finish_reason": reply.finish_reason}
        return self._frame("", [choice]) | {"usage": usage_of(reply), "whetstone": origin_of(reply)}

    def first_event(self) -> bytes:
        """Chat begins with the role alone; completions have no such event."""
        return self._event(self._delta({"role": "assistant", "content": ""}, None)) if self.is_chat else b""

    def event(self, pieces: Sequence[Piece]) -> bytes:
        """One event for pieces that arrived together, with the tokens so far; a comment where there are none."""
        if not pieces:
            return STILL_HERE
        text = "".join(piece.text for piece in pieces)
        said = {"content": text} if self.is_chat else text
        tokens = pieces[-1].index + len(pieces[-1].ids)
        return self._event(self._delta(said, None, self._logprobs(pieces)), {"whetstone": {"tokens": tokens}})

    def last_events(self, reply: Reply, includes_usage: bool) -> bytes:
        ended = self._delta({} if self.is_chat else "", reply.finish_reason)
        events = self._event(ended, {"whetstone": origin_of(reply)})
        if includes_usage:
            events += self._event([], {"usage": usage_of(reply)})
        return events + DONE

    def _delta(self, said: Any, finish_reason: str | None, logprobs: Json | None = None) -> list[Json]:
        name = "delta" if self.is_chat else "text"
        return [{"index": 0, name: said, "logprobs": logprobs, "finish_reason": finish_reason}]

    def _event(self, choices: list[Json], more: Json | None = None) -> bytes:
        return b"data: " + orjson.dumps(self._frame(".chunk", choices) | (more or {})) + b"\n\n"

    def _frame(self, chunk: str, choices: list[Json]) -> Json:
        prefix, kind = ("chatcmpl", f"chat.completion{chunk}") if self.is_chat else ("cmpl", "text_completion")
        frame = {"id": f"{prefix}-{self.id}", "object": kind, "created": self.created, "model": self.model}
        return frame | {"choices": choices}

    def _logprobs(self, pieces: Iterable[Piece]) -> Json | None:
        if not self.has_logprobs:
            return None
        tokens = [token for piece in pieces for token in piece.logprobs or ()]
        if self.is_chat:
            return {"content": [_token_entry(token) for token in tokens], "refusal": None}
        return {
            "tokens": [token.text for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [{text: logprob for _, text, logprob in token.top} for token in tokens],
            "text_offset": None,
        }


def _token_entry(token: Token) -> Json:
    top = [_text_entry(text, logprob) for _, text, logprob in token.top]
    return _text_entry(token.text, token.logprob) | {"top_logprobs": top}


def _text_entry(text: str, logprob: float) -> Json:
    """bytes: None where the token is a part of a character and reads nothing alone."""
    return {"token": text, "logprob": logprob, "bytes": None if UNFINISHED in text else list(text.encode())}


def error_event(fields: Json) -> bytes:
    """What a stream ends with that cannot go on; clients of the protocol raise it."""
    return b"data: " + orjson.dumps(fields, default=str) + b"\n\n"


def usage_of(reply: Reply) -> Json:
    usage = asdict(reply.usage)
    return usage | {"total_tokens": sum(usage.values())}


def origin_of(reply: Reply) -> Json:
    """How the reply was decoded, by which seed, and how long it took: what the protocol has no field for."""
    return {"how": reply.how, "precision": reply.precision, "seed": reply.seed, **asdict(reply.timing)}
