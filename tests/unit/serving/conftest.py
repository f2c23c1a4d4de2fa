"""One engine for all tests of it, with adapters of several kinds and what peft itself writes with each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.serving.engine import Engine
from studio.serving.speed import Speed, write_speed
from tests.served_models import pocket, write_lora

PLAIN = Speed("float32", "float32", 1, {})


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By what is special about them."""
    folder = tmp_path_factory.mktemp("adapters")
    return {
        "plain": write_lora(folder / "plain", 1),
        "attention": write_lora(folder / "attention", 2, rank=4, targets="attention"),
        "tables": write_lora(folder / "tables", 3, rank=16, train_embeddings=True),
        "rank_32": write_lora(folder / "rank_32", 4, rank=32, alpha=96),
    }


@pytest.fixture
def engine_root(tmp_path: Path) -> Path:
    """A root where nothing has to be measured any more."""
    write_speed(tmp_path, pocket(), None, PLAIN)
    write_speed(tmp_path, pocket(), "float32", PLAIN)
    return tmp_path


@pytest.fixture
def engine(engine_root: Path) -> Iterator[Engine]:
    """With the pocket model loaded: transformers cannot load two models at once in one process, as some tests would."""
    opened = Engine(engine_root, engine_root / "devices" / "device-0")
    opened.load(pocket(), "float32")
    yield opened
    opened.close()
