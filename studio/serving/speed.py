"""How a base writes replies fastest on this machine: a short measurement of dtype and threads, kept under ROOT/machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from studio.errors import OutOfMemory
from studio.models.catalogue import Base
from studio.models.loading import load_model
from studio.models.machine import count_cores

FORMAT = 1
ROWS = (1, 4)
"""A chat alone, and the columns of Compare."""

PROMPT_TOKENS, STEPS, TURNS = 16, 8, 4
LIMIT_S = 5.0
BETTER_BY = 0.9
"""bfloat16 or more threads must save a tenth: less is noise, and fp32 on one thread disturbs nobody."""

QUANTISED = ("nf4", "int8")


@dataclass(frozen=True)
class Speed:
    """precision: as the base is loaded. dtype: it computes in. measured: milliseconds by "dtype/threads/rows".

    is_provisional: nothing could be measured yet, because a job had the processor.
    """

    precision: str
    dtype: str
    threads: int
    measured: dict[str, float]
    is_provisional: bool = False


def choose_speed(base: Base, precision: str | None, device: str, root: Path, is_busy: bool) -> tuple[Speed, Any]:
    """How to decode with a base, and the base if it had to be loaded to find out, else None.

    is_busy: a job has the processor; then nothing is measured, and what was is used. Raises as `load_model` does.
    """
    if device == "cuda":
        best = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        dtype = best if precision is None or precision in QUANTISED else precision
        return Speed(precision or best, dtype, torch.get_num_threads(), {}), None
    if found := find_speed(root, base, precision):
        return found, None
    if is_busy:
        dtype = precision if precision == "bfloat16" else "float32"
        return Speed(precision or "float32", dtype, 1, {}, is_provisional=True), None
    speed, model = _measure(base, precision)
    write_speed(root, base, precision, speed)
    return speed, model


def find_default_precision(base: Base, device: str, root: Path) -> str | None:
    """What a request that names no precision gets, or None before that was measured."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    found = find_speed(root, base, None)
    return found.precision if found else None


def _measure(base: Base, precision: str | None) -> tuple[Speed, Any]:
    until = time.perf_counter() + LIMIT_S
    measured: dict[tuple[str, int], dict[int, float]] = {}
    best: tuple[str, int] | None = None
    model = None
    for dtype in (precision,) if precision else ("float32", "bfloat16"):
        if best is not None and time.perf_counter() > until:
            break
        try:
            model = _load(base, dtype, model)
        except OutOfMemory:
            if dtype == "bfloat16" or precision:
                raise
            continue
        threads = _iterate_threads() if best is None else [best[1]]
        for count, times in _time_threads(model, base, list(threads), until).items():
            measured[dtype, count] = times
            if best is None or sum(times.values()) < BETTER_BY * sum(measured[best].values()):
                best = (dtype, count)
    assert best is not None
    chosen, count = best
    told = {f"{d}/{n}/{rows}": round(1000 * s, 3) for (d, n), times in measured.items() for rows, s in times.items()}
    if next(reversed(measured))[0] != chosen:
        model = None  # the one in memory was turned into the other dtype
    return Speed(chosen, "float32" if chosen in QUANTISED else chosen, count, told), model


def _iterate_threads() -> Iterator[int]:
    """Both ends and the middle."""
    cores = count_cores()
    yield from sorted({1, max(1, cores // 2), cores})


def _time_threads(model: Any, base: Base, threads: list[int], until: float) -> dict[int, dict[int, float]]:
    """Seconds a step by threads and rows. In turns, so that what else the machine does falls on all of them."""
    found = {count: dict.fromkeys(ROWS, float("inf")) for count in threads}
    for turn in range(TURNS):
        for count, times in found.items():
            if turn and time.perf_counter() > until:
                return found
            for rows in ROWS:
                times[rows] = min(times[rows], _time_step(model, base, rows, count))
    return found


def _load(base: Base, precision: str, before: Any) -> Any:
    if before is not None and precision == "bfloat16":
        return before.to(torch.bfloat16)
    return (
        load_model(base, "float32", "cpu", precision) if precision in QUANTISED else load_model(base, precision, "cpu")
    )


@torch.inference_mode()
def _time_step(model: Any, base: Base, rows: int, threads: int) -> float:
    """Seconds a step of a batch, the best of a few: what else the machine does only adds."""
    torch.set_num_threads(threads)
    ids = torch.randint(0, base.vocabulary, (rows, min(PROMPT_TOKENS, base.context - STEPS)))
    out = model(input_ids=ids, use_cache=True)
    times: list[float] = []
    for _ in range(STEPS):
        began = time.perf_counter()
        out = model(input_ids=ids[:, -1:], past_key_values=out.past_key_values, use_cache=True)
        times.append(time.perf_counter() - began)
        if sum(times) > LIMIT_S / 5:
            break
    return min(times)


def find_speed(root: Path, base: Base, precision: str | None) -> Speed | None:
    """What was measured for this base on this machine, or None. precision: what was asked for, None for any."""
    try:
        found = json.loads(_path(root, base, precision).read_text("utf-8"))
        return Speed(**found["speed"]) if found["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_speed(root: Path, base: Base, precision: str | None, speed: Speed) -> None:
    path = _path(root, base, precision)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}")
    part.write_text(json.dumps({"format": FORMAT, "base": base.id, "speed": asdict(speed)}, indent=1), "utf-8")
    part.replace(path)


def _path(root: Path, base: Base, precision: str | None) -> Path:
    key = f"{platform.node()}|{platform.machine()}|{count_cores()}|{base.id}|{base.bytes}|{precision}"
    return root / "machine" / f"speed-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
