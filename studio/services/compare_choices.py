"""What can be compared, what is compared at first, and what one could ask: all of one person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.data.samples import find_sample
from studio.errors import JobNotFound, ModelNotFound, StudioError
from studio.models.catalogue import POCKET
from studio.people import Person
from studio.services.adapters import Adapters
from studio.services.bases import Bases
from studio.services.datasets import Datasets
from studio.services.endpoint_models import EndpointModels
from studio.services.endpoints import Endpoints
from studio.services.queue import Queue
from studio.serving.names import QUANTISED
from studio.training.checkpoints import MANIFEST

RUNS_WITH_CHECKPOINTS = 20
"""Of older runs only the adapter is offered: the list is there to choose from."""
EXAMPLES = 3
EXAMPLE_CHARACTERS = 120
_ROWS_LOOKED_AT = 40
_SAMPLE = "shop_sft"
_JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
_COLUMN = ("kind", "id", "group", "name", "method", "step", "precision")

Choice = dict[str, Any]
"""A column that can be had: kind, id, group (base, adapter, checkpoint, endpoint), name, method, step, base, run.

precision: nf4 or int8 of a base that is kept so, and of what was trained on it; None where the model server chooses.
"""


class Choices:
    """Reads what there is each time it is asked: runs end, adapters are renamed, endpoints come and go."""

    def __init__(
        self, queue: Queue, bases: Bases, datasets: Datasets, adapters: Adapters, endpoints: Endpoints
    ) -> None:
        self._queue = queue
        self._bases = bases
        self._datasets = datasets
        self._adapters = adapters
        self._endpoints = EndpointModels(endpoints)

    def list(self, person: Person) -> list[Choice]:
        """Bases, then adapters, the newest first, then the checkpoints of their runs, then endpoints.

        A base that adapters were trained on in 4 or 8 bits is there once more so: beside them it says what it says.
        """
        trained = [*self._registered(person), *self._checkpoints(person)]
        bases = [
            _choice(
                "model", _base_id(base["id"], precision), "base", base["title"], base=base["id"], precision=precision
            )
            for base in self._bases.list(person)
            for precision in (None, *_precisions(trained, base["id"]))
        ]
        offered = [_choice("endpoint", column_id, "endpoint", name) for column_id, name in self._endpoints.list(person)]
        return [*bases, *trained, *offered]

    def columns(self, person: Person, wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The columns of {kind, id} as they are kept. Raises ModelNotFound for one that is not this person's."""
        known = {(choice["kind"], choice["id"]): choice for choice in self.list(person)}
        columns = []
        for one in wanted:
            choice = known.get((one.get("kind"), one.get("id")))
            if choice is None:
                raise ModelNotFound(model=str(one.get("id"))[:200])
            columns.append(column_of(choice))
        return columns

    def of_run(self, person: Person, job_id: str) -> list[dict[str, Any]]:
        """The base of a run and the adapter it made. Raises JobNotFound where it made none."""
        found = self.list(person)
        adapter = next((choice for choice in found if choice["run"] == job_id and choice["group"] == "adapter"), None)
        if adapter is None:
            raise JobNotFound(job=job_id)
        return [column_of(choice) for choice in _with_base(found, adapter)]

    def first(self, person: Person) -> list[dict[str, Any]]:
        """What is compared at first: the newest adapter with its base; without an adapter the pocket model alone."""
        found = self.list(person)
        adapter = next((choice for choice in found if choice["group"] == "adapter"), None)
        shown = _with_base(found, adapter) if adapter else [choice for choice in found if choice["id"] == POCKET]
        return [column_of(choice) for choice in shown or found[:1]]

    def newest_tuned(self, person: Person) -> dict[str, str]:
        """Of each base the id of the newest adapter that learned from examples; bases without one are left out."""
        found = [adapter for adapter in self._adapters.list(person) if adapter["method"] == "sft"]
        return {adapter["base"]: adapter["id"] for adapter in reversed(found)}

    def examples(self, person: Person) -> list[str]:
        """A few prompts to begin with: those the person gave to runs, then held-out rows, then the sample.

        In the person's language where there are enough of them.
        """
        found = [prompt for prompt in dict.fromkeys(self._prompts(person)) if 0 < len(prompt) <= EXAMPLE_CHARACTERS]
        japanese = person.language == "ja"
        found.sort(key=lambda prompt: bool(_JAPANESE.search(prompt)) != japanese)
        return found[:EXAMPLES]

    # Inside -----------------------------------------------------------------------------------------------------------

    def _registered(self, person: Person) -> Iterator[Choice]:
        for adapter in self._adapters.list(person):
            yield _choice(
                "model",
                f"{person.workspace.name}/{adapter['id']}",
                "adapter",
                adapter["name"],
                method=adapter["method"],
                base=adapter["base"],
                run=adapter["run"],
                precision=_quantised(adapter["precision"]),
            )

    def _checkpoints(self, person: Person) -> Iterator[Choice]:
        for job in self._queue.jobs(person, ["train"])[:RUNS_WITH_CHECKPOINTS]:
            spec = job.spec.options
            for folder in sorted((job.path / "checkpoints").glob("step-*"), reverse=True):
                if (step := _step_of(folder)) is not None:
                    yield _choice(
                        "model",
                        f"{person.workspace.name}/run:{job.id}:step-{step}",
                        "checkpoint",
                        job.spec.title,
                        method=spec["method"],
                        step=step,
                        base=spec["base"],
                        run=job.id,
                        precision=_quantised(spec["adapter_options"].get("precision")),
                    )

    def _prompts(self, person: Person) -> Iterator[str]:
        for job in self._queue.jobs(person, ["train"]):
            yield from job.spec.options.get("prompts") or []
        yield from self._held_out_prompts(person)
        _, path = find_sample(_SAMPLE)
        with path.open(encoding="utf-8") as lines:
            for _, line in zip(range(_ROWS_LOOKED_AT), lines, strict=False):
                yield first_prompt(json.loads(line))

    def _held_out_prompts(self, person: Person) -> Iterator[str]:
        """Of the newest dataset that can be read."""
        asked = {"page": 1, "page_size": _ROWS_LOOKED_AT, "split": "held_out"}
        for info in self._datasets.list(person):
            if info["problem"] is None and info["held_out"]:
                try:
                    for row in self._datasets.page(person, info["id"], asked)["rows"]:
                        yield first_prompt(self._datasets.row(person, info["id"], row["row_id"])["record"])
                except StudioError:
                    continue  # it was deleted meanwhile: examples are only offered
                return


