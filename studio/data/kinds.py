"""The kinds of records: which message lists and which other fields each is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONVERSATION = "conversation"
PROMPT_COMPLETION = "prompt_completion"
PREFERENCE = "preference"
UNPAIRED = "unpaired"
VERIFIABLE = "verifiable"
DOCUMENT = "document"
CLASSIFICATION = "classification"
EXTRACTION = "extraction"
KINDS = (
    CONVERSATION,
    PROMPT_COMPLETION,
    PREFERENCE,
    UNPAIRED,
    VERIFIABLE,
    DOCUMENT,
    CLASSIFICATION,
    EXTRACTION,
)
ROLES = ("system", "user", "assistant", "tool")

SIDES: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("messages",),
    PROMPT_COMPLETION: ("prompt", "completion"),
    PREFERENCE: ("prompt", "chosen", "rejected"),
    UNPAIRED: ("prompt", "completion"),
    VERIFIABLE: ("prompt",),
    DOCUMENT: (),
    CLASSIFICATION: (),
    EXTRACTION: (),
}
"""The message lists a record of each kind is made of, in order."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    UNPAIRED: ("label",),
    VERIFIABLE: ("answer", "verifier"),
    DOCUMENT: ("text",),
    CLASSIFICATION: ("text", "label"),
    EXTRACTION: ("text", "entities"),
}
"""What a record of a kind must have besides its message lists."""

EXTRAS: Mapping[str, tuple[str, ...]] = {
    CONVERSATION: ("tools",),
    PROMPT_COMPLETION: ("tools",),
    PREFERENCE: ("tools", "margin"),
    UNPAIRED: ("tools",),
    VERIFIABLE: ("tools",),
}
"""What a record of a kind may have besides."""


def record_kind(record: Mapping[str, Any]) -> str | None:
    """The kind by the record's fields; None where they make up no kind."""
    if "messages" in record:
        return CONVERSATION
    if "chosen" in record or "rejected" in record:
        return PREFERENCE
    if "completion" in record:
        return UNPAIRED if "label" in record else PROMPT_COMPLETION
    if "prompt" in record and ("answer" in record or "verifier" in record):
        return VERIFIABLE
    if "entities" in record:
        return EXTRACTION
    if "text" in record:
        return CLASSIFICATION if "label" in record else DOCUMENT
    return None
