"""What a spare worker does while it waits: the heavy imports, and a first step of a small model."""

from __future__ import annotations

from importlib import import_module

from studio.models.machine import use_one_device

PRELOADED = ("studio.worker.probe", "studio.worker.train", "studio.training.probe", "studio.training.warmup")


def warm_up() -> None:
    """Import what device jobs import, then let the pocket model learn one step.

    A first run in a cold process compiles the name patterns of every architecture, walks all that was imported when
    memory is collected, and starts torch's threads: 0.7 s of 1.2 s from the hand-over to the first loss.
    """
    use_one_device()
    for name in PRELOADED:
        import_module(name)
    import_module("studio.training.warmup").warm_up()
