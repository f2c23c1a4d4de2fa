"""Which base models there are and what each is, read from its files without loading a weight."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from studio.errors import BaseUnreadable, ModelError, ModelNotFound, TokenizerMissing, WeightsUnsafe

POCKET = "pocket"
POCKET_FOLDER = Path(__file__).parents[2] / "assets" / "pocket"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_HEADER_LIMIT_BYTES = 100 * 1024**2
_UNKNOWN_CONTEXT_TOKENS = 2048

TemplateSource = Literal["own", "chosen"]


@dataclass(frozen=True)
class Base:
    """One base model on this machine.

    parameters: counted from the safetensors headers, tied weights once. bytes: of the weights on disk. context: the
    longest input in tokens. template: "own" where the files bring a chat template, "chosen" where one of ours is taken.
    """

    id: str
    title: str
    folder: Path
    source: Literal["pocket", "folder", "hub"]
    parameters: int
    bytes: int
    context: int
    vocabulary: int
    licence: str | None
    template: TemplateSource


def find_bases(models: tuple[Path, ...], hub: Path) -> Iterator[Base]:
    """Every usable base: the pocket model, the sub-folders of the operator's model folders, what was downloaded."""
    for base_id in _iterate_ids(models, hub):
        try:
            yield read_base(base_id, models, hub)
        except ModelError:
            continue


def read_base(base_id: str, models: tuple[Path, ...], hub: Path) -> Base:
    """The base of an id. Raises ModelNotFound, WeightsUnsafe (pickled weights only), TokenizerMissing, BaseUnreadable."""
    folder = find_folder(base_id, models, hub)
    if folder is None:
        raise ModelNotFound(model=base_id)
    return read_base_folder(base_id, folder)


def read_base_folder(base_id: str, folder: Path) -> Base:
    """The base in a folder that is known to be its. Raises as `read_base` does."""
    if not (folder / "config.json").is_file():
        raise ModelNotFound(model=base_id)
    config = read_json(folder / "config.json", base_id)
    text_config = config.get("text_config", config)
    parameters, size = _count_weights(folder, base_id)
    if not (folder / "tokenizer.json").is_file():
        raise TokenizerMissing(model=base_id)
    kind = base_id.partition(":")[0]
    return Base(
        id=base_id,
        title="Pocket" if base_id == POCKET else base_id.partition(":")[2],
        folder=folder,
        source="pocket" if kind == POCKET else kind,  # type: ignore[arg-type]
        parameters=parameters,
        bytes=size,
        context=int(text_config.get("max_position_embeddings") or _UNKNOWN_CONTEXT_TOKENS),
        vocabulary=int(text_config.get("vocab_size") or 0),
        licence=_read_licence(folder),
        template="own" if read_own_template(folder) is not None else "chosen",
    )


def find_folder(base_id: str, models: tuple[Path, ...], hub: Path) -> Path | None:
    """The folder of an id, or None. An id names a folder below a known one; a path never gets through."""
    kind, _, name = base_id.partition(":")
    if base_id == POCKET:
        return POCKET_FOLDER if POCKET_FOLDER.is_dir() else None
    if kind == "folder" and name and name == Path(name).name and not name.startswith("."):
        return next((root / name for root in models if (root / name).is_dir()), None)
    if kind == "hub" and is_hub_name(name):
        return hub_folder(hub, name) if hub_folder(hub, name).is_dir() else None
    return None


def is_hub_name(name: object) -> bool:
    return isinstance(name, str) and len(name) <= 140 and ".." not in name and _HUB_NAME.fullmatch(name) is not None


def hub_folder(hub: Path, repo: str) -> Path:
    """Where a downloaded repository lies: `org--name`, which no two names share."""
    return hub / repo.replace("/", "--")


def _iterate_ids(models: tuple[Path, ...], hub: Path) -> Iterator[str]:
    yield POCKET
    seen = set()
    for root in models:
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            if (folder / "config.json").is_file() and folder.name not in seen:
                seen.add(folder.name)
                yield f"folder:{folder.name}"
    for folder in sorted(hub.iterdir()) if hub.is_dir() else ():
        if (folder / "config.json").is_file():
            yield f"hub:{folder.name.replace('--', '/', 1)}"


def read_json(path: Path, base_id: str) -> dict[str, Any]:
    """A JSON object. Raises BaseUnreadable where the file holds something else."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BaseUnreadable(model=base_id, file=path.name) from error
    if not isinstance(found, dict):
        raise BaseUnreadable(model=base_id, file=path.name)
    return found


def read_own_template(folder: Path) -> str | None:
    """The chat template the files bring: `chat_template.jinja`, else the tokenizer's own entry; None without one."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text("utf-8")
    path = folder / "tokenizer_config.json"
    found = read_json(path, folder.name).get("chat_template") if path.is_file() else None
    if isinstance(found, list):
        found = next((entry.get("template") for entry in found if entry.get("name") == "default"), None)
    return found if isinstance(found, str) and found.strip() else None


def _count_weights(folder: Path, base_id: str) -> tuple[int, int]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        if any(next(folder.glob(pattern), None) for pattern in _PICKLED):
            raise WeightsUnsafe(model=base_id)
        raise ModelNotFound(model=base_id)
    parameters = 0
    for path in files:
        for name, tensor in read_safetensors_header(path, base_id).items():
            if name != "__metadata__":
                count = 1
                for size in tensor["shape"]:
                    count *= size
                parameters += count
    return parameters, sum(path.stat().st_size for path in files)


def read_safetensors_header(path: Path, base_id: str) -> Mapping[str, Any]:
    """Names, shapes and dtypes of a safetensors file, from its first bytes. Raises BaseUnreadable where it is torn."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _HEADER_LIMIT_BYTES:
                raise ValueError(length)
            header = json.loads(file.read(length))
        ends = [t["data_offsets"][1] for name, t in header.items() if name != "__metadata__"]
        if 8 + length + max(ends, default=0) != path.stat().st_size:
            raise ValueError("size")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaseUnreadable(model=base_id, file=path.name) from error
    return header


def _read_licence(folder: Path) -> str | None:
    card = folder / "README.md"
    if not card.is_file():
        return None
    front = card.read_text("utf-8", errors="replace").split("---")
    found = re.search(r"^licen[cs]e:\s*(\S+)", front[1], re.MULTILINE) if len(front) > 2 else None
    return found.group(1).strip("\"'") if found else None
