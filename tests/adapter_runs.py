"""Runs that left an adapter, without the training: folders as the train job leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.events import Choice, Evaluated, Event, Finished, Sample, Started, Stopped
from studio.jobs.folder import create_job
from studio.jobs.log import LogWriter
from studio.jobspec import JobSpec
from studio.models.catalogue import POCKET, Base, read_base
from studio.models.lineage import Lineage, find_files, hash_file
from tests.written_runs import PROMPTS, WrittenRun

BASE: Base = read_base(POCKET, (), Path("/nonexistent"))
SUMMARY = {"held_out_before": 0.6, "held_out_after": 0.2, "train_loss": 0.3, "steps": 4}


def leave_adapter(folder: Path, weights: bytes = b"weights") -> None:
    """Files by the names of a real one; registering copies them and does not look inside."""
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(weights)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}', "utf-8")
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    (folder / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    (folder / "training_args.bin").write_bytes(b"a pickle that nobody asked for")


def ended_run(workspace: Path, number: int = 0, title: str = "shop", ending: Event | None = None) -> WrittenRun:
    """A run with an adapter in its result, finished unless another ending is given."""
    run = WrittenRun(workspace, number, title)
    run.write(Choice("dtype", "bfloat16", "measured_fastest", {}))
    run.write(Evaluated(0, "held_out", {"loss": 0.7}), Sample(0, PROMPTS[0], "How much"), Sample(0, PROMPTS[1], "10時"))
    run.step(1, 0.9, total=4)
    run.write(Evaluated(4, "held_out", {"loss": 0.25}))
    leave_adapter(run.folder.result_path / "adapter")
    run.write(ending or Finished("result/adapter", 3.0, SUMMARY))
    run.close()
    return run


def stopped_run(workspace: Path, number: int = 0) -> WrittenRun:
    return ended_run(workspace, number, ending=Stopped(1, "result/adapter"))


def build_adapter(folder: Path, std: float = 0.5) -> Lineage:
    """A real LoRA adapter of the pocket model with random weights, as a run leaves it; its lineage."""
    import torch
    from safetensors.torch import load_file, save_file

    from studio.adapters import ADAPTERS
    from studio.models.loading import load_model, write_tokenizer
    from studio.models.rendering import Renderer

    torch.manual_seed(7)
    plug = ADAPTERS["lora"]
    model = plug.build(load_model(BASE, "float32", "cpu"), plug.options(**plug.example))
    model.save_pretrained(folder, safe_serialization=True)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_model.safetensors"
    # At 0.5 the shop still answers, and no longer as the base does; at 1.2 it babbles.
    made = {n: torch.randn_like(t) * std if "lora_B" in n else t for n, t in load_file(path).items()}
    save_file(made, path, metadata={"format": "pt"})
    write_tokenizer(BASE, Renderer(BASE).choice.text, folder)
    files = {path.name: hash_file(path) for path in find_files(folder)}
    return Lineage(base=BASE.id, base_bytes=BASE.bytes, precision="float32", **_TRACED, files=files)


_TRACED: dict[str, Any] = {
    "method": "sft", "adapter": "lora", "run": "20260101T000000000Z-train-shop", "title": "shop", "dataset_name": "Shop",
    "version": "15b7bf920a0f2879dd216fbc7a523bff", "version_number": 3, "settings": {"rank": 4, "epochs": 1}, "steps": 4,
    "held_out_before": 0.6, "held_out_after": 0.2, "train_loss": 0.3, "created": "2026-01-01T00:00:00.000Z",
}  # fmt: skip


def ended_export(
    workspace: Path, number: int = 0, form: str = "zip", content: bytes = b"a zip", is_endless: bool = False
) -> str:
    """A finished export as its job leaves it; the job's id. is_endless: its reply was cut."""
    made = Lineage(base=BASE.id, precision="float32")
    options = {
        "adapter_id": "polite", "name": "Polite", "notes": "", "folder": "/nowhere", "lineage": made.model_dump(),
        "base": BASE.id, "base_folder": str(BASE.folder), "exporter": "adapter", "form": form, "language": "en", "prompts": ["Hello"],
    }  # fmt: skip
    job = f"20260102T000000{number:03d}Z-export-polite"
    spec = JobSpec(id=job, kind="export", lane="light", owner=workspace.name, title="Polite",
                   created="2026-01-02T00:00:00.000Z", deed=job, options=options)  # fmt: skip
    folder = create_job(spec, workspace / "jobs")
    result = f"exports/{job}/polite.zip" if form == "zip" else f"exports/{job}/polite"
    (workspace / "exports" / job).mkdir(parents=True)
    if form == "zip":
        (workspace / result).write_bytes(content)
    else:
        (workspace / result).mkdir()
    log = LogWriter(folder.events_path)
    log.write(Started(pid=1, process_started=0.0, device="cpu", versions={}))
    checks = [{"prompt": "Hello", "reply": "Welcome.", "tokens": 3, "ended": not is_endless}]
    log.write(Finished(result, 9.0, {"bytes": len(content), "checks": checks, "precision": "float32"}))
    log.close()
    return job
