"""The keeper of one job: starts its worker, holds its lock, and writes the ending that the worker could not.

Standard library only, so that it stays small. Started by a launcher as `python -m studio.jobs.keeper WORKER_MODULE
[--preload]`; reads one line of JSON from stdin, {"folder", "lease" (path or null), "grace_s"}, and ends when stdin
closes before that line. With --preload the worker is started first and waits with its imports done.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NamedTuple

from studio.jobs.ending import (
    EVENTS_NAME,
    LOCK_NAME,
    OUTPUT_NAME,
    STOP_NAME,
    has_ended,
    started_event,
    write_ending_of_worker,
    write_stopped,
)
from studio.jobs.lease import lease_holder, take_lease, take_lock
from studio.jobs.log import LogWriter, read_last_event, utc_now

LOCK_WAIT_S = 1.0
"""A look at the job's state takes the lock for a moment; a keeper gives up only when it stays taken."""

POLL_S = 0.25
TERMINATE_S = 5.0
HAND_OVER_BYTES = 4096
STDIN = 0


class Worker(NamedTuple):
    """link: our end of the socket that is the worker's stdin."""

    pid: int
    link: socket.socket


class Order(NamedTuple):
    folder: Path
    lease: Path | None
    grace_s: float


def main(arguments: list[str]) -> int:
    module, *options = arguments
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    child_ended = wake_on_child()
    worker = start_worker(module, options, None) if "--preload" in options else None
    order = read_order(worker, child_ended)
    if order is None:
        if worker:
            end_group(worker.pid, signal.SIGKILL)
        return 0
    try:
        lock = take_lock(order.folder / LOCK_NAME, LOCK_WAIT_S)
    except FileNotFoundError:
        lock = None  # deleted in the meantime
    if lock is None or not is_still_to_start(order.folder):
        return 0
    wait_for_lease(order)
    if (order.folder / STOP_NAME).exists():
        write_stopped(order.folder)
        return 0
    was_spare = worker is not None
    if worker is None:
        worker = start_worker(module, options, order.folder / OUTPUT_NAME)
    exit_code, signal_number, forced = keep(worker, order, lock, child_ended)
    if was_spare and started_event(order.folder) is None:
        return 1  # a spare that died before it saw the job: whoever handed it over starts another
    write_ending_of_worker(order.folder, exit_code, signal_number, forced)
    return 0


def start_worker(module: str, options: list[str], output_path: Path | None) -> Worker:
    """A worker in a process group of its own, with a socket as its stdin.

    output_path: where it prints; beside our own complaints while it has no job.
    """
    ours, theirs = socket.socketpair()
    output = os.open(output_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600) if output_path else 2
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", "-m", module, *options],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs.fileno(), 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setpgroup=0,
    )
    theirs.close()
    if output_path:
        os.close(output)
    return Worker(pid, ours)


def wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer)
    return reader


def drain(reader: int) -> None:
    """Empty a wake-up descriptor; a child that is merely paused or resumed wakes too."""
    try:
        os.read(reader, 512)
    except BlockingIOError:
        pass


def read_order(worker: Worker | None, child_ended: int) -> Order | None:
    """The job to keep, or None when stdin closed or a waiting worker died."""
    data = b""
    while not data.endswith(b"\n"):
        ready, _, _ = select.select([STDIN, child_ended], [], [])
        if STDIN not in ready:
            drain(child_ended)
            if os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return None
            continue
        piece = os.read(STDIN, HAND_OVER_BYTES)
        if not piece:
            return None
        data += piece
    asked = json.loads(data)
    lease = Path(asked["lease"]) if asked["lease"] else None
    return Order(Path(asked["folder"]), lease, float(asked["grace_s"]))


def is_still_to_start(folder: Path) -> bool:
    last = read_last_event(folder / EVENTS_NAME)
    return not has_ended(last) and started_event(folder) is None


def wait_for_lease(order: Order) -> None:
    """Take the device's lease, once it is free, for as long as this process lives; or return when asked to stop."""
    if order.lease is None:
        return
    workspace = order.folder.parent.parent
    mine = {"who": "job", "job": order.folder.name, "workspace": workspace.name, "since": utc_now()}
    told = False
    while take_lease(order.lease, mine) is None and not (order.folder / STOP_NAME).exists():
        if not told:
            told = True
            tell_device_is_busy(order)
        time.sleep(POLL_S)


def tell_device_is_busy(order: Order) -> None:
    from studio.events import Notice

    holder = lease_holder(order.lease) or {}
    log = LogWriter(order.folder / EVENTS_NAME)
    log.write(Notice("info", "device_busy", {"who": holder.get("who"), "job": holder.get("job")}))
    log.close()


def keep(worker: Worker, order: Order, lock: int, child_ended: int) -> tuple[int | None, int | None, bool]:
    """Hand the job over and wait for the worker's end → exit code, signal, whether it was ended on purpose."""
    try:
        socket.send_fds(worker.link, [os.fsencode(order.folder)], [lock])
    except OSError:
        pass  # it is dead already; waiting for it says how
    os.close(STDIN)
    stop_seen_s = None
    forced = False
    while True:
        pid, status = os.waitpid(worker.pid, os.WNOHANG)
        if pid:
            break
        now_s = time.monotonic()
        if stop_seen_s is None and (order.folder / STOP_NAME).exists():
            stop_seen_s = now_s
        if stop_seen_s is not None and now_s - stop_seen_s > order.grace_s:
            late = now_s - stop_seen_s > order.grace_s + TERMINATE_S
            end_group(worker.pid, signal.SIGKILL if late else signal.SIGTERM)
            forced = True
        if select.select([child_ended], [], [], POLL_S)[0]:
            drain(child_ended)
    end_group(worker.pid, signal.SIGKILL)
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status), forced
    return os.waitstatus_to_exitcode(status), None, forced


def end_group(pid: int, number: int) -> None:
    """Signal the worker and whatever it started."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
