"""Boilerplate: what other assistants and their chat templates left in replies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from studio.data.checks import Check, CheckContext, CheckExample, CheckRow, Finding, Fixer, Record, example_row
from studio.data.checks._folding import ticked
from studio.data.checks._replies import CODE, is_reply, replies
from studio.data.records import with_texts
from studio.words import Text

REFUSAL, TOKEN, ROLE_NAME, NEXT_TURN, PLACEHOLDER, OTHER_NAME = (
    "refusal",
    "role_token",
    "role_name",
    "next_turn",
    "placeholder",
    "other_name",
)

_REFUSALS = re.compile(
    r"\b(?:as|i am|i'm|being) (?:just |only )?an? (?:large |artificial intelligence |ai )?(?:ai\b|language model|artificial intelligence)"
    r"|\bi (?:do not|don't) have (?:personal|feelings|emotions|the ability to|access to real)"
    r"|\b(?:i'm|i am) sorry,? but i (?:can't|cannot|can not|am unable to|'m unable to|am not able to) (?:assist|help|fulfill|comply|provide|answer|do that)"
    r"|\bi (?:can't|cannot|am unable to) (?:assist with|help with|fulfill|comply with) (?:that|this|your)"
    r"|\bmy (?:knowledge cutoff|training data)\b|\bas of my last (?:update|training|knowledge)"
    r"|AI(?:言語モデル|アシスタント)?(?:として|なので|であるため|ですので|ですから)|(?:大規模)?言語モデル(?:として|なので|であるため|ですので|ですから)"
    r"|人工知能(?:として|なので|であるため|ですので)|AI(?:である私|の私)|私はAI(?:です|であり|なので|言語モデル)",
    re.IGNORECASE,
)

_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|im_sep|endoftext|end_of_text|begin_of_text|eot_id|eom_id|start_header_id|end_header_id|end|user|assistant|system|pad|python_tag)\|>"
    r"|<(?:start_of_turn|end_of_turn|bos|eos)>|\[/?INST\]|<</?SYS>>|</s>|(?:(?<=^)|(?<=\s))<s>(?!\w)|<｜[^｜<>\n]{1,40}｜>"
)
_ROLE_AFTER_TOKEN = re.compile(
    r"(?:(?<=<\|im_start\|>)|(?<=<\|start_header_id\|>)|(?<=<start_of_turn>))(?:system|user|assistant|model|tool)\s?"
)
_HEADINGS = re.compile(
    r"^#{2,4} ?(?:Instruction|Response|Input|Output|Human|Assistant|User|指示|入力|応答|回答):[ ]?", re.MULTILINE
)
_STARTS_WITH_ROLE = re.compile(r"\s*(?:Assistant|ASSISTANT|AI|Bot|アシスタント|応答)[:：][ 　]?(?=\S)")
_NEXT = re.compile(
    r"\n\s{0,8}(?:#{2,4} ?)?(?:User|USER|Human|HUMAN|Assistant|ASSISTANT|Instruction|ユーザー|アシスタント|人間)[:：]"
)

_PLACEHOLDERS = re.compile(
    r"\{\{ ?[A-Za-z_][\w .]{0,30} ?\}\}|\[(?:[Yy]our|[Cc]ompany|[Rr]ecipient|[Cc]ustomer|[Cc]lient|[Ii]nsert|[Cc]ontact)(?: [A-Za-z/']{1,15}){1,4}\]"
    r"|<(?:YOUR|INSERT)[ _][A-Z_ ]{2,30}>|[\[［【](?:お?名前|氏名|会社名|担当者名|日付|住所|電話番号)(?:を入力|を挿入)?[\]］】]"
)
_ABOUT_TEMPLATES = re.compile(
    r"template|placeholder|jinja|mustache|handlebars|vue|angular|\{%|テンプレート|プレースホルダ|差し込み",
    re.IGNORECASE,
)

_MODELS = r"(?:ChatGPT|GPT-?[345]|Claude|Bard|Gemini|Copilot|LLaMA|Llama|Vicuna|Alpaca|Qwen|DeepSeek|Mistral|Grok|ERNIE|Koala|Open ?Assistant|BLOOM)"
_MAKERS = r"(?:OpenAI|Anthropic|Google(?: DeepMind)?|DeepMind|Meta AI|Mistral AI|Alibaba Cloud|DeepSeek|xAI|LMSYS|Large Model Systems Organization)"
_OTHER_NAMES = re.compile(
    rf"\b(?:I am|I'm|I’m|my name is|call me|as) (?:a |an |called |named )?(?:AI |language model |assistant |large ){{0,3}}(?:called |named )?{_MODELS}\b"
    rf"|\b(?:trained|developed|created|made|built) by (?:researchers (?:from|at) |the team at )?{_MAKERS}\b"
    rf"|(?:私|わたし|僕|当方)は、?{_MODELS}|{_MAKERS}(?:によって|が|に)(?:開発|訓練|作成|学習|作ら|提供)",
    re.IGNORECASE,
)
_REFUSAL_HINTS = (
    *(
        " ai",
        "language model",
        "artificial intelligence",
        "i don't have",
        "i do not have",
        "sorry",
        "i can't",
        "i cannot",
    ),
    *(
        "i am unable",
        "knowledge cutoff",
        "training data",
        "as of my last",
        "ai言",
        "aiア",
        "aiと",
        "aiな",
        "aiで",
        "aiの",
    ),
    *("はai", "言語モデル", "人工知能"),
)
_NAME_HINTS = (
    *("gpt", "claude", "bard", "gemini", "copilot", "llama", "vicuna", "alpaca", "qwen", "deepseek", "mistral", "grok"),
    *("ernie", "koala", "assistant", "bloom", "openai", "anthropic", "google", "deepmind", "meta ai", "alibaba", "xai"),
    *("lmsys", "large model systems"),
)
"""One of these stands in everything that the patterns find: looking for them first is ten times as fast."""

_SPEAKS_OF_ITSELF = re.compile(r"\bI\b|\b[Mm]y\b|\bme\b|私|わたし|僕|当方")
_SHOWN = 40


def _asked(question: str, reply: str) -> Record:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": reply}]}


class Boilerplate(Check):
    name = "boilerplate"
    title = Text("Boilerplate of other assistants", "ほかの AI に由来する定型文")
    summary = Text(
        "Replies that refuse as an AI, hold the tokens or role names of a chat template, run on into the next turn, keep a"
        " placeholder such as {{name}}, or call themselves by another assistant's name.",
        "AI であることを理由に断る応答、チャットテンプレートのトークンや役割名が残った応答、次の発言まで続く応答、{{name}} などの"
        "穴埋めが残った応答、ほかのアシスタントを名乗る応答を探します。",
    )
    severity = "warn"
    words = {
        REFUSAL: Text("A reply speaks or refuses as an AI: “{shown}”.", "AI であることに触れたり、それを理由に断ったりする応答です：「{shown}」"),
        TOKEN: Text("{count} {count|token|tokens} of a chat template, such as {shown}", "チャットテンプレートのトークンが {count} 個：{shown}"),
        ROLE_NAME: Text("A reply begins with the name of its role: “{shown}”.", "応答が役割名で始まっています：「{shown}」"),
        NEXT_TURN: Text("A reply runs on into another turn: “{shown}”.", "応答に次の発言まで含まれています：「{shown}」"),
        PLACEHOLDER: Text("A placeholder was never filled: {shown}", "埋められていない箇所があります：{shown}"),
        OTHER_NAME: Text("A reply calls itself another assistant, or another's work: “{shown}”.", "ほかのアシスタントや開発元を名乗る応答です：「{shown}」"),
    }  # fmt: skip
    fixable = frozenset({TOKEN, ROLE_NAME})
    example = CheckExample(
        rows=(
            example_row(1, _asked("Do you like mugs?", "As an AI language model, I have no taste.")),
            example_row(2, _asked("好きな色は何ですか。", "申し訳ありませんが、AIとして好みはありません。")),
            example_row(3, _asked("Hello", "<|im_start|>assistant\nHello, what can I show you?<|im_end|>")),
            example_row(4, _asked("Are you open?", "Assistant: Yes, until six.\nUser: And on Sunday?\nAssistant: No.")),
            example_row(5, _asked("Who are you?", "I am {{name}}, the clerk of this shop.")),
            example_row(6, _asked("Who made you?", "I'm ChatGPT, and I was trained by OpenAI.")),
        ),
        findings=(
            Finding(REFUSAL, {"what": REFUSAL, "shown": "As an AI language model, I have no taste."}, 1),
            Finding(REFUSAL, {"what": REFUSAL, "shown": "申し訳ありませんが、AIとして好みはありません。"}, 2),
            Finding(TOKEN, {"what": TOKEN, "count": 2, "shown": "<|im_start|>"}, 3),
            Finding(ROLE_NAME, {"what": ROLE_NAME, "shown": "Assistant:"}, 4),
            Finding(NEXT_TURN, {"what": NEXT_TURN, "shown": "User: And on Sunday?"}, 4),
            Finding(PLACEHOLDER, {"what": PLACEHOLDER, "shown": "{{name}}"}, 5),
            Finding(OTHER_NAME, {"what": OTHER_NAME, "shown": "I'm ChatGPT, and I was trained by OpenAI."}, 6),
        ),
        clean=(
            example_row(1, _asked("Can I return it?", "I am sorry, but we cannot take back mugs that were used.")),
            example_row(2, _asked("返品できますか。", "申し訳ありませんが、使用後の返品はお受けできません。")),
            example_row(3, _asked("Who made ChatGPT?", "ChatGPT was made by OpenAI.")),
            example_row(4, _asked("Write a Vue template", "```\n<p>{{name}}</p>\n```")),
            example_row(5, _asked("When does </s> end a text?", "When the model writes its end token.")),
        ),
        fixed={
            3: _asked("Hello", "Hello, what can I show you?"),
            4: _asked("Are you open?", "Yes, until six.\nUser: And on Sunday?\nAssistant: No."),
        },
    )  # fmt: skip

    def find(self, rows: Callable[[], Iterator[CheckRow]], context: CheckContext) -> Iterator[Finding]:
        for row in ticked(rows(), context.tick):
            told: set[str] = set()
            for reply in replies(row.record):
                for code, values in _found(reply):
                    if code not in told:
                        told.add(code)
                        yield Finding(code, {"what": code} | values, row.row_id)

    def fix(self, record: Record, values: Mapping[str, Any], fixer: Fixer) -> Record | None:
        """Tokens and a reply's own role name go; a turn that follows is for a person to cut, it may be a dialogue."""
        change = without_tokens if values["what"] == TOKEN else without_role_name

        def mended(path: str, role: str, text: str) -> str:
            # What would leave nothing is left as it is: an empty reply is no better.
            return (change(text) or text) if is_reply(path, role) else text

        return with_texts(record, mended)


