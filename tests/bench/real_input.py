"""Real data through the app's services: five files of the same dialogues, and two bases tuned on what was imported."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.bench.application import wait_until
from tests.bench.prepared import deed, finish

DATA = Path(os.environ.get("WHETSTONE_DATA") or Path(__file__).parents[3] / "shared" / "data")
DIALOGUES = ("messages_a.jsonl", "sharegpt_a.json", "alpaca_a.json", "utf8bom_crlf_a.csv", "cp932_crlf_a.csv")
SUMS = "instruct_en/gsm8k_train_head2000.messages.jsonl"
RUN_LIMIT_S = 3600


def measure(quick: bool = False) -> dict[str, Any]:
    """rows and refused of each file; how many first turns of the messages file it lacks, and why; losses of both runs.

    CP932 as Windows writes it has no wave dash (U+301C): it becomes U+FF5E.

    Needs the real inputs beside the project (WHETSTONE_DATA). quick: one epoch with short rows.
    """
    if not DATA.is_dir():
        raise SystemExit(f"the real inputs are not here: {DATA} (set WHETSTONE_DATA)")
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        settings = read_settings(["--root", f"{scratch}/root", "--models", str(DATA / "model")], {})
        studio = Studio(settings)
        person = person_from(None, {}, {}, settings)
        try:
            datasets = {name: _import(studio, person, DATA / "instruct_ja" / name, scratch) for name in DIALOGUES}
            sums = _import(studio, person, DATA / SUMS, scratch)
            given = {"epochs": 1, "max_length_tokens": 128, "allow_lost_rows": True} if quick else {}
            return {
                "dialogues": _compare(studio, person, datasets),
                "pocket_on_dialogues": _train(studio, person, "pocket", datasets[DIALOGUES[0]], given),
                "stories260K_on_sums": _train(studio, person, "folder:stories260K", sums, given),
            }
        finally:
            studio.close()


def _import(studio: Studio, person: Person, source: Path, scratch: str) -> str:
    """The dataset made of a copy of a file: the app moves uploads away."""
    before = {entry["id"] for entry in studio.datasets.list(person)}
    upload = Path(scratch) / source.name
    upload.write_bytes(source.read_bytes())
    finish(studio, studio.datasets.import_upload(person, deed(), upload, source.name, source.name, {}))
    return next(entry["id"] for entry in studio.datasets.list(person) if entry["id"] not in before)


def _compare(studio: Studio, person: Person, datasets: dict[str, str]) -> dict[str, Any]:
    turns = {name: _first_turns(studio, person, dataset) for name, dataset in datasets.items()}
    oracle = turns[DIALOGUES[0]]
    found = {}
    for name, dataset in datasets.items():
        info = studio.datasets.info(person, dataset)
        there = set(turns[name])
        missing = [turn for turn in oracle if turn not in there]
        dashes = [turn for turn in missing if tuple(text.replace("〜", "～") for text in turn) in there]
        found[name] = {
            "rows": info["rows"],
            "refused": info["refused"],
            "encoding": info["source"]["encoding"],
            "first_turns_missing": len(missing),
            "missing_differ_by_wave_dash": len(dashes),
            "missing_cannot_be_cp932": sum(not _fits_cp932("".join(turn)) for turn in missing if turn not in dashes),
        }
    return found


def _first_turns(studio: Studio, person: Person, dataset: str) -> list[tuple[str, str]]:
    """(question, reply) of every row, without the white space that a table's cell may lose."""
    found = []
    page = 1
    while True:
        asked = studio.datasets.page(person, dataset, {"page": page, "page_size": 200})
        for row in asked["rows"]:
            messages = studio.datasets.row(person, dataset, row["row_id"])["record"]
            turns = messages.get("messages") or [*messages["prompt"], *messages["completion"]]
            found.append(tuple(" ".join(turn["content"].split()) for turn in turns[:2]))
        if page >= asked["pages"]:
            return found  # type: ignore[return-value]
        page += 1


def _fits_cp932(text: str) -> bool:
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


def _train(studio: Studio, person: Person, base: str, dataset: str, settings: dict[str, Any]) -> dict[str, Any]:
    finish(studio, studio.datasets.save_version(person, dataset, deed(), ""))
    version = studio.datasets.versions(person, dataset)[0]["fingerprint"]
    chosen = {"base": base, "version": version, "method": "sft", "adapter": "lora", "settings": settings}
    wait_until(lambda: studio.runs.preview(person, chosen)["status"] == "ready", 300, every_s=0.2)
    foretold = studio.runs.preview(person, chosen)
    began = time.perf_counter()
    job = studio.runs.start(person, deed(), chosen)
    state = finish(studio, job, RUN_LIMIT_S)
    log = studio.queue.find(person, job).events_path.read_text("utf-8").splitlines()
    events = [json.loads(line) for line in log]
    return {
        "settings": studio.runs.list(person)[0]["settings"],
        "foretold": {
            name: foretold[name] for name in ("rows", "held_out", "steps", "tokens", "cut", "nothing", "seconds")
        },
        "seconds": round(time.perf_counter() - began, 1),
        "rows": next(event for event in events if event["kind"] == "rows"),
        "notices": [event["code"] for event in events if event["kind"] == "notice"],
        "held_out": [[event["step"], event["metrics"]["loss"]] for event in events if event["kind"] == "evaluated"],
        **state.ended["summary"],
    }
