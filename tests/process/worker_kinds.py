"""A worker whose kinds are light: started by a launcher that is given this module's name instead of studio.worker."""

from __future__ import annotations

import time
from collections.abc import Iterator

from studio.events import Event, Finished, Phase, Step, Stopped
from studio.worker.__main__ import main
from studio.worker.context import WorkerJob


def count(job: WorkerJob) -> Iterator[Event]:
    """Write `steps` steps, `interval_s` apart; stops when asked."""
    steps, interval_s = job.options.get("steps", 3), job.options.get("interval_s", 0.01)
    yield Phase("training", steps, "steps")
    for step in range(1, steps + 1):
        time.sleep(interval_s)
        yield Step(step, steps, step / steps, 1 / step, 1e-3, None, step * 10, None, None)
        print("step", step, flush=True)
        if job.should_stop():
            yield Stopped(step)
            return
    yield Finished(None, 0.0, {"steps": steps})


if __name__ == "__main__":
    main({"train": "tests.process.worker_kinds:count", "import": "tests.process.worker_kinds:count"})
