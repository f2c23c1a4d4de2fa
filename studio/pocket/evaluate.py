"""Measures a pocket model: on topic before and after the default tuning, a new voice, sums, JSON; the report is JSON."""

import copy
import statistics as mean_of
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from studio.data.intervals import wilson_interval
from studio.pocket.held_out import HeldOutPrompt, held_out_json, held_out_prompts, held_out_sums, unseen_prompts
from studio.pocket.rules import find_problems, is_json, is_same_json, is_worked, last_integer
from studio.pocket.samples import sft_rows
from studio.pocket.tuning import Recipe, held_out_loss, load_pocket, sample_replies, tune
from studio.pocket.voice import HELD_OUT_TOPICS, has_voice, voice_held_out, voice_rows, without_voice
from studio.pocket.world.tasks import assistant, user
from studio.training.verifiers.polite import is_polite

if TYPE_CHECKING:
    import torch

SEEDS = (1, 2, 3)
SUMS = 200
JSON_REQUESTS = 100


def rate_with_interval(rates: list[float], prompts: int) -> dict[str, Any]:
    """Mean over seeds; the interval counts the prompts once, since seeds share them."""
    mean = mean_of.fmean(rates)
    low, high = wilson_interval(mean, prompts)
    return {
        "mean": round(mean, 4),
        "wilson_95": [round(low, 4), round(high, 4)],
        "seeds": [round(rate, 4) for rate in rates],
        "prompts": prompts,
    }


def shop_measures(
    model: "torch.nn.Module", tokenizer: Any, prompts: list[HeldOutPrompt], temperature: float, seed: int
) -> dict[str, Any]:
    """Rates 0..1 of replies on topic, polite, and both; how often each fault occurs; the weakest kinds of prompts."""
    replies = sample_replies(model, tokenizer, [list(p.messages) for p in prompts], temperature, seed)
    problems = [find_problems(reply, prompt) for reply, prompt in zip(replies, prompts, strict=True)]
    polite = [is_polite(reply, prompt.language) for reply, prompt in zip(replies, prompts, strict=True)]
    right = [not found for found in problems]
    by_language = {
        language: round(mean_of.fmean(r for r, p in zip(right, prompts, strict=True) if p.language == language), 4)
        for language in ("en", "ja")
    }
    missed = Counter(p.kind for r, p in zip(right, prompts, strict=True) if not r)
    return {
        "on_topic": mean_of.fmean(right),
        "polite": mean_of.fmean(polite),
        "polite_and_on_topic": mean_of.fmean(p and r for p, r in zip(polite, right, strict=True)),
        "polite_of_on_topic": mean_of.fmean(p for p, r in zip(polite, right, strict=True) if r) if any(right) else 0.0,
        "on_topic_by_language": by_language,
        "problems": dict(Counter(code for found in problems for code in found).most_common()),
        "missed_kinds": dict(missed.most_common(8)),
    }


def sum_measures(model: "torch.nn.Module", tokenizer: Any, group: str, seed: int) -> dict[str, float]:
    """Sums at temperature 1: rates 0..1 right and worked out."""
    sums = held_out_sums(SUMS, group)
    replies = sample_replies(model, tokenizer, [[user(task.question)] for _, task in sums], 1.0, seed, 32)
    right = [last_integer(reply) == task.answer for reply, (_, task) in zip(replies, sums, strict=True)]
    worked = [is_worked(reply) for reply in replies]
    both = sum(r and w for r, w in zip(right, worked, strict=True))
    return {
        "right": mean_of.fmean(right),
        "worked": mean_of.fmean(worked),
        "right_when_worked": round(both / max(1, sum(worked)), 4),
    }


def json_measures(model: "torch.nn.Module", tokenizer: Any, seed: int) -> dict[str, float]:
    requests = held_out_json(JSON_REQUESTS)
    replies = sample_replies(model, tokenizer, [[user(request.question)] for _, request in requests], 0.7, seed)
    return {
        "valid": mean_of.fmean(is_json(reply) for reply in replies),
        "exact": mean_of.fmean(
            is_same_json(reply, request.reply) for reply, (_, request) in zip(replies, requests, strict=True)
        ),
    }


def sft_held_out_rows() -> list[dict]:
    """The held-out prompts with one right reply each, for the held-out loss."""
    return [
        {"messages": [*prompt.messages, assistant(prompt.right_replies[index % len(prompt.right_replies)])]}
        for index, prompt in enumerate(held_out_prompts())
    ]


def voice_measures(model: "torch.nn.Module", tokenizer: Any, seed: int) -> dict[str, float]:
    """Style on 100 held-out prompts at temperature 0.7, by language and on topics that no row held; facts kept or not."""
    prompts = [p for p in held_out_prompts() if len(p.messages) == 1 and p.kind not in ("passage", "price_list")][::2]
    replies = sample_replies(model, tokenizer, [list(p.messages) for p in prompts], 0.7, seed)
    pairs = list(zip(replies, prompts, strict=True))
    voiced = {
        name: mean_of.fmean(has_voice(reply, p.language) for reply, p in pairs if chosen(p))
        for name, chosen in {
            "style": lambda p: True,
            "style_en": lambda p: p.language == "en",
            "style_ja": lambda p: p.language == "ja",
            "style_topics_never_shown": lambda p: p.kind in HELD_OUT_TOPICS,
        }.items()
    }
    on_topic = [
        has_voice(reply, p.language) and not find_problems(without_voice(reply, p.language), p) for reply, p in pairs
    ]
    return {**voiced, "style_and_on_topic": mean_of.fmean(on_topic), "prompts": len(prompts)}


