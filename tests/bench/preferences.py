"""Preferences and quantised bases on real data, through the app's services: what pairs teach, and what QLoRA costs."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from studio.people import Person, person_from
from studio.services.studio import Studio
from studio.settings import read_settings
from tests.bench.application import wait_until
from tests.bench.prepared import deed, finish

DATA = Path(os.environ.get("WHETSTONE_DATA") or Path(__file__).parents[3] / "shared" / "data")
PAIRS = ("pref_ja/preference_a.jsonl", "pref_en/gsm8k_solutions.preference.jsonl")
SUMS = "instruct_en/gsm8k_train_head2000.messages.jsonl"
BASES = ("pocket", "folder:stories260K")
ADAPTERS = ({"adapter": "lora"}, {"adapter": "qlora", "precision": "nf4"}, {"adapter": "qlora", "precision": "int8"})
RUN_LIMIT_S = 3600
TOLD = ("loss", "rewards/accuracies", "rewards/margins", "rate")


def measure(quick: bool = False) -> dict[str, Any]:
    """Held-out reward accuracy, margin and the rate of the default rule before and after DPO from each base; losses,
    seconds and memory of the same supervised run with LoRA and with QLoRA.

    Needs the real inputs beside the project (WHETSTONE_DATA). quick: one epoch with short rows.
    """
    if not DATA.is_dir():
        raise SystemExit(f"the real inputs are not here: {DATA} (set WHETSTONE_DATA)")
    given = {"epochs": 1, "max_length_tokens": 64, "allow_lost_rows": True} if quick else {}
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch:
        settings = read_settings(["--root", f"{scratch}/root", "--models", str(DATA / "model")], {})
        studio = Studio(settings)
        person = person_from(None, {}, {}, settings)
        try:
            pairs = {name: _version(studio, person, DATA / name, scratch) for name in PAIRS}
            rows = {"pocket": _sample(studio, person), "folder:stories260K": None}
            rows["folder:stories260K"] = _version(studio, person, DATA / SUMS, scratch)
            return {
                "dpo": {
                    f"{base} on {name}": _train(
                        studio, person, {"base": base, "version": version, "method": "dpo"}, given
                    )
                    for name, version in pairs.items()
                    for base in BASES
                },
                "adapters": {
                    f"{base} {' '.join(chosen.values())}": _train(
                        studio, person, {"base": base, "version": rows[base], "method": "sft"}, given, **chosen
                    )
                    for base in BASES
                    for chosen in ADAPTERS
                },
            }
        finally:
            studio.close()


def _version(studio: Studio, person: Person, source: Path, scratch: str) -> str:
    """The version of a copy of a file: the app moves uploads away."""
    upload = Path(scratch) / source.name
    upload.write_bytes(source.read_bytes())
    finish(studio, studio.datasets.import_upload(person, deed(), upload, source.name, source.name, {}))
    return _saved(studio, person)


def _sample(studio: Studio, person: Person) -> str:
    finish(studio, studio.datasets.import_sample(person, deed(), "shop_sft"))
    return _saved(studio, person)


def _saved(studio: Studio, person: Person) -> str:
    dataset = studio.datasets.list(person)[0]["id"]
    finish(studio, studio.datasets.save_version(person, dataset, deed(), ""))
    return studio.datasets.versions(person, dataset)[0]["fingerprint"]


def _train(
    studio: Studio, person: Person, chosen: dict[str, Any], given: dict[str, Any], adapter: str = "lora", **more: Any
) -> dict[str, Any]:
    asked = chosen | {"adapter": adapter, "settings": given | more}
    wait_until(lambda: studio.runs.preview(person, asked)["status"] == "ready", 300, every_s=0.2)
    job = studio.runs.start(person, deed(), asked)
    summary = finish(studio, job, RUN_LIMIT_S).ended["summary"]
    lines = studio.queue.find(person, job).events_path.read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    rows = next(event for event in events if event["kind"] == "rows")
    memory = [event["memory_bytes"] for event in events if event["kind"] == "step" and event["memory_bytes"]]
    return {
        "rows": {name: rows[name] for name in ("read", "kept", "truncated", "dropped")},
        "steps": summary["steps"],
        "seconds_training": round(summary["seconds_training"], 1),
        "memory_mb": round(max(memory) / 1e6) if memory else None,
        "adapter_kb": round(summary["adapter_bytes"] / 1e3),
        "before": _told(summary["before"]),
        "after": _told(summary["after"]),
        "notices": [event["code"] for event in events if event["kind"] == "notice"],
    }


def _told(found: dict[str, float]) -> dict[str, float]:
    return {name: round(found[name], 4) for name in TOLD if name in found}
