"""A dataset of a hub that runs on this machine: looked at, fetched split by split, imported; and from the cache without it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studio.errors import FileTooLarge, NameUnsafe, NotYours
from studio.people import Person
from studio.services.studio import Studio
from tests.dataset_hub import address_of, serve_datasets

WAIT_S = 120
CARD = b"""---
license: cc-by-4.0
configs:
- config_name: tea
  data_files:
  - split: train
    path: tea/train-*.parquet
  - split: test
    path: tea/test.parquet
- config_name: moods
  data_files: moods.jsonl
dataset_info:
- config_name: tea
  splits:
  - name: train
    num_examples: 3
    num_bytes: 300
  - name: test
    num_examples: 1
    num_bytes: 100
---
# Drinks
"""


def parquet(rows: list[dict[str, Any]], classes: list[str] | None = None) -> bytes:
    """classes: what the numbers under `label` stand for, as `datasets` writes it into a file."""
    table = pa.Table.from_pylist(rows)
    if classes:
        features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": classes, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def asked(n: int) -> dict[str, str]:
    return {"prompt": f"Question {n}?", "completion": f"Answer {n}."}


REPOS = {
    "shop/drinks": {
        "README.md": CARD,
        "tea/train-0.parquet": parquet([asked(1), asked(2)]),
        "tea/train-1.parquet": parquet([asked(3)]),
        "tea/test.parquet": parquet([asked(4)]),
        "moods.jsonl": b'{"text": "Good", "label": "glad"}\n{"text": "Bad", "label": "sad"}\n',
    },
    "shop/moods": {
        "data/train-0.parquet": parquet([{"text": "Good", "label": 1}, {"text": "Bad", "label": 0}], ["sad", "glad"])
    },
    "shop/coded": {"coded.py": b"raise SystemExit", "data.csv": b"prompt,completion\na,b\n"},
    "shop/pickled": {"train.pkl": b"\x80\x04."},
    "shop/pictures": {"train/a.png": b"\x89PNG"},
    "shop/thief": {
        "README.md": b"---\nconfigs:\n- config_name: default\n  data_files: /etc/passwd\n---\n",
        "a.txt": b"x",
    },
    "shop/spy": {
        "README.md": b"---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n"
        b"    path: http://127.0.0.1:9/secret.csv\n---\n",
        "a.csv": b"a\n1\n",
    },
    "shop/torn": {"data.parquet": b"PAR1 no more"},
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hugging Face libraries, for this test's own workers."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf"


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with serve_datasets(REPOS) as server:
        monkeypatch.setenv("HF_ENDPOINT", address_of(server))
        yield server


def look(studio: Studio, person: Person, repo: str, deed: str = "look") -> tuple[str, dict[str, Any] | None]:
    """The job's id and what was found, or None and how the look failed."""
    job = studio.hub_datasets.look(person, f"{deed} {repo}", repo)
    state = studio.queue.wait(job, WAIT_S)
    if state.status != "finished":
        return job, state.ended
    return job, studio.hub_datasets.found(person, job)


def take(studio: Studio, person: Person, look_id: str, config: str, split: str, deed: str = "take") -> dict[str, Any]:
    """Fetch and import one split; the import's report."""
    fetch = studio.hub_datasets.fetch(person, f"{deed} fetch", look_id, config, split)
    assert studio.queue.wait(fetch, WAIT_S).status == "finished"
    job = studio.hub_datasets.start_import(person, f"{deed} import", fetch, None, {})
    assert studio.queue.wait(job, WAIT_S).status == "finished"
    return studio.datasets.report(person, job)


def replies(studio: Studio, person: Person, dataset_id: str) -> list[str]:
    page = studio.datasets.page(person, dataset_id, {"page": 1})
    return [row["cells"][1] for row in page["rows"]]


def files_given(hub: Any) -> set[str]:
    return {path.split(f"{'b' * 40}/")[1] for path in hub.asked if path.startswith("GET datasets/")}


