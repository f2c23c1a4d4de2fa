"""What a run leaves behind: the adapter in safetensors, with the tokenizer and chat template it was trained with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from studio.models.lineage import Lineage, find_files, hash_file, write_lineage
from studio.models.loading import write_tokenizer
from studio.training.reporting import TRAINED
from studio.training.run import Run


def write_adapter(run: Run, folder: Path, lineage: Lineage) -> int:
    """Writes the folder whole or not at all; returns its bytes. The base is named by its id, not by a path.

    Only the adapter that was trained is saved, never the frozen copy that a method may keep beside it.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    run.model.save_pretrained(part, safe_serialization=True, selected_adapters=[TRAINED])
    (part / "README.md").unlink(missing_ok=True)
    path = part / "adapter_config.json"
    config = json.loads(path.read_text("utf-8"))
    config["base_model_name_or_path"] = run.base.id.partition(":")[2] or run.base.id
    path.write_text(json.dumps(config, indent=2, sort_keys=True), "utf-8")
    write_tokenizer(run.base, run.renderer.choice.text, part)
    write_lineage(part, lineage.model_copy(update={"files": {path.name: hash_file(path) for path in find_files(part)}}))
    part.rename(folder)
    return sum(path.stat().st_size for path in folder.iterdir())
