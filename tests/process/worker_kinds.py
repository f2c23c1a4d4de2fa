"""A worker whose job does what its options say: started by a launcher that is given this module's name.

Everything else (keeper, link, entry, log) is the real thing.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from studio.errors import ModelNotFound
from studio.events import Checkpoint, Event, Finished, Phase, Step, Stopped
from studio.worker.__main__ import main
from studio.worker.context import WorkerJob

MODULE = "tests.process.worker_kinds"
KINDS = dict.fromkeys(("import", "train", "probe", "save_version"), f"{MODULE}:act")


def act(job: WorkerJob) -> Iterator[Event]:
    """Write `steps` steps, `interval_s` apart, then end as `end` says; stops when asked, unless `stubborn`."""
    options = {"steps": 3, "interval_s": 0.005, "end": "finish"} | job.options
    if options.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if options.get("child"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if text := options.get("print"):
        print(text)
    yield Phase("training", options["steps"], "steps")
    for step in range(1, options["steps"] + 1):
        time.sleep(options["interval_s"])
        yield Step(step, options["steps"], step / options["steps"], 1 / step, 1e-3, None, step * 10, None, None)
        print("step", step)
        if step % 10 == 0:
            yield Checkpoint(step, f"checkpoints/step-{step:06d}", 0)
        if job.should_stop() and not options.get("stubborn"):
            yield Stopped(step)
            return
    yield from ENDS[options["end"]](job)


def finish(job: WorkerJob) -> Iterator[Event]:
    yield Finished(None, 0.1, {"environment": dict(os.environ), "folder": os.getcwd()})  # noqa: PTH109


def return_silently(job: WorkerJob) -> Iterator[Event]:
    yield from ()


def raise_python_error(job: WorkerJob) -> Iterator[Event]:
    yield Phase("saving")
    raise ZeroDivisionError("a number by nothing")


def raise_studio_error(job: WorkerJob) -> Iterator[Event]:
    yield Phase("loading_model")
    raise ModelNotFound(model="nowhere")


def run_out_of_memory(job: WorkerJob) -> Iterator[Event]:
    yield Phase("training")
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    bytearray(2**31)


def eat_memory(job: WorkerJob) -> Iterator[Event]:
    """Half a GB, page by page, which is more than the test's memory group allows."""
    yield Phase("training")
    eaten = [bytearray(os.urandom(2**20)) for _ in range(512)]
    yield Finished(None, 0.0, {"eaten": len(eaten)})


def run_out_of_disk(job: WorkerJob) -> Iterator[Event]:
    yield Phase("saving")
    with open("/dev/full", "w") as device:  # noqa: PTH123
        device.write("x" * 100_000)


def leave(job: WorkerJob) -> Iterator[Event]:
    yield Phase("training")
    os._exit(7)


def crash(job: WorkerJob) -> Iterator[Event]:
    yield Phase("training")
    os.kill(os.getpid(), signal.SIGSEGV)


ENDS = {
    "finish": finish,
    "return": return_silently,
    "python_error": raise_python_error,
    "studio_error": raise_studio_error,
    "memory": run_out_of_memory,
    "eat": eat_memory,
    "disk": run_out_of_disk,
    "exit": leave,
    "crash": crash,
}


if __name__ == "__main__":
    main(KINDS, warm_up=lambda: None)
