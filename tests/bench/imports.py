"""Importing a million rows of JSONL, and then paging and searching them."""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from studio.people import Person
from studio.services.studio import Studio
from tests.bench.machine import summary
from tests.bench.prepared import deed, finish, opened

ROWS, SEED = 1_000_000, 7
TOPICS = ("returns", "delivery", "opening hours", "gift wrapping", "a lost parcel", "the member card")
TOPICS_JA = ("返品", "配送", "営業時間", "ギフト包装", "届かない荷物", "会員カード")


def measure(quick: bool = False) -> dict[str, Any]:
    """seconds: from submitting the job to its ending. worker_peak_mb: the most that keeper and worker held at once
    (their PSS, sampled every 0.1 s). page_s and search_s: calls of the service, in its own process; a search is called
    once, since what it found is kept for its further pages."""
    rows = 20_000 if quick else ROWS
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as scratch, opened(Path(scratch) / "root") as opening:
        studio, person = opening
        file = Path(scratch) / "upload.jsonl"
        write_rows(file, rows)
        size = file.stat().st_size
        with peak_memory() as peak:
            began = time.perf_counter()
            job = studio.datasets.import_upload(person, deed(), file, "rows.jsonl", "A million rows", {})
            finish(studio, job, 600)
            seconds = time.perf_counter() - began
        dataset = studio.datasets.list(person)[0]["id"]
        return {
            "rows": rows,
            "file_mb": round(size / 1e6, 1),
            "seconds": round(seconds, 1),
            "worker_peak_mb": round(peak() / 1e6, 1),
            "page_s": _pages(studio, person, dataset),
            "search_s": {word: timed(lambda w=word: _page(studio, person, dataset, 1, w), 1) for word in ("返品", "parcel", "absent")},
        }  # fmt: skip


def write_rows(path: Path, rows: int) -> None:
    """Seeded conversations in both languages, about 500 bytes a row."""
    source = random.Random(SEED)
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            file.write(json.dumps({"messages": _turns(source, number)}, ensure_ascii=False) + "\n")


def _turns(source: random.Random, number: int) -> list[dict[str, str]]:
    if number % 2:
        topic, words = source.choice(TOPICS_JA), "ご注文の詳細は会員ページからご確認いただけます。"
        asked, told = f"{topic}について教えてください。（{number}）", f"{topic}についてご案内します。" + words * 4
    else:
        topic, words = source.choice(TOPICS), "You will find the details of your order on your page. "
        asked, told = f"Please tell me about {topic} ({number}).", f"Here is what we know about {topic}. " + words * 7
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]


@contextmanager
def peak_memory(every_s: float = 0.1) -> Iterator[Callable[[], int]]:
    """The most bytes (PSS) that this process's children held together while the block ran."""
    ended = threading.Event()
    seen = [0]

    def watch() -> None:
        while not ended.wait(every_s):
            seen[0] = max(seen[0], sum(map(_pss, psutil.Process().children(recursive=True))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: seen[0]
    finally:
        ended.set()
        watcher.join()


def _pss(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def _pages(studio: Studio, person: Person, dataset: str) -> dict[str, Any]:
    pages = _page(studio, person, dataset, 1, "")["pages"]
    wanted = sorted({1, pages // 4, pages // 2, 3 * pages // 4, pages} - {0})
    return summary([timed(lambda n=number: _page(studio, person, dataset, n, "")) for number in wanted], 4)


def _page(studio: Studio, person: Person, dataset: str, number: int, query: str) -> dict[str, Any]:
    wanted = {"page": number, "page_size": 50, "split": None, "query": query}
    return studio.datasets.page(person, dataset, wanted)


def timed(call: Callable[[], Any], calls: int = 3) -> float:
    """Median of some calls, seconds."""
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return round(statistics.median(times), 4)
