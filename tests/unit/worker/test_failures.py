"""What an exception of a worker means for the person."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from studio.errors import ModelNotFound
from studio.worker.failures import asked_bytes, error_of

TORCH_CPU = "[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000 bytes. Error code 12"
TORCH_CUDA = "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 79 GiB"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelNotFound(model="m"), "ModelNotFound"),
        (MemoryError(), "OutOfMemory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "OutOfMemory"),
        (RuntimeError(TORCH_CPU), "OutOfMemory"),
        (type("OutOfMemoryError", (RuntimeError,), {})(TORCH_CUDA), "OutOfMemory"),
        (OSError(errno.ENOSPC, "No space left on device"), "DiskFull"),
        (sqlite3.OperationalError("database or disk is full"), "DiskFull"),
        (ValueError("I/O error: No space left on device (os error 28)"), "DiskFull"),
        (ValueError("a wrong number"), "PythonError"),
        (RuntimeError("shape mismatch"), "PythonError"),
    ],
)
def test_every_error_has_a_code_the_person_can_act_on(error: Exception, code: str, tmp_path: Path):
    assert error_of(error, tmp_path).code == code


def test_the_cause_counts_rather_than_what_was_raised_on_the_way_out(tmp_path: Path):
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as cause:
            raise RuntimeError("could not save") from cause
    except RuntimeError as error:
        assert error_of(error, tmp_path).code == "DiskFull"


@pytest.mark.parametrize(
    ("text", "bytes_"), [(TORCH_CPU, 4_000_000_000), (TORCH_CUDA, int(2.5 * 2**30)), ("no number", None)]
)
def test_the_amount_asked_for_is_read_from_torchs_sentence(text: str, bytes_: int | None):
    assert asked_bytes(text) == bytes_


def test_a_long_message_is_cut(tmp_path: Path):
    assert len(error_of(ValueError("x" * 9999), tmp_path).values["text"]) == 500


def test_a_token_in_a_message_is_hidden(tmp_path: Path):
    assert "hf_" not in error_of(ValueError("401 for hf_abcdefghijklmnopqrst"), tmp_path).values["text"]