def _found(reply: str) -> Iterator[tuple[str, dict[str, Any]]]:
    text = CODE.sub("", reply) if "```" in reply else reply
    lowered = text.lower()
    if _holds(lowered, _REFUSAL_HINTS) and (match := _REFUSALS.search(text)):
        yield REFUSAL, {"shown": _sentence(text, match)}
    tokens = [*_TOKENS.findall(text), *(heading.strip() for heading in _HEADINGS.findall(text))]
    if tokens and without_tokens(reply):
        yield TOKEN, {"count": len(tokens), "shown": tokens[0]}
    if (match := _STARTS_WITH_ROLE.match(text)) and without_role_name(reply):
        yield ROLE_NAME, {"shown": match.group().strip()}
    if match := _NEXT.search(text):
        yield NEXT_TURN, {"shown": _sentence(text, match)}
    if (match := _PLACEHOLDERS.search(text)) and not _ABOUT_TEMPLATES.search(text):
        yield PLACEHOLDER, {"shown": match.group()}
    if (match := _holds(lowered, _NAME_HINTS) and _OTHER_NAMES.search(text)) and _SPEAKS_OF_ITSELF.search(
        text, max(0, match.start() - 80), match.end()
    ):
        yield OTHER_NAME, {"shown": _sentence(text, match)}


