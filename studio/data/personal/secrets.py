"""Keys that open something: tokens by their makers' prefixes, private keys, and values that a label calls secret."""

from __future__ import annotations

import re
from collections.abc import Iterator

from studio.data.personal.spans import Span

_MADE = re.compile(
    r"(?<![A-Za-z0-9_\-])(?:"
    r"sk-(?:ant-|proj-|or-v1-|svcacct-)?[A-Za-z0-9_\-]{20,200}|(?:sk|rk|pk)_live_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9]{24,80}"
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255}|glpat-[A-Za-z0-9_\-]{20,64}|hf_[A-Za-z0-9]{30,64}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_\-]{35}|ya29\.[0-9A-Za-z_\-]{20,300}|xox[abeprs]-[0-9A-Za-z\-]{10,250}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_\-]{50,250}|SG\.[A-Za-z0-9_\-]{16,64}\.[A-Za-z0-9_\-]{16,64}"
    r"|eyJ[A-Za-z0-9_\-]{10,2000}\.eyJ[A-Za-z0-9_\-]{10,4000}\.[A-Za-z0-9_\-]{10,1000}"
    r")(?![A-Za-z0-9])"
)
_BLOCK = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----")
_BLOCK_END = re.compile(r"-----END [A-Z ]{0,20}PRIVATE KEY-----")
_LONGEST_BLOCK = 8_000
_LABELLED = re.compile(
    r"(?:api[_\- ]?key|secret[_\- ]?key|access[_\- ]?token|auth[_\- ]?token|client[_\- ]?secret|bearer|password|passwd|apikey"
    r"|パスワード|暗証番号|シークレットキー|apiキー|アクセストークン)"
    r"[\"']?(?:[ ]?(?:[:=]|は)[ ]?|[ ])[\"'「]?([A-Za-z0-9_\-+/=.!@#$%&*]{8,200})",
    re.IGNORECASE,
)
_HINTS = (
    *(
        "sk-",
        "_live_",
        "whsec_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat",
        "glpat",
        "hf_",
        "akia",
        "asia",
        "aiza",
    ),
    *("ya29", "xox", "npm_", "pypi-", "sg.", "eyj", "key", "token", "secret", "bearer", "passw"),
    *("パスワード", "暗証番号", "キー", "トークン"),
)
"""One of these, in lower case, stands in everything that the patterns find; most texts have none."""

_STANDS_FOR = re.compile(
    r"your|example|xxxx|1234567|abcdef|\*\*\*|\.\.\.|placeholder|changeme|os\.|env|process|get|password", re.IGNORECASE
)


def find_keys(text: str) -> Iterator[Span]:
    """Not those that only stand for one: your_api_key, xxxx, os.environ. A labelled value needs letters and digits."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return
    for match in _MADE.finditer(text):
        if _looks_drawn(match.group()):
            yield Span("key", match.start(), match.end(), match.group())
    for match in _BLOCK.finditer(text):
        end = _BLOCK_END.search(text, match.end(), match.end() + _LONGEST_BLOCK)
        yield Span("key", match.start(), end.end() if end else match.end(), text[match.start() : match.start() + 200])
    for match in _LABELLED.finditer(text):
        value = match.group(1).rstrip(".")
        if _looks_drawn(value):
            yield Span("key", match.start(1), match.start(1) + len(value), value)


def _looks_drawn(value: str) -> bool:
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and len(set(value)) >= 6 and not _STANDS_FOR.search(value)
