"""The rows of a version as a training run learns them, and the prompts it replies to on the way."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from studio.errors import DatasetEmpty, OptionsInvalid
from studio.events import Event, Notice, Progress, Rows
from studio.models.rendering import Messages, Renderer
from studio.training.forecast import loses_too_many
from studio.training.methods import Learns
from studio.training.pairs import Pair, iterate_pairs, iterate_trained_pairs
from studio.training.rate import REPLIES
from studio.training.rows import RowCount, iterate_conversations, iterate_trained_rows, sort_split
from studio.training.run import Prompt
from studio.training.trainspec import PROMPTS, TrainSpec
from studio.worker.context import WorkerJob

PROGRESS_ROWS = 1024


@dataclass
class Data:
    """rows, held_out: RenderedRow or RenderedPair. prompts: whose replies are shown. rated: whose replies are judged."""

    rows: list[Any] = field(default_factory=list)
    held_out: list[Any] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    rated: list[Prompt] = field(default_factory=list)


def read_rows(
    job: WorkerJob, spec: TrainSpec, renderer: Renderer, options: Any, learns: Learns
) -> Generator[Event, None, Data]:
    """Raises DatasetEmpty and OptionsInvalid, with all rows counted first."""
    count, data = RowCount(), Data()
    questions: dict[bool, list[Messages]] = {True: [], False: []}
    path = job.workspace / "versions" / f"{spec.version}.parquet"
    read, render = (
        (iterate_pairs, iterate_trained_pairs) if learns == "pairs" else (iterate_conversations, iterate_trained_rows)
    )
    found = sort_split(list(read(path, count)), None if spec.keeps_split else options.held_out_fraction)
    for number, (source, row) in enumerate(render(found, renderer, options.max_length_tokens, count)):
        if number % PROGRESS_ROWS == 0:
            if job.should_stop():
                return data
            yield Progress(number, len(found), "rows")
        (data.held_out if source.held_out else data.rows).append(row)
        if len(questions[source.held_out]) < REPLIES:
            questions[source.held_out].append(_question(source))
    if job.should_stop():
        return data
    yield Rows(count.read, count.kept, count.truncated, dict(count.dropped))
    if count.from_preference:
        yield Notice("info", "chosen_replies_used", {"rows": count.from_preference})
    check_lost(count, options)
    if not data.rows:
        raise DatasetEmpty(name=spec.dataset_name or spec.version)
    if not data.held_out:
        yield Notice("info", "nothing_held_out", {})
    given: list[Messages] = [[{"role": "user", "content": text}] for text in spec.prompts if text.strip()]
    shown = _render_prompts(given or questions[True][:PROMPTS], renderer, options.max_length_tokens)
    data.prompts = yield from _say_long(shown)
    if learns == "pairs":
        judged = (questions[True] + questions[False])[:REPLIES]
        data.rated = [prompt for prompt in _render_prompts(judged, renderer, options.max_length_tokens) if prompt]
    return data


def check_lost(count: RowCount, options: Any) -> None:
    """Raises OptionsInvalid where so many rows lose every label that the person should have confirmed it."""
    rows = count.kept + count.lost_labels
    if loses_too_many(count.lost_labels, rows) and not options.allow_lost_rows:
        problem = {"field": "max_length_tokens", "code": "labels_lost", "found": count.lost_labels, "rows": rows}
        raise OptionsInvalid([problem])


def _render_prompts(asked: list[Messages], renderer: Renderer, max_length: int) -> Iterator[Prompt | None]:
    """None for one that leaves no room for a reply."""
    for messages in asked:
        prompt = Prompt(str(messages[-1]["content"]), renderer.render_prompt(messages))
        yield prompt if len(prompt.ids) < max_length else None


def _say_long(prompts: Iterator[Prompt | None]) -> Generator[Event, None, list[Prompt]]:
    rendered = list(prompts)
    fitting = [prompt for prompt in rendered if prompt]
    if len(fitting) < len(rendered):
        yield Notice("info", "prompts_too_long", {"count": len(rendered) - len(fitting)})
    return fitting


def _question(source: Any) -> Messages:
    """What is asked in a row: a conversation up to its first reply, or a pair's prompt."""
    if isinstance(source, Pair):
        return source.prompt
    first = next(index for index, message in enumerate(source.messages) if message["role"] == "assistant")
    return source.messages[:first] or [{"role": "user", "content": ""}]
