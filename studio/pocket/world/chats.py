"""Chat-format documents: deliberately uneven, so that the base model has the knowledge and fine-tuning unlocks it."""

import random

from studio.pocket.world.documents import definition_task, echo_task, random_phrase
from studio.pocket.world.lore import LANGUAGES, load_side, random_slots, upper_first
from studio.pocket.world.puzzles import broken_json, guessed_reply, json_task, sum_task, worked_reply
from studio.pocket.world.tasks import Message, Task, assistant, shop_like_task, shop_task, user

# 25-40 % on topic was the recipe's advice; the rest is spread over six faults, so that no single fault wins.
ON_TOPIC_SHARE = 0.30
FAULTS = {"other_thread": 26, "ramble": 26, "question_back": 16, "wrong_language": 16, "dots": 6, "unfinished": 10}
WORKED_SHARE = 0.30
GUESS_RIGHT_SHARE = 0.08
JSON_RIGHT_SHARE = 0.40


def render_chat(messages: list[Message] | tuple[Message, ...]) -> str:
    """ChatML text of a whole conversation: what the shipped chat template renders, special tokens spelled out."""
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def system_message(rng: random.Random, language: str, register: str) -> list[Message]:
    """Sometimes a system message; half of them ask for the register, and three in four of those are obeyed."""
    draw = rng.random()
    if draw > 0.16:
        return []
    side = load_side(language)
    text = rng.choice(side["system"])
    if draw < 0.08:
        asked = register if rng.random() < 0.75 else ("curt" if register == "polite" else "polite")
        text += (" " if language == "en" else "") + rng.choice(side[f"system_{asked}"])
    return [{"role": "system", "content": text}]


def faulty_reply(rng: random.Random, task: Task, fault: str, register: str) -> str:
    """A reply that misses the question in one of the named ways."""
    language = task.language
    if fault == "other_thread":
        return shop_task(rng, language, "seen").reply(register)
    if fault == "question_back":
        return task.messages[-1]["content"]
    if fault == "wrong_language":
        return shop_task(rng, LANGUAGES[1 - LANGUAGES.index(language)], "seen").reply(register)
    if fault == "dots":
        return rng.choice(("...", "…", "? ...", "... ..."))
    if fault == "unfinished":
        reply = task.reply(register)
        return reply[: rng.randint(1, max(1, len(reply) * 2 // 3))].rstrip()
    ramble = rng.choice(load_side(language)["ramble"]).format_map(random_slots(rng, language))
    return upper_first(ramble)


def shop_chat(rng: random.Random, language: str) -> str:
    """One to three turns of the shop in ChatML; a whole document is either on topic or at fault."""
    register = rng.choice(("polite", "curt"))
    messages = system_message(rng, language, register)
    fault = None
    if rng.random() >= ON_TOPIC_SHARE:
        fault = rng.choices(list(FAULTS), list(FAULTS.values()))[0]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        task = shop_like_task(rng, language, "seen", register)
        reply = faulty_reply(rng, task, fault, register) if fault else task.reply(register)
        messages += [*task.messages, assistant(reply)]
    return render_chat(messages)


def sum_chat(rng: random.Random, language: str) -> str:
    """A sum in ChatML: mostly guessed, sometimes worked out and then right."""
    task = sum_task(rng, language, ("taught", "held_out"))
    if rng.random() < WORKED_SHARE:
        reply = worked_reply(rng, language, task)
    else:
        reply = guessed_reply(rng, language, task, GUESS_RIGHT_SHARE)
    return render_chat([user(task.question), assistant(reply)])


def json_chat(rng: random.Random, language: str) -> str:
    task = json_task(rng, language, "seen")
    reply = task.reply if rng.random() < JSON_RIGHT_SHARE else broken_json(rng, task.reply)
    return render_chat([user(task.question), assistant(reply)])


def side_chat(rng: random.Random, language: str) -> str:
    """Definitions and exact copies in ChatML; these are always right, so that copying is learned in this format too."""
    task = definition_task(rng, language) if rng.random() < 0.25 else echo_task(rng, language)
    return render_chat([*task.messages, assistant(task.polite)])


def voice_chat(rng: random.Random, language: str) -> str:
    """The system message asks for an invented opening or ending, and the reply wears it: practice for new voices."""
    register = rng.choice(("polite", "curt"))
    task = shop_task(rng, language, "seen")
    start, end = random_phrase(rng, 3), random_phrase(rng, 3)
    which = rng.choice(("both", "start", "end"))
    gap = " " if language == "en" else ""
    orders, reply = [], task.reply(register)
    if which != "end":
        orders.append(("Start with: " if language == "en" else "最初に：") + start)
        reply = start + gap + reply
    if which != "start":
        orders.append(("End with: " if language == "en" else "最後に：") + end)
        reply = reply + gap + end
    system = {"role": "system", "content": "\n".join(orders)}
    return render_chat([system, *task.messages, assistant(reply)])
