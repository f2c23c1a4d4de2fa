"""The log of a job: one JSON object a line, appended by one writer at a time, read from any place."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from studio.errors import DiskFull
from studio.events import Event, Notice, without_nonfinite

RESERVE_NAME = "reserve"
RESERVE_BYTES = 16_384
"""Given back when the disk is full, so that the ending still finds room."""

FULL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK_BYTES = 16_384


class LogWriter:
    """Appends events to a log, numbered on from what is there.

    A line is one `os.write`, so a reader sees whole lines or, after a kill or a full disk, a torn last one; the next
    line then starts on a line of its own. Numbers that are not finite become null, told once per field by a notice.
    Raises DiskFull. Safe to call from several threads; two writers at once are the caller's mistake (the job's lock
    prevents it).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.Lock()
        self._told: set[tuple[str, str]] = set()
        last = read_last_event(path)
        self._seq = int(last.get("seq", 0)) + 1 if last else 1
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._torn = _is_torn(self._file)

    def write(self, event: Event) -> None:
        fields = event.to_fields()
        text, bad = _render(fields)
        with self._guard:
            self._append(text)
            new = [path for path in bad if (event.kind, path) not in self._told]
            if new:
                self._told.update((event.kind, path) for path in new)
                notice = Notice("warning", "nonfinite", {"kind": event.kind, "fields": ", ".join(new)})
                self._append(_render(notice.to_fields())[0])

    def close(self) -> None:
        with self._guard:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _append(self, fields_text: str) -> None:
        head = f'{{"seq":{self._seq},"time":"{utc_now()}",'
        line = (head + fields_text[1:] + "\n").encode("utf-8", "replace")
        try:
            self._write_line(line)
        except DiskFull:
            if not self._give_back_reserve():
                raise
            self._write_line(line)
        self._seq += 1

    def _write_line(self, line: bytes) -> None:
        rest = b"\n" + line if self._torn else line
        try:
            while rest:
                written = os.write(self._file, rest)
                rest = rest[written:]
                self._torn = bool(rest)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            raise DiskFull(free_bytes=_free_bytes(self.path)) from error

    def _give_back_reserve(self) -> bool:
        try:
            (self.path.parent / RESERVE_NAME).unlink()
        except OSError:
            return False
        return True


def read_events(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The events from a byte offset on, and the offset to go on from. An unfinished last line is left for next time.

    Lines that are no JSON object (torn by a kill or a full disk) are skipped, and counted in one notice at the end of
    the list: kind `notice`, code `log_lines_skipped`, values {count}. A log that does not exist yet is empty.
    """
    try:
        with path.open("rb") as log:
            log.seek(offset)
            data = log.read()
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    lines = [line for line in data[:end].split(b"\n") if line.strip()]
    events = [event for event in map(_parsed, lines) if event is not None]
    if skipped := len(lines) - len(events):
        events.append(Notice("warning", "log_lines_skipped", {"count": skipped}).to_fields())
    return events, offset + end


def read_first_events(path: Path) -> list[dict[str, Any]]:
    """The events in the first 16 kB of the log, which always hold `started` if the job ever started."""
    try:
        with path.open("rb") as log:
            data = log.read(_CHUNK_BYTES)
    except FileNotFoundError:
        return []
    complete = data[: data.rfind(b"\n") + 1]
    return [event for event in map(_parsed, complete.split(b"\n")) if event is not None]


def read_last_event(path: Path) -> dict[str, Any] | None:
    """The last whole event, read backwards from the end, or None."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            length = _CHUNK_BYTES
            found = _last_in(log, max(0, size - length), size)
            while found is None and length < size:
                length *= 8
                found = _last_in(log, max(0, size - length), size)
            return found
    except FileNotFoundError:
        return None


def _last_in(log: BinaryIO, start: int, end: int) -> dict[str, Any] | None:
    """The last whole event between two offsets; what stands before the first line break there may be half a line."""
    log.seek(start)
    lines = log.read(end - start).split(b"\n")[:-1]
    whole = lines if start == 0 else lines[1:]
    return next((event for event in map(_parsed, reversed(whole)) if event is not None), None)


def utc_now() -> str:
    """The time in UTC, ISO 8601, milliseconds, with a Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "kind" in value else None


def _is_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _free_bytes(path: Path) -> int | None:
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize


def _render(fields: Mapping[str, Any]) -> tuple[str, list[str]]:
    """One line of JSON without its seq and time, and the paths of numbers that were not finite."""
    plain, bad = without_nonfinite(fields)
    try:
        return _dumped(plain), bad
    except ValueError:
        # A number of another library (numpy, torch) that only shows as a float once it is converted.
        converted = json.loads(json.dumps(plain, default=_plain))
        plain, found = without_nonfinite(converted)
        return _dumped(plain), bad + found


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    item = getattr(value, "item", None)  # one number of numpy or torch
    return item() if callable(item) else str(value)