def test_a_look_shows_splits_rows_and_sizes_and_downloads_none_of_them(hub, studio: Studio, person: Person):
    job, found = look(studio, person, "shop/drinks")
    files = REPOS["shop/drinks"]
    train = len(files["tea/train-0.parquet"]) + len(files["tea/train-1.parquet"])
    assert (found["repo"], found["licence"], found["is_cached"]) == ("shop/drinks", "cc-by-4.0", False)
    assert found["splits"] == [
        {"config": "tea", "name": "train", "rows": 3, "bytes": train},
        {"config": "tea", "name": "test", "rows": 1, "bytes": len(files["tea/test.parquet"])},
        {"config": "moods", "name": "train", "rows": None, "bytes": len(files["moods.jsonl"])},
    ]
    assert files_given(hub) == {"README.md"}
    report = take(studio, person, job, "tea", "train")
    assert (report["rows_in"], report["understood"], report["file_name"]) == (3, 3, "drinks (tea, train).parquet")
    assert replies(studio, person, report["dataset_id"]) == ["Answer 1.", "Answer 2.", "Answer 3."]
    assert files_given(hub) == {"README.md", "tea/train-0.parquet", "tea/train-1.parquet"}, "the one split alone"


def test_the_same_click_twice_makes_one_job_and_a_split_that_was_not_shown_none(hub, studio: Studio, person: Person):
    job, _ = look(studio, person, "shop/drinks")
    assert studio.hub_datasets.look(person, "look shop/drinks", "shop/drinks") == job
    first, second = (studio.hub_datasets.fetch(person, "once", job, "moods", "train") for _ in range(2))
    assert first == second
    with pytest.raises(NotYours):
        studio.hub_datasets.fetch(person, "never", job, "moods", "validation")
    with pytest.raises(NotYours):
        studio.hub_datasets.fetched(person, job)
    with pytest.raises(NotYours):
        studio.hub_datasets.found(person, first)
    assert studio.queue.wait(first, WAIT_S).status == "finished"
    studio.hub_datasets._settings = studio.hub_datasets._settings.__class__(
        **{**vars(studio.settings), "upload_limit_bytes": 10}
    )
    with pytest.raises(FileTooLarge):
        studio.hub_datasets.fetch(person, "too large", job, "tea", "train")


def test_numbers_of_classes_come_with_their_names(hub, studio: Studio, person: Person):
    job, found = look(studio, person, "shop/moods")
    assert [(split["config"], split["name"]) for split in found["splits"]] == [("default", "train")]
    report = take(studio, person, job, "default", "train")
    assert report["found"]["format"]["value"] == "classification"
    assert replies(studio, person, report["dataset_id"]) == ["glad", "sad"]


@pytest.mark.parametrize(
    ("repo", "code", "cause"),
    [
        ("shop/coded", "HubDatasetUnfit", "code"),
        ("shop/pickled", "HubDatasetUnfit", "empty"),
        ("shop/pictures", "HubDatasetUnfit", "kind"),
        ("shop/thief", "HubDatasetUnfit", "elsewhere"),
        ("shop/spy", "HubDatasetUnfit", "elsewhere"),
        ("shop/nothing", "HubRefused", None),
    ],
)
def test_code_pickles_and_files_from_elsewhere_are_refused_in_words(hub, studio, person, repo, code, cause):
    _, ended = look(studio, person, repo)
    assert (ended["code"], ended["values"].get("cause")) == (code, cause)
    assert "hub_unfit" not in ended["message"] and ended["hint"]


