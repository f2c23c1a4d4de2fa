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

PROMPT_TOKENS, WARM_UP, STEPS = 16, 2, 8
LIMIT_S = 10.0
BETTER_BY = 0.9
"""bfloat16 or more threads must save a tenth: less is noise, and fp32 on one thread disturbs nobody."""

QUANTISED = ("nf4", "int8")


@dataclass(frozen=True)
class Speed:
    """precision: as the base is loaded. dtype: it computes in. measured: milliseconds by "dtype/threads/rows"."""

    precision: str
    dtype: str
    threads: int
    measured: dict[str, float]


def choose_speed(base: Base, precision: str | None, device: str, root: Path, is_busy: bool) -> tuple[Speed, Any]:
    """How to decode with a base, and the base if it had to be loaded to find out, else None.

    is_busy: a job has the processor; then nothing is measured, and what was is used. Raises as `load_model` does.
    """
    if device == "cuda":
        best = "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
        dtype = best if precision is None or precision in QUANTISED else precision
        return Speed(precision or best, dtype, torch.get_num_threads(), {}), None
    path = _path(root, base, precision)
    if found := _read(path):
        return found, None
    if is_busy:
        return Speed(precision or "float32", precision if precision == "bfloat16" else "float32", 1, {}), None
    speed, model = _measure(base, precision)
    _write(path, speed)
    return speed, model


def find_default_precision(base: Base, device: str, root: Path) -> str | None:
    """What a request that names no precision gets, or None before that was measured."""
    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    found = _read(_path(root, base, None))
    return found.precision if found else None


def _measure(base: Base, precision: str | None) -> tuple[Speed, Any]:
    until = time.perf_counter() + LIMIT_S
    measured: dict[str, float] = {}
    best: tuple[float, str, int] | None = None
    model = None
    for dtype in (precision,) if precision else ("float32", "bfloat16"):
        try:
            model = _load(base, dtype, model)
        except OutOfMemory:
            if dtype == "bfloat16" or precision:
                raise
            continue
        for threads in _iterate_threads(best):
            if best is not None and time.perf_counter() > until:
                break
            # Twice: the first look at a model also pays for what it touches for the first time.
            looks = [{rows: _time_step(model, base, rows, threads) for rows in ROWS} for _ in range(2)]
            times = {rows: min(look[rows] for look in looks) for rows in ROWS}
            measured |= {f"{dtype}/{threads}/{rows}": round(1000 * s, 3) for rows, s in times.items()}
            if best is None or sum(times.values()) < BETTER_BY * best[0]:
                best = (sum(times.values()), dtype, threads)
    assert best is not None
    _, chosen, threads = best
    if chosen != dtype:
        model = None
    computes = "float32" if chosen in QUANTISED else chosen
    return Speed(chosen, computes, threads, measured), model


def _iterate_threads(best: tuple[float, str, int] | None) -> Iterator[int]:
    """Both ends and the middle, for the first dtype; for the next one what was best."""
    cores = count_cores()
    yield from sorted({1, max(1, cores // 2), cores}) if best is None else (best[2],)


def _load(base: Base, precision: str, before: Any) -> Any:
    if before is not None and precision == "bfloat16":
        return before.to(torch.bfloat16)
    return (
        load_model(base, "float32", "cpu", precision) if precision in QUANTISED else load_model(base, precision, "cpu")
    )


@torch.inference_mode()
def _time_step(model: Any, base: Base, rows: int, threads: int) -> float:
    """Seconds a step of a batch, the median of a few."""
    torch.set_num_threads(threads)
    ids = torch.randint(0, base.vocabulary, (rows, min(PROMPT_TOKENS, base.context - WARM_UP - STEPS)))
    out = model(input_ids=ids, use_cache=True)
    times = []
    for _ in range(WARM_UP + STEPS):
        began = time.perf_counter()
        out = model(input_ids=ids[:, -1:], past_key_values=out.past_key_values, use_cache=True)
        times.append(time.perf_counter() - began)
        if sum(times) > LIMIT_S / 8:
            break
    timed = sorted(times[WARM_UP:] or times)
    return timed[len(timed) // 2]


def _path(root: Path, base: Base, precision: str | None) -> Path:
    key = f"{platform.node()}|{platform.machine()}|{count_cores()}|{base.id}|{base.bytes}|{precision}"
    return root / "machine" / f"speed-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def _read(path: Path) -> Speed | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Speed(**found["speed"]) if found["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, speed: Speed) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}")
    part.write_text(json.dumps({"format": FORMAT, "speed": asdict(speed)}, indent=1), "utf-8")
    part.replace(path)
