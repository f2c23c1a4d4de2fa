"""`python -m tests.bench NAME [NAME …]`: measures and prints JSON with the machine it was measured on."""

from __future__ import annotations

import argparse
import json
import time
from importlib import import_module
from pathlib import Path

from tests.bench.machine import machine


def names() -> list[str]:
    """Every module beside this one that measures something."""
    return sorted(p.stem for p in Path(__file__).parent.glob("*.py") if "\ndef measure(" in p.read_text("utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*names(), "all"], help="what to measure")
    parser.add_argument("--quick", action="store_true", help="the least that still runs: to try the measuring itself")
    parser.add_argument("--out", type=Path, help="a file that gets the JSON as well")
    given = parser.parse_args()
    chosen = names() if "all" in given.names else given.names
    report: dict = {"machine": machine(), "quick": given.quick, "measured": {}}
    for name in chosen:
        began = time.perf_counter()
        figures = import_module(f"tests.bench.{name}").measure(quick=given.quick)
        report["measured"][name] = figures | {"seconds_measuring": round(time.perf_counter() - began, 1)}
        if given.out:
            given.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
