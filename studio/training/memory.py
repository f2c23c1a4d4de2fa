"""How much memory a run uses: the device's, or on a processor the process's own."""

from __future__ import annotations

import os
from pathlib import Path


def read_memory_in_use(device: str) -> int | None:
    """Bytes in use now; on a GPU the most that torch has reserved. None where the system does not say."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_reserved()
    path = Path("/proc/self/statm")
    if not path.is_file():
        return None
    return int(path.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