def test_a_torn_file_is_told_when_it_is_fetched(hub, studio: Studio, person: Person):
    job, found = look(studio, person, "shop/torn")
    fetch = studio.hub_datasets.fetch(person, "fetch", job, "default", found["splits"][0]["name"])
    state = studio.queue.wait(fetch, WAIT_S)
    assert (state.status, state.ended["code"], state.ended["values"]["cause"]) == (
        "failed", "HubDatasetUnfit", "damaged",
    )  # fmt: skip
    assert list((person.workspace / "uploads").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../etc", "/etc/passwd", "a/b/c", "shop/drinks.py", "hf://x/y", "assets/ samples"]
)
def test_a_name_that_no_dataset_can_have_is_never_asked_for(studio: Studio, person: Person, name: str):
    with pytest.raises(NameUnsafe):
        studio.hub_datasets.look(person, "look", name)


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_the_cache_is_offered_and_else_the_error_is_clear(
    cache: Path, studio: Studio, person: Person, monkeypatch: pytest.MonkeyPatch, offline: bool
):
    """What `datasets` itself has prepared, by its own code in a process of its own, is imported without the hub."""
    with serve_datasets(REPOS) as server:
        address = address_of(server)
        prepare(address, cache, "shop/drinks", "tea")
    monkeypatch.setenv("HF_ENDPOINT", address)  # nobody answers there any more
    if offline:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    job, found = look(studio, person, "shop/drinks")
    assert found["is_cached"] and "/" not in json.dumps(found["splits"])
    assert [(split["config"], split["name"], split["rows"]) for split in found["splits"]] == [
        ("tea", "test", 1), ("tea", "train", 3),
    ]  # fmt: skip
    report = take(studio, person, job, "tea", "train")
    assert replies(studio, person, report["dataset_id"]) == ["Answer 1.", "Answer 2.", "Answer 3."]
    _, ended = look(studio, person, "shop/moods")
    assert ended["code"] == "HubUnreachable"


def test_what_the_app_fetched_is_there_without_a_network(cache, studio: Studio, person: Person, monkeypatch):
    with serve_datasets(REPOS) as server:
        monkeypatch.setenv("HF_ENDPOINT", address_of(server))
        job, _ = look(studio, person, "shop/drinks")
        take(studio, person, job, "moods", "train", "online")
    job, found = look(studio, person, "shop/drinks", "again")
    assert [(split["config"], split["name"], split["rows"]) for split in found["splits"]] == [("moods", "train", 2)]
    report = take(studio, person, job, "moods", "train", "offline")
    assert replies(studio, person, report["dataset_id"]) == ["glad", "sad"]


def test_others_get_nothing_from_the_cache_of_whoever_runs_the_app(
    cache: Path, studio: Studio, person: Person, monkeypatch: pytest.MonkeyPatch
):
    """What the operator once fetched may be private or gated: with other people about, only the hub itself is believed.

    A look of the time alone does not open that cache either, and the others keep what they fetched themselves.
    """
    with serve_datasets(REPOS) as server:
        prepare(address_of(server), cache, "shop/drinks", "tea")
    before = sorted(cache.rglob("*"))
    monkeypatch.setenv("HF_ENDPOINT", address_of(server))  # nobody answers there any more
    alone, found = look(studio, person, "shop/drinks", "alone")
    assert found["is_cached"]
    monkeypatch.setattr(studio.hub_datasets, "_settings", replace(studio.settings, login=cache / "people"))
    _, ended = look(studio, person, "shop/drinks")
    assert ended["code"] == "HubUnreachable"
    fetch = studio.hub_datasets.fetch(person, "fetch", alone, "tea", "train")
    assert studio.queue.wait(fetch, WAIT_S).ended["code"] == "HubUnreachable"
    with serve_datasets(REPOS) as server:
        monkeypatch.setenv("HF_ENDPOINT", address_of(server))
        job, _ = look(studio, person, "shop/drinks", "online")
        take(studio, person, job, "moods", "train", "online")
        assert files_given(server) >= {"README.md", "moods.jsonl"}
    assert sorted(cache.rglob("*")) == before
    _, found = look(studio, person, "shop/drinks", "again")
    assert found["is_cached"] and [split["config"] for split in found["splits"]] == ["moods"]


def prepare(address: str, cache: Path, repo: str, config: str) -> None:
    """As anybody fills the cache: `datasets.load_dataset`, in a process of its own."""
    import os
    import subprocess
    import sys

    code = f"import datasets; datasets.load_dataset({repo!r}, {config!r})"
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(cache), "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, timeout=WAIT_S)