def _holds(lowered: str, hints: tuple[str, ...]) -> bool:
    return any(hint in lowered for hint in hints)


def _sentence(text: str, match: re.Match[str]) -> str:
    """What stands around a match on its line, cut to be shown."""
    at = match.end() - 1 if match.group().startswith("\n") else match.start()
    line_start = text.rfind("\n", 0, at) + 1
    start = max(line_start, at - _SHOWN)
    if start > line_start:
        start = text.find(" ", start, at) + 1 or start
    return text[start : match.end() + _SHOWN].split("\n")[0].strip()


def without_tokens(text: str) -> str:
    """A reply without template tokens, the role names behind them and Alpaca's headings; code is left alone."""
    made, done = [], 0
    for match in [*CODE.finditer(text), None]:
        prose = text[done : match.start()] if match else text[done:]
        prose = _HEADINGS.sub("", _TOKENS.sub("", _ROLE_AFTER_TOKEN.sub("", prose)))
        made += [prose, match.group() if match else ""]
        done = match.end() if match else done
    changed = "".join(made)
    return changed.strip() if changed != text else text


def without_role_name(text: str) -> str:
    return _STARTS_WITH_ROLE.sub("", text, count=1) if _STARTS_WITH_ROLE.match(text) else text


PLUG = Boilerplate()
