"""What a spare worker does while it waits: the heavy imports, and a first look at a small model."""

from __future__ import annotations

from importlib import import_module

PRELOADED = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "trl.trainer.sft_trainer",
    "transformers.models.qwen3.modeling_qwen3",
    "studio.worker.probe",
    "studio.worker.train",
    "studio.training.probe",
    "studio.training.session",
)


def warm_up() -> None:
    """Import what device jobs import, then load the pocket model and let it learn one step.

    The first model that transformers loads in a process costs 0.35 s more than the second (it compiles the patterns of
    every architecture's names); the first backward pass starts torch's threads. All on the CPU: a spare must not
    hold memory of an accelerator that is another's.
    """
    for name in PRELOADED:
        import_module(name)
    _learn_one_step()


def _learn_one_step() -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers.utils import logging

    from studio.models.catalogue import POCKET, POCKET_FOLDER, read_base_folder
    from studio.models.loading import load_model

    logging.disable_progress_bar()
    pocket = read_base_folder(POCKET, POCKET_FOLDER)
    model = get_peft_model(load_model(pocket, "float32", "cpu"), LoraConfig(r=1, target_modules=["q_proj"]))
    ids = torch.zeros((1, 8), dtype=torch.long)
    model(input_ids=ids, labels=ids).loss.backward()
