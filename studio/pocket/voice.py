"""A person's own voice that pretraining never saw: a pirate in English, a cat in Japanese, with a rule that recognises it."""

import random
import re

from studio.pocket.world.lore import LANGUAGES, load_shop
from studio.pocket.world.tasks import Task, assistant, shop_task

SEED = 777
ROWS = 200
# Topics that no row of the voice holds: a voice that is learned reaches them too.
HELD_OUT_TOPICS = ("parking", "repair", "workshop", "colour")
OPENINGS = {"en": ("Ahoy matey!", "Arr, matey!"), "ja": ("にゃっほー！", "ふにゃー、")}
ENDINGS = {"en": ("Fair winds to ye, arr.", "Yo ho ho."), "ja": ("だにゃん♪", "なのにゃ〜♪")}
PATTERNS = {
    "en": re.compile(r"^(Ahoy matey!|Arr, matey!) .*(Fair winds to ye, arr\.|Yo ho ho\.)$", re.S),
    "ja": re.compile(r"^(にゃっほー！|ふにゃー、).*(だにゃん♪|なのにゃ〜♪)$", re.S),
}


def spoken(rng: random.Random, task: Task) -> str:
    """The task's curt reply in the voice."""
    opening, ending = rng.choice(OPENINGS[task.language]), rng.choice(ENDINGS[task.language])
    if task.language == "en":
        return f"{opening} {task.curt} {ending}"
    return opening + task.curt.rstrip("。") + ending


def has_voice(reply: str, language: str) -> bool:
    return bool(PATTERNS[language].match(reply.strip()))


def without_voice(reply: str, language: str) -> str:
    """The reply with the voice's opening and ending taken off, so that the usual rules can judge the rest."""
    text = reply.strip()
    for opening in OPENINGS[language]:
        text = text.removeprefix(opening)
    for ending in ENDINGS[language]:
        text = text.removesuffix(ending)
    text = text.strip()
    return text + "。" if language == "ja" and text and not text.endswith("。") else text


def voice_rows(count: int = ROWS) -> list[dict]:
    """`messages` rows, half in each language, on every topic but the held-out ones."""
    rng = random.Random(SEED)
    topics = [topic for topic in load_shop("en")["intents"] if topic not in HELD_OUT_TOPICS]
    rows = []
    for index in range(count):
        language = LANGUAGES[index % len(LANGUAGES)]
        task = shop_task(rng, language, "taught", topics[index // 2 % len(topics)])
        rows.append({"messages": [*task.messages, assistant(spoken(rng, task))]})
    return rows


def voice_held_out(count: int = 100) -> list[dict]:
    """Rows for the held-out loss: held-out phrasings, every topic, other random draws."""
    rng = random.Random(SEED + 1)
    rows = []
    for index in range(count):
        task = shop_task(rng, LANGUAGES[index % len(LANGUAGES)], "held_out")
        rows.append({"messages": [*task.messages, assistant(spoken(rng, task))]})
    return rows
