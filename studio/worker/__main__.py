"""The worker: takes one job from its keeper, runs the function of its kind, and writes what it yields.

`python -m studio.worker [--preload]`, started by a keeper only.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module, metadata
from types import MappingProxyType

from studio.errors import StudioError
from studio.events import Event, Finished, Stopped
from studio.jobs.ending import failed_event
from studio.worker.context import JobLog, StoppedByPerson, WorkerJob
from studio.worker.failures import error_of
from studio.worker.link import KeeperLink
from studio.worker.preload import warm_up

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "import": "studio.worker.imports:run",
        "change_rows": "studio.worker.change_rows:run",
        "step_rows": "studio.worker.change_rows:step",
        "save_version": "studio.worker.versions:run",
        "measure": "studio.worker.measure:run",
        "probe": "studio.worker.probe:run",
        "train": "studio.worker.train:run",
        "download": "studio.worker.download:run",
        "look_dataset": "studio.worker.hub_datasets:look",
        "fetch_dataset": "studio.worker.hub_datasets:fetch",
        "export": "studio.worker.export:run",
        "compile_pairs": "studio.worker.compile:run",
        "write_replies": "studio.worker.replies:run",
        "make_rows": "studio.worker.make_rows:run",
        "duplicate_dataset": "studio.worker.duplicate:run",
        "merge_datasets": "studio.worker.merge:run",
        "export_rows": "studio.worker.export_rows:run",
        "check": "studio.worker.checks:run",
        "measure_rows": "studio.worker.measure_rows:run",
        "restore": "studio.worker.restore:run",
        "differences": "studio.worker.differences:run",
    }
)
NAMED_VERSIONS = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "pyarrow")
OOM_SCORE = 500
"""When memory runs out the kernel should end a worker rather than the page, its keeper or the desktop."""


def main(table: Mapping[str, str] = KINDS, warm_up: Callable[[], None] = warm_up) -> None:
    """Does not return.

    table: job kind → `module:function`, a function from WorkerJob to an iterator of events. warm_up: what a spare does
    while it waits for its job.
    """
    offer_to_be_killed_first()
    link = KeeperLink(installed_versions())
    if "--preload" in sys.argv[1:]:
        warm_up()
    log = link.wait_for_job()
    os.chdir(log.folder)
    run_job(log, table)
    # The ending is written: a library that hangs at its own exit must not keep the device.
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    os._exit(0)


def run_job(log: JobLog, table: Mapping[str, str]) -> None:
    """Write every event of the job's function, and an ending if it wrote none."""
    job = WorkerJob(log)
    began_s = time.monotonic()
    try:
        module, function = table[log.spec.kind].split(":")
        for event in getattr(import_module(module), function)(job):
            log.write(event)
            if log.has_ended:
                return
        log.end(ending_of(job, log, time.monotonic() - began_s))
    except StoppedByPerson:  # wherever it was heard that no function of the job looks out for
        log.end(Stopped(log.last_step, log.last_checkpoint))
    except Exception as error:  # noqa: BLE001 - the worker's entry: every error becomes the ending of the job
        traceback.print_exc()
        write_failure(log, error_of(error, log.folder))


def ending_of(job: WorkerJob, log: JobLog, seconds: float) -> Event:
    if job.should_stop():
        return Stopped(log.last_step, log.last_checkpoint)
    return Finished(None, seconds, {})


def write_failure(log: JobLog, error: StudioError) -> None:
    try:
        log.end(failed_event(error))
    except StudioError:
        os._exit(1)  # not even the ending fits on the disk; the keeper tries again


def offer_to_be_killed_first() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
            score.write(str(OOM_SCORE))
    except OSError:
        pass


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the libraries whose numbers a result depends on, without importing them."""
    found = {"python": sys.version.split()[0]}
    for name in NAMED_VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    main()
