"""Changes of more rows than the app makes by itself: by a real job, taken back by one, and stopped without a trace."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from studio.data.selection import Selection
from tests.process.data_kills import ROWS, opened, prepare
from tests.processes import wait_for

PATIENCE_S = 120


def test_very_many_rows_are_changed_by_a_job_undone_by_one_and_a_stopped_one_leaves_nothing(root: Path, mark: str):
    dataset = prepare(root)
    studio, person = opened(root)
    with closing(studio):
        action = {"kind": "replace", "find": "word", "put": "wörd"}
        asked = (person, dataset, Selection(query="mark none"), action)
        job = studio.bulk.apply(*asked, "all")["job_id"]
        assert studio.bulk.apply(*asked, "all") == {"job_id": job}, "the same deed is one job"
        state = studio.queue.wait(job, PATIENCE_S)
        assert state.ended["summary"] == {"changed": ROWS, "skipped": {}, "skipped_rows": []}, state.ended
        assert studio.bulk.count(person, dataset, Selection(query="wörd"))["rows"] == ROWS
        assert studio.bulk.apply(*asked, "all")["changed"] == ROWS, "asked again after its end, it says what it did"

        step = studio.queue.wait(studio.bulk.undo(person, dataset, "back")["job_id"], PATIENCE_S)
        assert step.ended["summary"]["rows"] == ROWS
        assert studio.bulk.count(person, dataset, Selection(query="wörd"))["rows"] == 0
        assert studio.bulk.steps(person, dataset)["redo"]["rows"] == ROWS

        stopped = studio.bulk.apply(*asked, "stopped")["job_id"]
        wait_for(lambda: studio.queue.find(person, stopped).state().last["kind"] in ("phase", "progress", "finished"))
        studio.bulk.stop(person, stopped)
        ended = studio.queue.wait(stopped, PATIENCE_S)
        changed = studio.bulk.count(person, dataset, Selection(query="wörd"))["rows"]
        assert changed == (ROWS if ended.status == "finished" else 0)
        assert not (studio.queue.find(person, stopped).path / "plan.part").exists()
