"""Between the routes and the decode loop: finds models, renders prompts, hands requests over. It blocks: not for the event loop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.data.records import record_kind
from studio.errors import DeviceTaken
from studio.models.xray import count_tokens, render_record
from studio.serving.answers import Answer
from studio.serving.errors_http import RequestError
from studio.serving.names import Places, find_model, list_models
from studio.serving.protocol import (
    ChatBody,
    CompletionBody,
    CountBody,
    RenderBody,
    Sampled,
    TokenizeBody,
    check_one_given,
)
from studio.serving.renderers import Renderers, render_prompt
from studio.serving.replies import Model, Reply, Request
from studio.serving.tokens import Caller

if TYPE_CHECKING:
    from studio.serving.engine import Engine

REPLIES = 512
"""Replies that may be under way at once; one more is refused rather than kept waiting without end."""


class Desk:
    """Thread-safe. The decode loop, and torch with it, is there from the first request that needs it.

    replied: called once, when the first reply has ended as it should.
    """

    def __init__(self, places: Places, replied: Callable[[], None]) -> None:
        self._places = places
        self._replied = replied
        self._renderers = Renderers()
        self._guard = threading.Lock()
        self._engine: Engine | None = None
        self._under_way = 0
        self._ended = 0
        self._held_until = 0.0

    def order(self, body: Sampled, caller: Caller) -> tuple[Reply, Answer]:
        """Hands a request to the decode loop. The reply is given back by `settle` when it is over.

        Raises RequestError, and what `find_model` raises.
        """
        model = find_model(self._places, caller, body.model)
        ids = self._read_prompt(body, model)
        request = _build_request(body, model, ids)
        with self._guard:
            if self._under_way >= REPLIES:
                raise RequestError(503, "server_busy", f"{REPLIES} replies are under way already.")
            self._under_way += 1
        try:
            self._check_hold()
            reply = self._ensure_engine().submit(request)
        except BaseException:
            self.settle(None)
            raise
        return reply, Answer(isinstance(body, ChatBody), body.model, request.logprobs is not None)

    def settle(self, reply: Reply | None) -> None:
        """A reply is over, or never came."""
        with self._guard:
            self._under_way -= 1
            is_good = reply is not None and reply.finish_reason in ("stop", "length")
            self._ended += is_good
            is_first = is_good and self._ended == 1
        if is_first:
            self._replied()

    def models(self, caller: Caller) -> list[dict[str, Any]]:
        return [
            {
                "id": found["id"],
                "object": "model",
                "created": int(Path(found["folder"]).stat().st_mtime),
                "owned_by": found["owned_by"],
            }
            for found in list_models(self._places, caller)
        ]

    def tokenize(self, body: TokenizeBody, caller: Caller) -> dict[str, Any]:
        """{"tokens": ids, "count", "max_model_len": the base's context}."""
        check_one_given("text", body.text, "messages", body.messages)
        model = find_model(self._places, caller, body.model)
        with self._renderers.lent(model) as renderer:
            if body.messages is not None:
                ids = render_prompt(renderer, [message.to_template() for message in body.messages])
            else:
                ids = renderer.tokenizer.encode(body.text, add_special_tokens=False).ids
        return {"tokens": ids, "count": len(ids), "max_model_len": model.base.context}

    def render(self, body: RenderBody, caller: Caller) -> dict[str, Any]:
        """As `models.xray.render_record` answers; cut at the base's context unless a length is given."""
        check_one_given("record", body.record, "messages", body.messages)
        model = find_model(self._places, caller, body.model)
        record = body.record if body.record is not None else {"messages": body.messages}
        length = min(body.max_length or model.base.context, model.base.context)
        with self._renderers.lent(model) as renderer:
            chosen = renderer.as_family(body.template) if body.template else renderer
            return render_record(chosen, record_kind(record), record, length, body.counts_only)

    def count(self, body: CountBody, caller: Caller) -> dict[str, Any]:
        """{"counts"}: of each record the tokens of its longest side, uncut; None for one that cannot be rendered."""
        model = find_model(self._places, caller, body.model)
        with self._renderers.lent(model) as renderer:
            return {"counts": [count_tokens(renderer, record) for record in body.records]}

    def load(self, name: str, caller: Caller) -> dict[str, Any]:
        """{"base", "precision", "loaded": False where another base is in use and stays}. Raises what loading raises."""
        self._check_hold()
        model = find_model(self._places, caller, name)
        is_loaded = self._ensure_engine().load(model.base, model.precision)
        return {"base": model.base.id, "precision": model.precision, "loaded": is_loaded}

    def unload(self, hold_s: float) -> dict[str, Any]:
        """Lets the replies under way end, then gives up weights and device; nothing new begins until `hold_s` after that.

        Tokenizers stay.
        """
        self._held_until = math.inf if hold_s else 0.0
        try:
            if self._engine is not None:
                self._engine.unload()
        finally:
            self._held_until = time.monotonic() + hold_s
        return self.status()

    def status(self) -> dict[str, Any]:
        """What the decode loop says of itself, {"base": None, "rows": 0} before it is there, and the process's memory."""
        engine = self._engine
        told = engine.status() if engine is not None else {"base": None, "rows": 0}
        return told | {"replies": self._ended, "under_way": self._under_way, "memory_bytes": read_own_memory_bytes()}

    def _read_prompt(self, body: Sampled, model: Model) -> list[int]:
        with self._renderers.lent(model) as renderer:
            if isinstance(body, ChatBody):
                return render_prompt(renderer, [message.to_template() for message in body.messages])
            prompt = body.only_prompt if isinstance(body, CompletionBody) else ""
            if isinstance(prompt, str):
                return renderer.tokenizer.encode(prompt).ids
        if max(prompt) >= model.base.vocabulary:
            raise RequestError(400, "invalid_value", f"Token {max(prompt)} is not in the vocabulary.", "prompt")
        return prompt

    def _check_hold(self) -> None:
        if time.monotonic() < self._held_until:
            raise DeviceTaken(job=None)

    def _ensure_engine(self) -> Engine:
        with self._guard:
            if self._engine is None:
                from studio.serving.engine import Engine

                self._engine = Engine(self._places.root, self._places.lease)
            return self._engine


def _build_request(body: Sampled, model: Model, ids: list[int]) -> Request:
    """Raises RequestError where prompt and reply do not fit the base's context."""
    param = "messages" if isinstance(body, ChatBody) else "prompt"
    if not ids:
        raise RequestError(400, "invalid_value", "The prompt is empty.", param)
    room = model.base.context - len(ids)
    asked = body.asked_tokens
    if room < 1 or (asked is not None and asked > room):
        words = (
            f"The context of {model.base.id} is {model.base.context} tokens. You asked for "
            f"{len(ids) + (asked or 1)}: {len(ids)} in the prompt and {asked or 'at least 1'} for the reply."
        )
        raise RequestError(400, "context_length_exceeded", words, param if room < 1 else "max_tokens")
    # Of the smallest share only the likeliest token is left, which is what temperature 0 takes.
    is_greedy = body.top_p == 0
    return Request(
        model=model,
        prompt_ids=ids,
        max_tokens=room if asked is None else asked,
        temperature=0.0 if is_greedy else 1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None or is_greedy else body.top_p,
        top_k=body.top_k or 0,
        seed=body.seed,
        stop=body.stops,
        logprobs=body.asked_logprobs,
        ignore_end=bool(body.ignore_eos),
    )


def read_own_memory_bytes() -> int | None:
    """Resident memory of this process, or None where the system does not say."""
    path = Path("/proc/self/status")
    lines = path.read_text("ascii").splitlines() if path.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)
