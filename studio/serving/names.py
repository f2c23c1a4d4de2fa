"""From a model's id to the folders it runs from: a base, an adapter, what a run left; never a path of the caller's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import AdapterMismatch, ModelNotFound
from studio.models.catalogue import Base, find_bases, read_base
from studio.models.lineage import FILE_NAME, Lineage, read_lineage
from studio.serving.replies import Model
from studio.serving.tokens import Caller

PRECISIONS = ("nf4", "int8", "bfloat16", "float32")
QUANTISED = ("nf4", "int8")
_WORKSPACE = re.compile(r"[\w%-][\w%.-]{0,199}")
_ADAPTER = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)
_RUN = re.compile(r"run:(\d{8}T\d{9}Z-[a-z_]+-[a-z0-9-]{1,48})(?::step-(\d{1,9}))?", re.ASCII)
_WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Places:
    """Where models lie. models: the operator's folders of bases. lease: the lock file of the device."""

    root: Path
    models: tuple[Path, ...]
    hub: Path
    lease: Path


def find_model(places: Places, caller: Caller, model_id: str) -> Model:
    """Raises ModelNotFound, also for what lies in a workspace that the caller does not see; AdapterMismatch,
    AdapterUnreadable; as `read_base` for a base that cannot be used.
    """
    name, at, precision = model_id.rpartition("@")
    if not at or precision not in PRECISIONS:
        name, precision = model_id, None
    if "/" in name and not name.startswith("hub:"):
        return _find_adapter(places, caller, name, precision)
    return Model(read_base(name, places.models, places.hub), precision)


def list_models(places: Places, caller: Caller) -> Iterator[dict[str, Any]]:
    """Every base, then every adapter the caller sees: those registered, and results of runs that are not."""
    for base in find_bases(places.models, places.hub):
        yield {"id": base.id, "owned_by": base.source, "folder": base.folder}
    people = places.root / "people"
    for workspace in sorted(people.iterdir()) if people.is_dir() else ():
        if _WORKSPACE.fullmatch(workspace.name) and caller.sees(workspace.name):
            yield from _list_adapters(workspace)


def _list_adapters(workspace: Path) -> Iterator[dict[str, Any]]:
    registered = set()
    for folder in sorted((workspace / "adapters").glob("*")):
        version = _find_folder(workspace, folder.name)
        if version is not None:
            registered.add(_read_json(version / FILE_NAME).get("run"))
            yield {"id": f"{workspace.name}/{folder.name}", "owned_by": workspace.name, "folder": version}
    for folder in sorted((workspace / "jobs").glob("*/result/adapter")):
        job = folder.parents[1].name
        if job not in registered and _find_folder(workspace, f"run:{job}"):
            yield {"id": f"{workspace.name}/run:{job}", "owned_by": workspace.name, "folder": folder}


def _find_adapter(places: Places, caller: Caller, name: str, precision: str | None) -> Model:
    workspace, _, rest = name.partition("/")
    folder = None
    if _WORKSPACE.fullmatch(workspace) and caller.sees(workspace):
        folder = _find_folder(places.root / "people" / workspace, rest)
    if folder is None:
        raise ModelNotFound(model=name[:200])
    lineage = _find_lineage(folder)
    base = _find_base(places, folder, lineage, name)
    if lineage is None:
        return Model(base, precision, folder, name)
    if lineage.base_bytes not in (None, base.bytes):
        raise AdapterMismatch(adapter=name, base=base.id)
    # Trained on a quantised base it belongs to that one; between the others a probe chooses, so that base and
    # adapter may share a batch.
    recorded = lineage.precision if lineage.precision in QUANTISED else None
    return Model(base, precision or recorded, folder, name)


def _find_folder(workspace: Path, rest: str) -> Path | None:
    """The folder of an adapter's or run's name below a workspace, or None where there is none with weights."""
    folder = None
    if _ADAPTER.fullmatch(rest):
        folder = _find_version(workspace / "adapters" / rest)
    elif run := _RUN.fullmatch(rest):
        job, step = workspace / "jobs" / run[1], run[2]
        folder = job / "result" / "adapter" if step is None else job / "checkpoints" / f"step-{int(step):06d}"
    if folder is None or not _has_weights(folder):
        return None
    # A link in a workspace must not lead out of it.
    return folder if folder.resolve().is_relative_to(workspace.resolve()) else None


def _find_version(adapter: Path) -> Path | None:
    """The newest numbered version of a registered adapter."""
    numbered = [path for path in adapter.glob("[0-9]*") if path.name.isdecimal() and _has_weights(path)]
    return max(numbered, key=lambda path: int(path.name), default=None)


def _has_weights(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _WEIGHTS)


def _find_lineage(folder: Path) -> Lineage | None:
    """What was recorded with an adapter; of a checkpoint, which carries nothing, what its run was asked and recorded.

    Raises AdapterUnreadable.
    """
    if (found := read_lineage(folder)) is not None:
        return found
    job = folder.parents[1]
    options = _read_json(job / "job.json").get("options")
    if not isinstance(options, dict) or not isinstance(options.get("base"), str):
        return None
    chosen = options.get("adapter_options")
    precision = chosen.get("precision") if isinstance(chosen, dict) else None
    ended = read_lineage(job / "result" / "adapter")
    return Lineage(
        base=options["base"],
        base_bytes=ended.base_bytes if ended else None,
        precision=precision if precision in QUANTISED else None,
    )


def _find_base(places: Places, folder: Path, lineage: Lineage | None, name: str) -> Base:
    """The base that was recorded with an adapter or its run, or that peft names. Raises AdapterMismatch without one."""
    named = (lineage.base if lineage else None) or _read_json(folder / "adapter_config.json").get(
        "base_model_name_or_path"
    )
    for base_id in (named, f"folder:{named}", f"hub:{named}") if isinstance(named, str) else ():
        try:
            return read_base(base_id, places.models, places.hub)
        except ModelNotFound:
            continue
    raise AdapterMismatch(adapter=name, base=str(named))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