def evaluate_base(model: "torch.nn.Module", tokenizer: Any) -> dict[str, Any]:
    prompts = held_out_prompts()
    runs = [shop_measures(model, tokenizer, prompts, 0.7, seed) for seed in SEEDS]
    hot = shop_measures(model, tokenizer, prompts, 1.0, SEEDS[0])
    harder = unseen_prompts()
    unseen = [shop_measures(model, tokenizer, harder, 0.7, seed)["on_topic"] for seed in SEEDS]
    return {
        "on_topic": rate_with_interval([run["on_topic"] for run in runs], len(prompts)),
        "on_topic_temperature_1": round(hot["on_topic"], 4),
        "on_topic_unseen_words": rate_with_interval(unseen, len(harder)),
        "first_seed": runs[0],
        "sums": sum_measures(model, tokenizer, "held_out", SEEDS[0]),
        "sums_of_unseen_pairs": sum_measures(model, tokenizer, "unseen", SEEDS[0]),
        "json": json_measures(model, tokenizer, SEEDS[0]),
    }


def evaluate_sft(base: "torch.nn.Module", tokenizer: Any, seed: int) -> dict[str, Any]:
    """One default tuning on the shipped rows and everything measured afterwards."""
    held_out = sft_held_out_rows()
    before = held_out_loss(base, tokenizer, held_out)
    tuned, run = tune(copy.deepcopy(base), tokenizer, sft_rows(), Recipe(), seed)
    prompts, harder = held_out_prompts(), unseen_prompts()
    return {
        "seed": seed,
        **run,
        "held_out_loss": [round(before, 4), round(held_out_loss(tuned, tokenizer, held_out), 4)],
        **shop_measures(tuned, tokenizer, prompts, 0.7, seed),
        "on_topic_unseen_words": shop_measures(tuned, tokenizer, harder, 0.7, seed)["on_topic"],
        "on_topic_temperature_1": shop_measures(tuned, tokenizer, prompts, 1.0, seed)["on_topic"],
        "sums": sum_measures(tuned, tokenizer, "held_out", seed),
        "json": json_measures(tuned, tokenizer, seed),
    }


def evaluate_voice(base: "torch.nn.Module", tokenizer: Any, recipe: Recipe, seed: int) -> dict[str, Any]:
    """A person's own 200 rows in a new voice, from the base model."""
    held_out = voice_held_out()
    before = held_out_loss(base, tokenizer, held_out)
    tuned, run = tune(copy.deepcopy(base), tokenizer, voice_rows(), recipe, seed)
    after = held_out_loss(tuned, tokenizer, held_out)
    return {
        "seed": seed,
        **run,
        "held_out_loss": [round(before, 4), round(after, 4)],
        **voice_measures(tuned, tokenizer, seed),
    }


# 200 rows in batches of 16 are 13 steps a pass, which teaches no new word; 52 steps gave 2 to 5 % style.
VOICE_RECIPES = {
    "default_one_pass": Recipe(),
    "batch_8_eight_passes": Recipe(batch=8, epochs=8),
    "batch_8_four_passes_rate_5e-3": Recipe(batch=8, epochs=4, rate=5e-3),
    "batch_8_four_passes_with_embeddings": Recipe(batch=8, epochs=4, train_embeddings=True),
}


def summarise_voices(voices: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Per recipe: style, and style with the right facts, as means over seeds; losses and seconds as they were."""
    return {
        name: {
            "style": rate_with_interval([run["style"] for run in runs], runs[0]["prompts"]),
            "style_ja": round(mean_of.fmean(run["style_ja"] for run in runs), 4),
            "style_and_on_topic": rate_with_interval([run["style_and_on_topic"] for run in runs], runs[0]["prompts"]),
            "held_out_loss": [run["held_out_loss"] for run in runs],
            "steps": runs[0]["steps"],
            "seconds": [run["seconds"] for run in runs],
        }
        for name, runs in voices.items()
    }


def iterate_evaluation(folder: str, seeds: tuple[int, ...] = SEEDS) -> Iterator[dict[str, Any]]:
    """One report a part, then `summary` with means over the training seeds."""
    model, tokenizer = load_pocket(folder)
    model.eval()
    base = evaluate_base(model, tokenizer)
    yield {"base": base}
    runs = []
    for seed in seeds:
        runs.append(evaluate_sft(model, tokenizer, seed))
        yield {"sft": runs[-1]}
    voices: dict[str, list[dict]] = {}
    for name, recipe in VOICE_RECIPES.items():
        for seed in seeds:
            voices.setdefault(name, []).append(evaluate_voice(model, tokenizer, recipe, seed))
            yield {"voice": name, **voices[name][-1]}
    count = len(held_out_prompts())
    yield {
        "summary": {
            "base_on_topic": base["on_topic"],
            "sft_on_topic": rate_with_interval([run["on_topic"] for run in runs], count),
            "sft_on_topic_unseen_words": rate_with_interval(
                [run["on_topic_unseen_words"] for run in runs], len(unseen_prompts())
            ),
            "sft_polite_of_on_topic": round(mean_of.fmean(run["polite_of_on_topic"] for run in runs), 4),
            "sft_seconds": [run["seconds"] for run in runs],
            "sft_held_out_loss": [run["held_out_loss"] for run in runs],
            "voice": summarise_voices(voices),
            "base_sums": base["sums"],
            "base_json": base["json"],
        }
    }
