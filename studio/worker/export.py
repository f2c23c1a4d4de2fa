"""The export job: written, packed, read back in a fresh process, and only then put where it can be downloaded."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from studio.errors import AdapterMismatch, DiskFull, PythonError, error_of_code
from studio.events import Event, Finished, Phase, Progress
from studio.exporting.errors import ExportMismatch, ExportUnreadable
from studio.exporting.exporters import EXPORTERS
from studio.exporting.packing import check_plain, folder_bytes, iterate_packed, unpack
from studio.exporting.readback import Order
from studio.exporting.source import Source
from studio.jobs.ending import name_of_signal
from studio.jobs.lanes import DEVICE_NAME
from studio.jobs.lease import is_locked
from studio.models.catalogue import read_base_folder
from studio.models.lineage import Lineage
from studio.models.machine import count_cores
from studio.worker.context import WorkerJob

PART = "part"
EXPORTS = "exports"
LOOK_S = 0.2


class ExportSpec(BaseModel):
    """folder, base_folder: what the ids were found to mean when the job was submitted. language: of the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    adapter_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    name: str
    notes: str
    folder: str
    lineage: Lineage
    base: str
    base_folder: str
    exporter: str
    form: Literal["zip", "folder"]
    language: str
    prompts: list[str]


def run(job: WorkerJob) -> Iterator[Event]:
    """Everything lies in the job's own folder until it was read back. What is not done in the end is removed.

    Raises AdapterUnreadable, AdapterMismatch, ExportMismatch, ExportUnreadable, DiskFull.
    """
    began_s = time.monotonic()
    spec = ExportSpec.model_validate(job.options)
    part = job.folder / PART
    try:
        done = yield from make_export(job, spec, part)
        if done is None:
            return
        checks, size = done
        final = job.workspace / EXPORTS / job.spec.id
        final.parent.mkdir(exist_ok=True, mode=0o700)
        (part / "out").rename(final)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    name = f"{spec.adapter_id}.zip" if spec.form == "zip" else spec.adapter_id
    summary = {"bytes": size, "checks": checks, "precision": spec.lineage.precision}
    yield Finished(f"{EXPORTS}/{job.spec.id}/{name}", time.monotonic() - began_s, summary)


def make_export(
    job: WorkerJob, spec: ExportSpec, part: Path
) -> Generator[Event, None, tuple[list[dict[str, Any]], int] | None]:
    """What is to be delivered in `part/out`, with the replies it gave and its bytes; None where the job was stopped."""
    source = find_source(spec)
    written, out = part / "written" / source.slug, part / "out"
    for folder in (written, out):
        folder.mkdir(parents=True)
    check_room(job.folder, folder_bytes(source.folder) * (2 if spec.form == "zip" else 1))
    for event in EXPORTERS[spec.exporter].write(source, written):
        yield event
        if job.should_stop():
            return None
    check_plain(written, spec.name)
    delivered = written
    if spec.form == "zip":
        packed = out / f"{source.slug}.zip"
        yield from pack(written, packed)
        shutil.rmtree(written.parent)
        unpack(packed, part / "unpacked")
        delivered = part / "unpacked" / source.slug
    checks = yield from read_back(job, spec, delivered)
    if checks is None:
        return None
    if spec.form == "folder":
        written.rename(out / source.slug)
    return checks, folder_bytes(out)


def find_source(spec: ExportSpec) -> Source:
    """Raises AdapterMismatch where the base is no longer the one that was trained on."""
    base = read_base_folder(spec.base, Path(spec.base_folder))
    if spec.lineage.base_bytes not in (None, base.bytes):
        raise AdapterMismatch(adapter=spec.name, base=spec.base)
    return Source(Path(spec.folder), spec.adapter_id, spec.name, spec.notes, spec.lineage, base, spec.language)


def check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFull(free_bytes=free)


def pack(folder: Path, target: Path) -> Iterator[Event]:
    total, done = folder_bytes(folder), 0
    yield Phase("packing", total, "bytes")
    for size in iterate_packed(folder, target):
        done += size
        yield Progress(done, total, "bytes")


def read_back(job: WorkerJob, spec: ExportSpec, export: Path) -> Generator[Event, None, list[dict[str, Any]] | None]:
    """The replies of the export, which are those of the adapter; None where the job was stopped.

    The fresh process ends with this one: its stdin closes. While the device is taken it has one thread.
    """
    order = Order(
        exporter=spec.exporter,
        base=spec.base,
        base_folder=spec.base_folder,
        precision=spec.lineage.precision or "float32",
        source=spec.folder,
        export=str(export),
        prompts=spec.prompts,
        threads=1 if is_locked(job.root / "devices" / DEVICE_NAME) else count_cores(),
    )
    command = [sys.executable, "-P", "-m", "studio.exporting.readback"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as child:
        try:
            child.stdin.write(order.model_dump_json().encode() + b"\n")
            for line in iterate_answers(job, child):
                if "phase" in line:
                    yield Phase(line["phase"])
                else:
                    return answer_of(spec, line)
        finally:
            child.kill()
    if job.should_stop():
        return None
    code = child.returncode
    raise ExportUnreadable(
        name=spec.name, exit_code=code if code >= 0 else None, signal=name_of_signal(-code) if code < 0 else None
    )


def iterate_answers(job: WorkerJob, child: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """The child's lines until it ends or the job is asked to stop."""
    while not job.should_stop():
        if not select.select([child.stdout], [], [], LOOK_S)[0]:
            continue
        line = child.stdout.readline()
        if not line:
            child.wait()
            return
        yield json.loads(line)


def answer_of(spec: ExportSpec, line: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks. Raises ExportMismatch, or the error that the child met."""
    if "mismatch" in line:
        raise ExportMismatch(name=spec.name, **line["mismatch"])
    if "error" in line:
        code, values = line["error"]["code"], line["error"]["values"]
        raise error_of_code(code, values) or PythonError(type=code, text=str(values))
    return line["checks"]
