"""A short measurement of how one base is trained fastest here: threads, dtype, loss path, and what a step costs."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from typing import Any

import torch

from studio.adapters import Adapter
from studio.models.catalogue import Base
from studio.models.loading import load_model
from studio.models.machine import Machine, Plan, count_cores, read_memory_bytes
from studio.training.loss import IGNORED, autocast, can_select_positions, sum_loss

SMALL_SHAPE = (2, 48)
LARGE_SHAPE = (4, 160)
LONG_SHAPE = (2, 640)
REPEATS = 2
BETTER_BY = 0.9
"""Another dtype or fewer threads must save a tenth: less is noise, and fp32 on all cores is the plain choice."""


def find_machine() -> Machine:
    """The device that trains: the first GPU, else the processor."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return Machine("cuda", torch.cuda.get_device_name(), count_cores(), free)
    return Machine("cpu", platform.processor() or platform.machine(), count_cores(), read_memory_bytes())


def measure_plan(base: Base, machine: Machine, adapter: Adapter, options: Any, limit_s: float) -> Plan:
    """Tries what may be faster, one thing at a time, until `limit_s` is used up; at least the plain choice.

    limit_s: seconds; a single step of a large base may exceed it. Leaves torch's thread count as the plan says.
    """
    bench = _Bench(base, machine, adapter, options)
    until = time.perf_counter() + limit_s
    measured: dict[tuple[str, int, str], float] = {}
    best = _plain_choice(base, machine, bench)
    measured[best] = bench.time_step(*best, LARGE_SHAPE)
    for candidate in _iterate_candidates(best, machine, bench):
        if time.perf_counter() + 3 * measured[best] > until:
            break
        dtype, threads, path = best
        tried = (candidate.get("dtype", dtype), candidate.get("threads", threads), candidate.get("path", path))
        measured[tried] = bench.time_step(*tried, LARGE_SHAPE)
        if measured[tried] < BETTER_BY * measured[best]:
            best = tried
    fixed_s, token_s, pair_s = _split_cost(bench, best, measured[best], until)
    if machine.device == "cpu":
        torch.set_num_threads(best[1])
    names = {f"{dtype}/{threads}/{path}": round(s * 1000, 2) for (dtype, threads, path), s in measured.items()}
    return Plan(best[0], best[1], best[2], fixed_s, token_s, names, pair_s)


def _plain_choice(base: Base, machine: Machine, bench: _Bench) -> tuple[str, int, str]:
    path = "trained" if bench.can_select else "model"
    if machine.device == "cuda":
        return ("bfloat16" if torch.cuda.is_bf16_supported() else "float32", machine.cores, path)
    return ("float32", machine.cores, path)


def _iterate_candidates(best: tuple[str, int, str], machine: Machine, bench: _Bench) -> Iterator[dict[str, Any]]:
    if bench.can_select:
        yield {"path": "model"}
    if machine.device == "cuda":
        return
    if machine.cores > 1:
        yield {"threads": 1 if machine.cores <= 3 else machine.cores // 2}
    yield {"dtype": "bfloat16"}


def _split_cost(bench: _Bench, best: tuple[str, int, str], large_s: float, until: float) -> tuple[float, float, float]:
    """What a step costs whatever its size, what each padded token adds, and each of its row's tokens to it.

    Without the last, rows of 450 tokens of a 260 K model were foretold to take half of what they took.
    """
    rows, length = LARGE_SHAPE
    large = rows * length
    if time.perf_counter() > until:
        return 0.0, large_s / large, 0.0
    small_s = bench.time_step(*best, SMALL_SHAPE)
    small = SMALL_SHAPE[0] * SMALL_SHAPE[1]
    token_s = max(0.0, (large_s - small_s) / (large - small)) or large_s / large
    fixed_s = max(0.0, large_s - token_s * large)
    far = min(LONG_SHAPE[1], bench.base.context)
    if far <= length or time.perf_counter() > until:
        return fixed_s, token_s, 0.0
    long_s = bench.time_step(*best, LONG_SHAPE)
    tokens = LONG_SHAPE[0] * far
    # Through the large shape and the long one; the fixed part is small beside both.
    pair_s = max(0.0, ((long_s - fixed_s) / tokens - (large_s - fixed_s) / large) / (far - length))
    return fixed_s, max(0.0, (large_s - fixed_s) / large - pair_s * length), pair_s


class _Bench:
    """The base with an adapter, once per dtype, and batches of random tokens."""

    def __init__(self, base: Base, machine: Machine, adapter: Adapter, options: Any) -> None:
        self.base, self.machine, self.adapter, self.options = base, machine, adapter, options
        self._models: dict[str, Any] = {}
        self.can_select = can_select_positions(self._model("float32" if machine.device == "cpu" else "bfloat16"))

    def time_step(self, dtype: str, threads: int, path: str, shape: tuple[int, int]) -> float:
        """Seconds of a training step, the better of two after one to warm up. shape: (rows, tokens)."""
        if self.machine.device == "cpu":
            torch.set_num_threads(threads)
        model = self._model(dtype)
        rows, length = shape[0], min(shape[1], self.base.context)
        ids = torch.randint(0, self.base.vocabulary, (rows, length), device=self.machine.device)
        labels = ids.clone()
        labels[:, : length // 2] = IGNORED
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=0.0, fused=True)
        times = []
        for _ in range(1 + REPEATS):
            began = time.perf_counter()
            with autocast(self.machine.device, dtype):
                loss = sum_loss(model, ids, labels, path) / ids.numel()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0).item()
            optimizer.step()
            optimizer.zero_grad()
            if self.machine.device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - began)
        return min(times[1:])

    def _model(self, dtype: str) -> Any:
        if dtype not in self._models:
            quantisation = self.adapter.quantisation(self.options)
            model = load_model(self.base, dtype, self.machine.device, quantisation)
            self._models[dtype] = self.adapter.build(model, self.options)
            self._models[dtype].train()
        return self._models[dtype]
