"""The end of a child's output, short enough for an event and without secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

TAIL_BYTES = 4096
HIDDEN = "[hidden]"
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"\bhf_[A-Za-z0-9]{16,}|\bsk-[A-Za-z0-9_-]{16,}|\bgh[a-z]_[A-Za-z0-9]{16,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:(?<=token=)|(?<=key=)|(?<=password=)|(?<=secret=))[^\s&\"']{6,}"
)


def read_tail(path: Path, limit_bytes: int = TAIL_BYTES, environment: Mapping[str, str] = os.environ) -> str:
    """The last lines of a log, at most `limit_bytes` of UTF-8.

    Progress bars that redraw their line are shown as last drawn. Values of environment variables whose name says
    secret, and what looks like an access token, are hidden. A missing file gives "".
    """
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            # Twice the limit, so that a token cut by the limit is still recognised before the text is shortened.
            log.seek(max(0, size - 2 * limit_bytes))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    shown = without_secrets("\n".join(lines), environment).strip("\n")
    return shown.encode("utf-8")[-limit_bytes:].decode("utf-8", "ignore")


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text with everything hidden that looks like a secret, or is the value of a variable named like one."""
    for name, value in environment.items():
        if len(value) >= 6 and _SECRET_NAME.search(name):
            text = text.replace(value, HIDDEN)
    return _SECRET_TEXT.sub(HIDDEN, text)
