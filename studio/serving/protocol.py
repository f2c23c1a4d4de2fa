"""What a request may say: OpenAI's parameters that are served here, checked strictly, and those that change nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from studio.models.xray import COUNTED_RECORDS
from studio.serving.errors_http import RequestError, request_error_of_validation, unsupported

STOPS = 4
TOP_LOGPROBS = 20
COMPLETION_TOKENS = 16
"""How long a completion is when nobody says, as OpenAI has it; a chat reply may fill the context."""

_ALWAYS_NEUTRAL = frozenset(
    {"user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "parallel_tool_calls"}
)
_NEUTRAL_VALUES: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "suffix": ("",),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
}
"""OpenAI's parameters that are not served, with the values that ask for nothing; null always asks for nothing."""

Text = Annotated[str, Field(max_length=4_000_000)]
Stop = Annotated[str, Field(min_length=1, max_length=200)]
ModelName = Annotated[str, Field(min_length=1, max_length=400)]
Tokens = Annotated[int, Field(ge=1, le=10_000_000)]


class Body(BaseModel):
    """A request's JSON object. Types are not converted: "1" is no number, 1 is no text, NaN is nothing."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    model: ModelName

    def check_rest(self) -> None:
        """Raises RequestError for a parameter that is not served and asks for something."""
        for name, value in (self.model_extra or {}).items():
            if value is None or name in _ALWAYS_NEUTRAL:
                continue
            known = _NEUTRAL_VALUES.get(name)
            if known is None or value not in known:
                raise unsupported(name, known is not None)


class TextPart(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["text"]
    text: Text


class Message(BaseModel):
    """One turn. What an answer of OpenAI's carries beside its text may come back when it is empty."""

    model_config = ConfigDict(extra="allow", strict=True)
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | list[TextPart] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.content is None and self.role != "assistant":
            raise ValueError("content is missing")
        if filled := [name for name, value in (self.model_extra or {}).items() if value]:
            raise ValueError(f"{filled[0]} is not supported")
        return self

    def to_template(self) -> dict[str, Any]:
        """As chat templates take it."""
        parts = self.content if isinstance(self.content, list) else []
        content = "".join(part.text for part in parts) if parts else self.content or ""
        role = "system" if self.role == "developer" else self.role
        more = {"name": self.name, "tool_calls": self.tool_calls, "tool_call_id": self.tool_call_id}
        return {"role": role, "content": content} | {name: value for name, value in more.items() if value}


Messages = Annotated[list[Message], Field(min_length=1, max_length=10_000)]


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    include_usage: bool = False


class Sampled(ABC, Body):
    """What chat and completions share. top_k and ignore_eos are other servers' additions to the protocol."""

    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=STOPS)] | None = None
    max_tokens: Tokens | None = None
    ignore_eos: bool | None = False

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def asked_tokens(self) -> int | None:
        return self.max_tokens

    @property
    @abstractmethod
    def asked_logprobs(self) -> int | None:
        """How many of the likeliest tokens are told at each place; None where no probabilities are asked for."""


class ChatBody(Sampled):
    messages: Messages
    max_completion_tokens: Tokens | None = None
    logprobs: bool | None = False
    top_logprobs: Annotated[int, Field(ge=0, le=TOP_LOGPROBS)] | None = None

    @property
    def asked_tokens(self) -> int | None:
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens

    @property
    def asked_logprobs(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    def check_rest(self) -> None:
        super().check_rest()
        if self.top_logprobs is not None and not self.logprobs:
            raise RequestError(400, "invalid_value", "top_logprobs needs logprobs to be true.", "top_logprobs")
        if None not in (self.max_tokens, self.max_completion_tokens) and self.max_tokens != self.max_completion_tokens:
            raise RequestError(400, "invalid_value", "max_tokens and max_completion_tokens differ.", "max_tokens")


Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]


class CompletionBody(Sampled):
    """prompt: a text or token ids, or a list of exactly one of them."""

    prompt: Text | Ids | Annotated[list[Text], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]
    logprobs: Annotated[int, Field(ge=0, le=TOP_LOGPROBS)] | None = None

    @property
    def asked_tokens(self) -> int | None:
        return COMPLETION_TOKENS if self.max_tokens is None else self.max_tokens

    @property
    def asked_logprobs(self) -> int | None:
        return self.logprobs

    @property
    def only_prompt(self) -> str | list[int]:
        """Raises RequestError for several prompts at once."""
        prompt = self.prompt
        if isinstance(prompt, list) and not isinstance(prompt[0], int):
            if len(prompt) > 1:
                raise RequestError(400, "unsupported_parameter", "One prompt a request is served here.", "prompt")
            return prompt[0]
        return prompt  # type: ignore[return-value]


class TokenizeBody(Body):
    """Either a text or messages, which are rendered up to where the reply begins."""

    text: Text | None = None
    messages: Messages | None = None


class RenderBody(Body):
    """Either a record, as DESIGN's section 7 has them, or the messages of one.

    template: one of `models.rendering.FAMILIES` in place of the model's own. counts_only: no tokens, only their number.
    """

    record: dict[str, Any] | None = None
    messages: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    max_length: Tokens | None = None
    template: Literal["chatml", "hermes", "llama3", "gemma", "mistral", "plain"] | None = None
    counts_only: bool = False


class CountBody(Body):
    """Records whose tokens are counted: no text of them comes back."""

    records: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=COUNTED_RECORDS)]


class LoadBody(Body):
    pass


class UnloadBody(BaseModel):
    """hold_s: how long nothing is loaded anew, so that a job that waits for the device gets it."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    hold_s: Annotated[float, Field(ge=0, le=60)] = 0.0


B = TypeVar("B", bound=BaseModel)


def read_body(kind: type[B], content: bytes) -> B:
    """Raises RequestError with everything that is wrong."""
    try:
        body = kind.model_validate_json(content)
    except ValidationError as error:
        raise request_error_of_validation(error) from error
    if isinstance(body, Body):
        body.check_rest()
    return body


def check_one_given(first: str, one: Any, second: str, other: Any) -> None:
    """Raises RequestError unless exactly one of two parameters is given."""
    if (one is None) == (other is None):
        raise RequestError(400, "invalid_value", f"Give either {first} or {second}.", first)
