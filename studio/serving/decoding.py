"""The decode loop's inside: a batch of rows that grows by one token per row and step, and whose rows come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from studio.errors import ReplyNotFinite, StudioError
from studio.serving.caches import RowCache
from studio.serving.replies import FinishReason, Piece, Reply, Token
from studio.serving.sampling import Sampler, log_probabilities, pick_tokens
from studio.serving.stacked import Stack, Stackable
from studio.serving.stopping import TextStream

PREFILL_TOKENS = 8192
"""Padded tokens that are read in one forward pass; a single longer prompt goes alone."""


@dataclass(eq=False)
class Row:
    """One reply under way. limit: tokens it may have. length: tokens of it that the cache holds."""

    reply: Reply
    sampler: Sampler
    stream: TextStream
    end_ids: frozenset[int]
    limit: int
    tokenizer: Any
    adapter: Stackable | None = None
    length: int = 0
    last_id: int = 0
    is_done: bool = False
    _ids: list[int] = field(default_factory=list)
    _tokens: list[Token] = field(default_factory=list)

    def take(self, token_id: int | None, logits: Tensor) -> None:
        """Go on with a token, or end: None stands for numbers that are none. logits: (V,) it was drawn from."""
        if token_id is None:
            self.end("error", ReplyNotFinite(model=self.reply.request.model.title))
            return
        if token_id in self.end_ids:
            self.end("stop")
            return
        self.reply.count_token()
        self.last_id = token_id
        self._ids.append(token_id)
        if self.reply.request.logprobs is not None:
            self._tokens.append(self._describe(token_id, logits))
        self._tell(self.stream.add(token_id))
        if self.stream.is_stopped:
            self.end("stop")
        elif self.reply.tokens >= self.limit:
            self.end("length")

    def end(self, reason: FinishReason, error: StudioError | None = None) -> None:
        if not self.is_done:
            self.is_done = True
            self._tell(self.stream.finish(), is_last=True)
            self.reply.finish(reason, error)

    def _tell(self, text: str, is_last: bool = False) -> None:
        if not text and not (is_last and self._ids):
            return
        index = self.reply.tokens - len(self._ids)
        logprobs = None if self.reply.request.logprobs is None else tuple(self._tokens)
        self.reply.add(Piece(text, tuple(self._ids), index, logprobs))
        self._ids, self._tokens = [], []

    def _describe(self, token_id: int, logits: Tensor) -> Token:
        value, top = log_probabilities(logits, token_id, self.reply.request.logprobs or 0)
        return Token(token_id, self._text(token_id), value, tuple((i, self._text(i), v) for i, v in top))

    def _text(self, token_id: int) -> str:
        return self.tokenizer.decode([token_id], skip_special_tokens=False)


class Batch:
    """Rows that share their forward passes. Padded on the left, with positions that skip the padding.

    A row's tokens do not depend on its neighbours but for the last bits of a product of another size.
    """

    def __init__(self, model: Any, stack: Stack) -> None:
        self._model, self._stack = model, stack
        self._device = next(model.parameters()).device
        self._cache: RowCache | None = None
        # The head is the dearest product of a small model, and a prompt needs it once.
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in signature(model.forward).parameters else {}
        self.rows: list[Row] = []

    def join(self, rows: Sequence[Row]) -> None:
        """Read the prompts of new rows, give each its first token, and take them into the batch."""
        waiting = sorted(rows, key=lambda row: len(row.reply.request.prompt_ids))
        while waiting:
            longest = [len(row.reply.request.prompt_ids) for row in waiting]
            count = max((n for n in range(1, len(waiting) + 1) if n * longest[n - 1] <= PREFILL_TOKENS), default=1)
            self._read_prompts(waiting[:count])
            waiting = waiting[count:]

    @torch.inference_mode()
    def step(self) -> None:
        """One more token for every row."""
        self._drop_ended()
        if not self.rows:
            return
        self._stack.use([row.adapter for row in self.rows])
        ids = torch.tensor([[row.last_id] for row in self.rows], device=self._device)
        positions = torch.tensor([[row.length] for row in self.rows], device=self._device)
        logits = self._forward(ids, positions, [row.length + 1 for row in self.rows], self._cache)
        _pick(self.rows, logits)
        self._drop_ended()

    @torch.inference_mode()
    def _read_prompts(self, rows: list[Row]) -> None:
        prompts = [row.reply.request.prompt_ids for row in rows]
        longest = max(map(len, prompts))
        # One pass for all: what was laid for the running rows is not laid anew for the new ones alone.
        self._stack.use([row.adapter for row in [*self.rows, *rows]])
        self._stack.use([row.adapter for row in rows])
        ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=self._device)
        places = torch.arange(longest, device=self._device)[None, :]
        lengths = torch.tensor([[len(p)] for p in prompts], device=self._device)
        cache = RowCache()
        logits = self._forward(ids, (places - (longest - lengths)).clamp(min=0), list(map(len, prompts)), cache)
        if self._cache is None or not self.rows:
            self._cache = cache
        else:
            self._cache.append(cache)
        self.rows = [*self.rows, *rows]
        _pick(rows, logits)
        self._drop_ended()

    def _forward(self, ids: Tensor, positions: Tensor, lengths: list[int], cache: RowCache | None) -> Tensor:
        """(B, V) logits after the last token. lengths: of each row with its new tokens, without padding."""
        total = ids.shape[1] + (cache.get_seq_length() if cache is not None else 0)
        mask = None
        if min(lengths) < total:
            places = torch.arange(total, device=self._device)[None, :]
            mask = (places >= total - torch.tensor(lengths, device=self._device)[:, None]).long()
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            **self._only_last,
        )
        return out.logits[:, -1]

    def _drop_ended(self) -> None:
        for row in self.rows:
            if row.reply.is_cancelled:
                row.end("cancelled")
        kept = [place for place, row in enumerate(self.rows) if not row.is_done]
        if len(kept) == len(self.rows):
            return
        self.rows = [self.rows[place] for place in kept]
        if not kept:
            self._cache = None
        elif self._cache is not None:
            self._cache.keep(kept, max(row.length for row in self.rows))
        self._stack.use([row.adapter for row in self.rows])
        self._stack.trim()


class LoneRow:
    """A row that shares nothing: on a model of its own, or on one whose memory of a row is more than keys and values.

    first: the forward pass that reads the prompt. further: the one that takes each next token.
    """

    def __init__(self, first: Callable[..., Any], further: Callable[..., Any], device: torch.device) -> None:
        self._first, self._further, self._device = first, further, device
        self._memory: Any = None
        self.rows: list[Row] = []

    @torch.inference_mode()
    def join(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)
        (row,) = rows
        ids = torch.tensor([row.reply.request.prompt_ids], device=self._device)
        self._take(self._first(input_ids=ids, use_cache=True))

    @torch.inference_mode()
    def step(self) -> None:
        for row in self.rows:
            if row.reply.is_cancelled:
                row.end("cancelled")
                self.rows = []
                return
            ids = torch.tensor([[row.last_id]], device=self._device)
            self._take(self._further(input_ids=ids, past_key_values=self._memory, use_cache=True))

    def _take(self, out: Any) -> None:
        self._memory = out.past_key_values
        _pick(self.rows, out.logits[:, -1])
        self.rows = [row for row in self.rows if not row.is_done]


def _pick(rows: Sequence[Row], logits: Tensor) -> None:
    """The next token of each row. logits: (B, V)."""
    for place, token_id in enumerate(pick_tokens(logits, [row.sampler for row in rows])):
        rows[place].length += 1 if rows[place].length else len(rows[place].reply.request.prompt_ids)
        rows[place].take(token_id, logits[place])
