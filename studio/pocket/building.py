"""Rebuilds `assets/pocket`: tokenizer, corpus hashes, weights and the record `build.json` that says what was made."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.pocket.architecture import write_weights
from studio.pocket.corpus import SEED, SHARD_TOKENS, build_shard, shard_hash
from studio.pocket.pretraining import Plan, iterate_pretraining
from studio.pocket.tokenizer import build_tokenizer, tokenizer_hash, write_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def describe_corpus(tokenizer: "Tokenizer", tokens: int) -> dict[str, Any]:
    """Hashes of the shards that hold `tokens` tokens, and how many vocabulary entries they never show."""
    import numpy

    whole = hashlib.sha256()
    seen = numpy.zeros(tokenizer.get_vocab_size(), dtype=numpy.int64)
    count = -(-tokens // SHARD_TOKENS)
    first = ""
    for index in range(count):
        shard = build_shard(index, tokenizer)
        first = first or shard_hash(shard)
        whole.update(shard.astype("<u2").tobytes())
        seen += numpy.bincount(shard.ravel(), minlength=len(seen))
    return {
        "shards": count,
        "tokens": count * SHARD_TOKENS,
        "sha256": whole.hexdigest(),
        "first_shard_sha256": first,
        "entries_never_seen": int((seen == 0).sum()),
        "entries_seen_least": int(seen.min()),
        "tokenizer_sha256": tokenizer_hash(tokenizer),
        "seed": SEED,
    }


def build_corpus(folder: Path, tokens: int) -> dict[str, Any]:
    """Writes the tokenizer's files to `folder` and returns the hashes; no weights."""
    tokenizer = build_tokenizer()
    write_tokenizer(tokenizer, folder)
    return describe_corpus(tokenizer, tokens)


def iterate_build(folder: Path, work: Path, plan: Plan) -> Iterator[dict[str, Any]]:
    """Everything, from nothing: yields reports; afterwards `folder` holds a model that transformers loads."""
    import torch

    tokenizer = build_tokenizer()
    write_tokenizer(tokenizer, folder)
    corpus = describe_corpus(tokenizer, plan.tokens)
    yield {"corpus": corpus}
    for report in iterate_pretraining(tokenizer, plan, work):
        model = report.pop("model", None)
        yield report
    write_weights(model, str(folder))
    record = {
        "format": 1,
        "corpus": corpus,
        "pretraining": {
            **asdict(plan),
            "steps": plan.steps,
            "tokens_seen": plan.steps * plan.step_tokens,
            "validation_loss": round(report["validation_loss"], 4),
            "seconds": round(report["seconds"], 1),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        },
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
    }
    (folder / "build.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    yield {"built": str(folder)}
