"""Columns of Compare on one prompt: how much longer several take than one adapter, and what they cost in memory."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from studio.models.catalogue import Base, read_base_folder
from tests.served_models import pocket, request_for, write_lora

BLOCKS, TOKENS = 25, 128
SHAPE = {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14}
"""About 0.49 billion parameters with a vocabulary of 151,936: the shape of Qwen2.5-0.5B."""

KV_HEADS, VOCABULARY, RANK = 2, 151_936, 16


def measure(quick: bool = False) -> dict[str, Any]:
    """Seconds for 128 greedy tokens in every column, by blocks that alternate; and bytes of a process with a 0.5 B base.

    The end token is ignored, so that all columns are as long. Ratios are medians over blocks. Threads and dtype as probed. `cpu` is disturbed less
    by other load on the machine.
    """
    with tempfile.TemporaryDirectory(prefix="whetstone-bench-") as folder:
        found = _run_apart(_measure_speed, Path(folder), 2 if quick else BLOCKS)
        if not quick:
            found["memory"] = _measure_memory(Path(folder))
    return found


def _run_apart(work: Any, *given: Any) -> Any:
    """In a process of its own, so that its memory and threads are its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    child = context.Process(target=_answer, args=(answers, work, *given))
    child.start()
    answer = answers.get()
    child.join()
    return answer


def _answer(answers: Any, work: Any, *given: Any) -> None:
    answers.put(work(*given))


def _measure_speed(folder: Path, blocks: int) -> dict[str, Any]:
    from studio.serving.engine import Engine
    from studio.serving.replies import Model

    base = pocket()
    adapters = [write_lora(folder / f"adapter-{n}", n, rank=RANK) for n in range(3)]
    engine = Engine(folder, folder / "lease")
    models = {
        "adapter": [Model(base, None, adapters[0])],
        "base": [Model(base)],
        "base_and_1": [Model(base), Model(base, None, adapters[0])],
        "base_and_3": [Model(base), *(Model(base, None, adapter) for adapter in adapters)],
    }
    for columns in models.values():
        _write_columns(engine, columns)
    taken: dict[str, list[Block]] = {name: [] for name in models}
    for block in range(blocks):
        for name in list(models)[:: -1 if block % 2 else 1]:
            taken[name].append(_write_columns(engine, models[name]))
    status = engine.status()
    engine.close()
    return {
        "tokens": TOKENS,
        "blocks": blocks,
        "precision": status["precision"],
        "threads": status["threads"],
        "probed_ms": status["measured_ms"],
        "first_token_ms": {
            name: round(1000 * statistics.median(block.first_s for block in found), 1) for name, found in taken.items()
        },
        "wall": _summary(taken, "wall_s"),
        "cpu": _summary(taken, "cpu_s"),
    }


class Block(NamedTuple):
    """Seconds to write every column, on the clock and of the processor, and until the last one had its first token."""

    wall_s: float
    cpu_s: float
    first_s: float


def _summary(taken: dict[str, list[Block]], clock: str) -> dict[str, Any]:
    seconds = {name: [getattr(block, clock) for block in blocks] for name, blocks in taken.items()}
    found: dict[str, Any] = {f"{name}_s": round(statistics.median(values), 3) for name, values in seconds.items()}
    for name in ("base", "base_and_1", "base_and_3"):
        ratios = [value / one for value, one in zip(seconds[name], seconds["adapter"], strict=True)]
        found[f"{name}_to_adapter"] = round(statistics.median(ratios), 3)
        found[f"{name}_to_adapter_by_block"] = [round(ratio, 3) for ratio in ratios]
    return found


def _write_columns(engine: Any, models: list[Any]) -> Block:
    """All columns of one prompt, as long as each other. The wait for others to join is left out of the seconds."""
    requests = [request_for(model, max_tokens=TOKENS, ignore_end=True) for model in models]
    began, worked = time.perf_counter(), time.process_time()
    replies = [engine.submit(request) for request in requests]
    for reply in replies:
        reply.wait()
    ended = time.perf_counter() - began
    queued = max(reply.timing.queued_s for reply in replies)
    first = max(reply.timing.first_token_s for reply in replies)
    return Block(ended - queued, time.process_time() - worked, first)


def _measure_memory(folder: Path) -> dict[str, Any]:
    """Resident bytes that a process gains by a base of 0.5 B in bfloat16, and by three adapters beside it.

    four_rows: the base four times over, which tells what a batch costs without any adapter (torch's bfloat16 products
    of more than one row turn weights over into memory of their own for a moment).
    """
    _run_apart(_write_large, folder / "large")
    base, rows, beside = (_run_apart(_use_large, folder / "large", *given) for given in ((1, 0), (4, 0), (1, 3)))
    return {
        "base": base,
        "four_rows": rows,
        "base_and_3": beside,
        "ratio": round(beside["bytes"] / base["bytes"], 3),
        "peak_ratio_to_four_rows": round(beside["peak_bytes"] / rows["peak_bytes"], 3),
        "tensors_ratio": round(beside["tensor_bytes"] / base["tensor_bytes"], 3),
    }


def _write_large(folder: Path) -> None:
    import shutil

    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from studio.adapters import ADAPTERS
    from tests.served_models import save_shaken

    torch.set_default_dtype(torch.bfloat16)
    config = Qwen2Config(
        **SHAPE, vocab_size=VOCABULARY, num_key_value_heads=KV_HEADS, tie_word_embeddings=True, eos_token_id=2
    )
    model = Qwen2ForCausalLM(config)
    model.save_pretrained(folder / "base")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(pocket().folder / name, folder / "base" / name)
    plug = ADAPTERS["lora"]
    settings = {"rank": RANK, "alpha": 32, "dropout": 0.0, "targets": "all_linear", "train_embeddings": False}
    adapted = plug.build(model, plug.options(**settings))
    for number in range(3):
        save_shaken(adapted, folder / f"adapter-{number}", number)


def _use_large(folder: Path, bases: int, adapters: int) -> dict[str, Any]:
    import torch

    from studio.serving.engine import Engine
    from studio.serving.replies import Model

    engine = Engine(folder, folder / "lease")
    base: Base = read_base_folder("folder:large", folder / "base")
    before = _read_memory("VmRSS") if torch.get_num_threads() else 0
    models = [Model(base, "bfloat16")] * bases
    models += [Model(base, "bfloat16", folder / f"adapter-{number}") for number in range(adapters)]
    requests = [request_for(model, max_tokens=12, ignore_end=True) for model in models]
    replies = [engine.submit(request) for request in requests]
    for reply in replies:
        list(reply)
    found = {
        "parameters": base.parameters,
        "bytes": _read_memory("VmRSS") - before,
        "peak_bytes": _read_memory("VmHWM") - before,
        "tensor_bytes": engine.status()["bytes"],
        "first_token_s": round(replies[0].timing.first_token_s or 0, 2),
        "tokens_per_s": round(replies[0].timing.tokens_per_s or 0, 2),
    }
    engine.close()
    return found


def _read_memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
