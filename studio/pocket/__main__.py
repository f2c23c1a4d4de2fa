"""`python -m studio.pocket`: rebuild the pocket model, its samples, or measure it; prints one JSON object a line."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from studio.pocket.building import build_corpus, iterate_build
from studio.pocket.evaluate import iterate_evaluation
from studio.pocket.preferring import iterate_preferring
from studio.pocket.pretraining import Plan
from studio.pocket.samples import write_samples

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studio.pocket", description=__doc__)
    parser.add_argument("deed", nargs="?", default="build", choices=["build", "samples", "evaluate", "prefer"])
    parser.add_argument("--corpus-only", action="store_true", help="tokenizer and corpus hashes, no weights")
    parser.add_argument("--out", type=Path, default=ASSETS / "pocket", help="folder to write to or to measure")
    parser.add_argument("--tokens", type=int, default=Plan.tokens, help="tokens to pretrain on")
    parser.add_argument(
        "--work", type=Path, default=Path("workspace/pocket_build"), help="folder for the pretraining's checkpoint"
    )
    parser.add_argument("--no-compile", action="store_true", help="do not use torch.compile")
    return parser.parse_args(arguments)


def show(reports: Iterable[dict]) -> None:
    for report in reports:
        print(json.dumps(report, ensure_ascii=False), flush=True)


def main(arguments: list[str]) -> None:
    chosen = parse_arguments(arguments)
    if chosen.deed == "samples":
        show([write_samples(ASSETS / "samples")])
    elif chosen.deed == "evaluate":
        show(iterate_evaluation(str(chosen.out)))
    elif chosen.deed == "prefer":
        show(iterate_preferring(chosen.out))
    elif chosen.corpus_only:
        show([build_corpus(chosen.out, chosen.tokens)])
    else:
        plan = Plan(tokens=chosen.tokens, compiled=not chosen.no_compile)
        show(iterate_build(chosen.out, chosen.work, plan))


if __name__ == "__main__":
    main(sys.argv[1:])
