"""What this machine has, as far as it can be told without torch, and where its measurements are kept."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.models.catalogue import Base

FORMAT = 2


@dataclass(frozen=True)
class Machine:
    """device: "cpu" or "cuda". device_name: as the system names it. memory_bytes: of the device that trains."""

    device: str
    device_name: str
    cores: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Plan:
    """How one base is best trained on this machine, and what that was measured to cost.

    dtype: "float32" or "bfloat16" (base in bfloat16, adapter in float32, autocast). loss_path: "trained" (logits only
    where a token is trained) or "model" (the model's own loss over all logits). A step costs
    fixed_s + (token_s + pair_s × padded length) × padded tokens: every token attends to its whole row.
    measured: milliseconds a step by "dtype/threads/loss_path".
    """

    dtype: str
    threads: int
    loss_path: str
    fixed_s: float
    token_s: float
    measured: dict[str, float]
    pair_s: float = 0.0

    def step_seconds(self, tokens: float, length: float) -> float:
        """tokens: of the whole batch, padding included. length: of its longest row."""
        return self.fixed_s + self.token_seconds(length) * tokens

    def token_seconds(self, length: float) -> float:
        return self.token_s + self.pair_s * length


def count_cores() -> int:
    """Cores this process may use: the affinity mask, and a container's quota where it is lower."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        share, period = quota.read_text().split()[:2]
        if share != "max":
            cores = min(cores, max(1, round(int(share) / int(period))))
    return cores


def use_one_device() -> None:
    """Show torch one GPU only, before it is imported: its trainers spread over all they see and then refuse to."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def read_memory_bytes() -> int | None:
    """Memory that could still be used on this machine, or None where the system does not say."""
    path = Path("/proc/meminfo")
    if not path.is_file():
        return None
    lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in lines else None


def read_machine(root: Path) -> Machine:
    """The machine as a probe found it; before any probe ran, its processor."""
    found = _read(root / "machine" / "machine.json")
    if found and found.get("host") == platform.node():
        return Machine(found["device"], found["device_name"], count_cores(), found["memory_bytes"])
    return Machine("cpu", platform.processor() or platform.machine(), count_cores(), read_memory_bytes())


def write_machine(root: Path, machine: Machine) -> None:
    _write(root / "machine" / "machine.json", {"host": platform.node(), **asdict(machine)})


def find_plan(root: Path, base: Base, quantisation: str | None = None) -> Plan | None:
    """What a probe measured for this base on this machine, or None before it ran. quantisation: as the base is loaded."""
    found = _read(_plan_path(root, base, quantisation))
    return Plan(**found["plan"]) if found else None


def write_plan(root: Path, base: Base, plan: Plan, quantisation: str | None = None) -> None:
    _write(_plan_path(root, base, quantisation), {"base": base.id, "plan": asdict(plan)})


def _plan_path(root: Path, base: Base, quantisation: str | None) -> Path:
    """One file per host, cores, base, its size and its quantisation: a changed base is measured anew."""
    key = f"{platform.node()}|{platform.machine()}|{count_cores()}|{base.id}|{base.bytes}"
    if quantisation:
        key += f"|{quantisation}"
    return root / "machine" / f"plan-{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("format") == FORMAT else None


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".part{os.getpid()}")
    part.write_text(json.dumps({"format": FORMAT, **content}, indent=1), "utf-8")
    part.replace(path)
