"""What a repository of the Hugging Face Hub holds and how its files are fetched; reached only when a person asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.data.hub_access import TIMEOUT_S, remote_errors
from studio.errors import ModelNotFound, NameUnsafe, WeightsUnsafe
from studio.models.catalogue import is_hub_name

_WANTED = (".safetensors", ".json", ".jinja", "README.md", "LICENSE")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class HubFiles:
    """The files of a repository that would be fetched, at one revision. sizes: bytes by file name."""

    repo: str
    revision: str
    sizes: dict[str, int]
    licence: str | None

    @property
    def names(self) -> list[str]:
        return sorted(self.sizes)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


def read_hub_files(repo: str) -> HubFiles:
    """Asks the hub. Weights in safetensors, configuration, tokenizer and card; no pickles, no code, no sub-folders.

    Raises NameUnsafe (no such name can exist), HubUnreachable, HubRefused (unknown or not open), WeightsUnsafe,
    ModelNotFound (no weights at all).
    """
    from huggingface_hub import HfApi

    if not is_hub_name(repo):
        raise NameUnsafe(name=str(repo)[:80])
    with remote_errors(repo):
        info = HfApi().model_info(repo, files_metadata=True, timeout=TIMEOUT_S)
    every = {entry.rfilename: entry.size or 0 for entry in info.siblings or []}
    sizes = {name: size for name, size in every.items() if "/" not in name and name.endswith(_WANTED)}
    if not any(name.endswith(".safetensors") for name in sizes):
        if any(name.endswith(_PICKLED) for name in every):
            raise WeightsUnsafe(model=repo)
        raise ModelNotFound(model=repo)
    licence = info.card_data.get("license") if info.card_data else None
    return HubFiles(repo, info.sha or "main", sizes, licence)


def fetch_file(found: HubFiles, name: str, folder: Path) -> None:
    """One file into `folder`; what was fetched before of it is used. Raises HubUnreachable, HubRefused."""
    from huggingface_hub import hf_hub_download

    with remote_errors(found.repo):
        hf_hub_download(found.repo, name, revision=found.revision, local_dir=folder)