def column_of(choice: Choice) -> dict[str, Any]:
    return {name: choice[name] for name in _COLUMN}


def first_prompt(record: dict[str, Any]) -> str:
    """What the user says first in a record; empty where nobody does."""
    messages = record.get("messages") or record.get("prompt") or []
    asked = (message["content"] for message in messages if message["role"] == "user")
    return str(next(asked, "")).strip()


def _choice(kind: str, choice_id: str, group: str, name: str, **more: Any) -> Choice:
    missing = {"method": None, "step": None, "base": None, "run": None, "precision": None}
    return {"kind": kind, "id": choice_id, "group": group, "name": name} | missing | more


def _with_base(found: list[Choice], adapter: Choice) -> list[Choice]:
    """The adapter beside the base as it was trained on, so that both share a batch and differ by the adapter alone."""
    wanted = _base_id(adapter["base"], adapter["precision"])
    return [*(choice for choice in found if choice["group"] == "base" and choice["id"] == wanted), adapter]


def _base_id(base: str, precision: str | None) -> str:
    """As the model server's `find_model` reads it."""
    return f"{base}@{precision}" if precision else base


def _quantised(precision: str | None) -> str | None:
    return precision if precision in QUANTISED else None


def _precisions(trained: list[Choice], base: str) -> list[str]:
    found = {choice["precision"] for choice in trained if choice["base"] == base}
    return [precision for precision in QUANTISED if precision in found]


def _step_of(folder: Path) -> int | None:
    """The step of a whole checkpoint by its name; None for anything else."""
    digits = folder.name.removeprefix("step-")
    return int(digits) if digits.isdecimal() and (folder / MANIFEST).is_file() else None
