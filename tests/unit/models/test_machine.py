"""What was measured on this machine is kept, per base, and not believed of another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studio.models.catalogue import POCKET, read_base
from studio.models.machine import Machine, Plan, count_cores, find_plan, read_machine, write_machine, write_plan

BASE = read_base(POCKET, (), Path("/nonexistent"))
PLAN = Plan("bfloat16", 2, "model", 0.01, 2e-4, {"float32/2/model": 12.5})


def test_a_plan_is_kept_for_its_base_alone(tmp_path: Path):
    assert find_plan(tmp_path, BASE) is None
    write_plan(tmp_path, BASE, PLAN)
    assert find_plan(tmp_path, BASE) == PLAN
    assert find_plan(tmp_path, replace(BASE, bytes=BASE.bytes + 1)) is None


def test_a_torn_plan_is_measured_again(tmp_path: Path):
    write_plan(tmp_path, BASE, PLAN)
    for path in (tmp_path / "machine").iterdir():
        path.write_text(path.read_text("utf-8")[:40], "utf-8")
    assert find_plan(tmp_path, BASE) is None


def test_a_step_costs_a_fixed_part_and_one_for_each_token():
    assert PLAN.step_seconds(1000, 100) == 0.01 + 0.2
    longer = replace(PLAN, pair_s=1e-6)
    assert longer.step_seconds(1000, 100) == pytest.approx(0.01 + 0.2 + 0.1)


def test_the_machine_is_its_processor_until_a_probe_says_more(tmp_path: Path):
    assert read_machine(tmp_path).device == "cpu"
    found = Machine("cuda", "Some GPU", count_cores(), 16 * 1024**3)
    write_machine(tmp_path, found)
    assert read_machine(tmp_path) == found
    assert count_cores() >= 1
