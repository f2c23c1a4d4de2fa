"""Every training method learns its own example, and its log keeps the promises of the events' table."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.data.records import check_record, record_kind
from studio.models.catalogue import POCKET, read_base
from studio.options import option_fields
from studio.training.methods import METHODS
from studio.words import Text
from studio.worker import train
from tests.training_runs import exhaust, make_job, of_kind, write_version

BASE = read_base(POCKET, (), Path("/nonexistent"))


@pytest.mark.parametrize("name", METHODS.names)
def test_a_method_takes_the_records_of_its_example(name):
    method = METHODS[name]
    assert method.example["records"]
    for record in method.example["records"]:
        assert check_record(record) == []
        assert record_kind(record) in method.kinds


@pytest.mark.parametrize("name", METHODS.names)
def test_every_option_of_a_method_has_its_words(name):
    for field in option_fields(METHODS[name].options):
        assert isinstance(field.about.title, Text) and isinstance(field.about.summary, Text)
        assert set(field.about.choices) == set(field.choices)


@pytest.mark.parametrize("name", METHODS.names)
def test_a_method_trains_on_its_example(name, tmp_path):
    method = METHODS[name]
    records = method.example["records"]
    fingerprint = write_version(tmp_path / "people" / "local", records, held_out=0.0)
    job = make_job(tmp_path, BASE, fingerprint, len(records), method=name, **method.example["options"])
    events = exhaust(job, train.run(job))
    assert events[-1]["kind"] == "finished"
    steps = of_kind(events, "step")
    assert steps[-1]["step"] == steps[-1]["total_steps"] == events[-1]["summary"]["steps"]
    assert all(step["loss"] is not None and step["tokens"] > 0 for step in steps)
    assert "nothing_held_out" in {event["code"] for event in of_kind(events, "notice")}
    assert (job.folder / events[-1]["result"]).is_dir()
