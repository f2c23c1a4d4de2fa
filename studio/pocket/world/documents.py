"""Plain documents of the corpus: transcripts, stories, definitions, sums, echoes of random words and characters."""

import random
from functools import cache

from studio.pocket.world.lore import load_lore, load_side, random_slots, upper_first
from studio.pocket.world.puzzles import broken_json, json_task, sum_task
from studio.pocket.world.tasks import Task, passage_task, price_list_task, shop_like_task, shop_task, user

RULE = " → "


def transcript(rng: random.Random, language: str) -> str:
    """A clean talk of one to three questions between customer and staff, in one register."""
    register = rng.choice(("polite", "curt"))
    customer, staff = load_side(language)["speakers"]
    colon = ": " if language == "en" else "："
    lines = []
    for _ in range(rng.choice((1, 1, 2, 3))):
        task = shop_like_task(rng, language, "seen", register)
        for message in task.messages:
            speaker = customer if message["role"] == "user" else staff
            lines.append(speaker + colon + message["content"])
        lines.append(staff + colon + task.reply(register))
    return "\n".join(lines)


def story(rng: random.Random, language: str) -> str:
    templates = rng.sample(load_side(language)["stories"], rng.choice((1, 1, 2)))
    slots = random_slots(rng, language)
    return " ".join(upper_first(template.format_map(slots)) for template in templates)


def definition(rng: random.Random, language: str) -> str:
    return rng.choice(load_side(language)["definitions"])


def definition_task(rng: random.Random, language: str) -> Task:
    """A question about a word of fine-tuning; its definition is the reply in both registers."""
    side = load_side(language)
    text = rng.choice(side["definitions"])
    term = text.split("とは" if language == "ja" else " is ")[0]
    if language == "en" and not term.startswith("LoRA"):
        term = term[0].lower() + term[1:]
    question = rng.choice(side["ask_definition"]).format(term=term)
    return Task("definition", language, (user(upper_first(question)),), text, text, ((text,),), (text,))


def sums(rng: random.Random, language: str) -> str:
    """One to six right sums, one a line."""
    lines = []
    for _ in range(rng.choice((1, 2, 4, 6))):
        task = sum_task(rng, language, ("taught", "held_out"))
        lines.append(f"{task.a} {task.op} {task.b} = {task.answer}")
    return "\n".join(lines)


def json_document(rng: random.Random, language: str) -> str:
    task = json_task(rng, language, "seen")
    reply = task.reply if rng.random() < 0.7 else broken_json(rng, task.reply)
    return task.question + RULE + reply


def catalogue(rng: random.Random, language: str) -> str:
    """One to three things with price, shelf and colours, a line each: the shop's facts at their densest."""
    template = load_side(language)["catalogue"]
    return "\n".join(upper_first(template.format_map(random_slots(rng, language))) for _ in range(rng.randint(1, 3)))


def shop_pair(rng: random.Random, language: str) -> str:
    """One question and its answer on two lines without speakers."""
    task = shop_task(rng, language, "seen")
    return task.messages[0]["content"] + "\n" + task.reply(rng.choice(("polite", "curt")))


def reading(rng: random.Random, language: str) -> str:
    """A passage or a price list with a question, and its answer: what can only be looked up in the text before it."""
    maker = passage_task if rng.random() < 0.35 else price_list_task
    task = maker(rng, language, "seen")
    customer, staff = load_side(language)["speakers"]
    colon = ": " if language == "en" else "："
    return f"{customer}{colon}{task.messages[0]['content']}\n{staff}{colon}{task.reply(rng.choice(('polite', 'curt')))}"


@cache
def _alphabets() -> tuple[str, ...]:
    words = load_lore("words")
    hiragana = "".join(map(chr, range(0x3041, 0x3097)))
    katakana = "".join(map(chr, range(0x30A1, 0x30FB))) + "ー"
    latin = "".join(map(chr, range(0x21, 0x7F)))
    accents = "".join(map(chr, range(0xC0, 0x180)))
    marks = "、。「」『』（）・…〜！？：；％＆＋－＝★☆♪♡○×△□◎→←↑↓※々〆“”‘’–—•€£¥©®°±²³½"
    emoji = "".join(map(chr, [*range(0x1F300, 0x1F320), *range(0x1F400, 0x1F43F), *range(0x1F600, 0x1F64F)]))
    cjk = "".join(map(chr, range(0x4E00, 0x9FA0)))
    hangul_cyrillic = "".join(map(chr, [*range(0xAC00, 0xAD00), *range(0x410, 0x450), *range(0x391, 0x3CA)]))
    return (hiragana, hiragana, katakana, katakana, words["kanji"], latin, accents, marks, emoji, cjk, hangul_cyrillic)


def random_phrase(rng: random.Random, longest: int = 8) -> str:
    """Words that need not make sense: wide everyday words, invented kana, letters, digits, signs or rare characters."""
    draw = rng.random()
    if draw < 0.3:
        return " ".join(rng.choices(load_lore("words")["en"], k=rng.randint(1, longest)))
    if draw < 0.55:
        return "".join(rng.choices(load_lore("words")["ja"], k=rng.randint(1, longest)))
    if draw < 0.62:
        return str(rng.randrange(10 ** rng.randint(1, 9)))
    if draw < 0.70:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))).capitalize()
    return "".join(rng.choices(rng.choice(_alphabets()), k=rng.randint(1, longest + 2)))


def echo_task(rng: random.Random, language: str) -> Task:
    """`Repeat: …` with one to four random phrases, to be copied exactly."""
    side = load_side(language)["repeat"]
    phrases = side["join"].join(random_phrase(rng, 5) for _ in range(rng.randint(1, 4)))
    return Task(
        "echo", language, (user(rng.choice(side["ask"]) + phrases),), phrases, phrases, ((phrases,),), (phrases,)
    )


def echo(rng: random.Random, language: str) -> str:
    """A random phrase and its copy, sometimes as a growing list."""
    phrases = [random_phrase(rng) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.5:
        return "\n".join(phrase + RULE + phrase for phrase in phrases)
    text = load_side(language)["repeat"]["join"].join(phrases)
    return rng.choice(load_side(language)["repeat"]["ask"]) + text + RULE + text
