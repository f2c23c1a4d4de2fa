"""A dataset of the Hugging Face Hub, or of its cache on this machine: what it holds, and its rows as one Parquet file.

Runs in a child: the code of `datasets` and `huggingface_hub` reads, and no code of the dataset itself ever does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.data.hub_access import ADDRESS, TIMEOUT_S, is_dataset_name, remote_errors
from studio.errors import HubDatasetUnfit, HubRefused, HubUnreachable, NameUnsafe

READABLE = ("parquet", "json", "csv", "text")
"""The kinds of files that hold nothing but data. `datasets` reads others too, pickles among them."""
MOST_CONFIGS = 200
BATCH_ROWS = 1_000
_CARDS = (".huggingface.yaml",)


@dataclass(frozen=True)
class HubSplit:
    """One split of one configuration. rows: None where the card does not say. bytes: to be downloaded, or in the cache.

    files: in the repository, or on this machine where it comes from the cache.
    """

    config: str
    name: str
    rows: int | None
    bytes: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class HubDataset:
    """revision: the commit that was looked at; None where it comes from the cache. configs_left_out: not looked into."""

    repo: str
    revision: str | None
    licence: str | None
    splits: tuple[HubSplit, ...]
    configs_left_out: int = 0

    @property
    def is_cached(self) -> bool:
        return self.revision is None

    def find(self, config: str, name: str) -> HubSplit | None:
        return next((split for split in self.splits if (split.config, split.name) == (config, name)), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> HubDataset:
        splits = tuple(HubSplit(**{**split, "files": tuple(split["files"])}) for split in found["splits"])
        return cls(**{**found, "splits": splits})


def look(repo: str, with_account: bool) -> HubDataset:
    """What a dataset holds, by the hub's own account; from the cache where the hub cannot be reached.

    with_account: the token of whoever runs the app may be used. Raises NameUnsafe, HubRefused, HubDatasetUnfit
    (code, files of other kinds or from elsewhere, nothing to read), HubUnreachable where it is in no cache either.
    """
    if not is_dataset_name(repo):
        raise NameUnsafe(name=str(repo)[:80])
    try:
        return _look_on_hub(repo, None if with_account else False)
    except HubUnreachable:
        if cached := find_cached(repo):
            return cached
        raise


def _look_on_hub(repo: str, token: bool | None) -> HubDataset:
    from huggingface_hub import HfApi

    with remote_errors(f"datasets/{repo}"):
        info = HfApi(token=token).dataset_info(repo, files_metadata=True, timeout=TIMEOUT_S)
    sizes = {entry.rfilename: entry.size or 0 for entry in info.siblings or []}
    if f"{repo.split('/')[-1]}.py" in sizes:
        raise HubDatasetUnfit(repo=repo, cause="code")
    card = info.card_data.to_dict() if info.card_data else {}
    _check_patterns(repo, card)
    if any(name in sizes for name in _CARDS):
        raise HubDatasetUnfit(repo=repo, cause="elsewhere")
    revision = info.sha or "main"
    with _read_errors(repo):
        found = list(_iterate_splits(repo, revision, token, sizes))
    configs = list(dict.fromkeys(split.config for split in found))
    left_out = set(configs[MOST_CONFIGS:])
    splits = tuple(split for split in found if split.config not in left_out)
    licence = card.get("license")
    return HubDataset(repo, revision, licence if isinstance(licence, str) else None, splits, len(left_out))


def _iterate_splits(repo: str, revision: str, token: bool | None, sizes: Mapping[str, int]) -> Iterator[HubSplit]:
    """As `datasets` itself resolves configurations, splits and files. Nothing but the card is downloaded."""
    from datasets import DownloadConfig
    from datasets.load import dataset_module_factory

    download = DownloadConfig(token=token, disable_tqdm=True)
    module = dataset_module_factory(f"hf://datasets/{repo}", revision=revision, download_config=download)
    _check_readable(repo, module.module_path)
    for config in module.builder_configs_parameters.builder_configs[: MOST_CONFIGS + 1]:
        config._resolve_data_files(module.builder_kwargs["base_path"], download)
        info = (module.dataset_infos or {}).get(config.name)
        for name, entries in config.data_files.items():
            files = tuple(_inside(repo, revision, str(entry)) for entry in entries)
            told = info.splits.get(str(name)) if info is not None and info.splits else None
            rows = told.num_examples if told is not None else None
            yield HubSplit(config.name, str(name), rows, sum(sizes.get(file, 0) for file in files), files)


def fetch(found: HubDataset, split: HubSplit, target: Path, with_account: bool) -> int:
    """Download one split where it is not in the cache, and write its rows to a Parquet file; how many there are.

    Names of classes take the place of their numbers. Raises what `look` raises.
    """
    with _read_errors(found.repo), remote_errors(f"datasets/{found.repo}"):
        data = (
            _read_cached(found.repo, split)
            if found.is_cached
            else _download(found, split, None if with_account else False)
        )
        return _write(data, target)


def _download(found: HubDataset, split: HubSplit, token: bool | None) -> Any:
    from datasets import DownloadConfig, load_dataset_builder

    download = DownloadConfig(token=token, disable_tqdm=True)
    builder = load_dataset_builder(
        f"hf://datasets/{found.repo}",
        name=split.config,
        data_files={split.name: list(split.files)},
        revision=found.revision,
        token=token,
        download_config=download,
    )
    _check_readable(found.repo, type(builder).__module__)
    for entries in builder.config.data_files.values():
        for entry in entries:
            _inside(found.repo, str(found.revision), str(entry))
    # What the card says of all splits would not fit the one.
    builder.download_and_prepare(download_config=download, verification_mode="no_checks")
    return builder.as_dataset(split=split.name)


def find_cached(repo: str) -> HubDataset | None:
    """What `datasets` has prepared on this machine before, the newest of each split; None where there is nothing."""
    from datasets import config
    from datasets.naming import camelcase_to_snakecase

    *organisation, name = repo.split("/")
    folder = Path(config.HF_DATASETS_CACHE) / "___".join([*organisation, camelcase_to_snakecase(name)])
    splits: dict[tuple[str, str], HubSplit] = {}
    for path in sorted(folder.glob("*/*/*/dataset_info.json"), key=lambda path: path.stat().st_mtime):
        for split in _cached_splits(path):
            splits[split.config, split.name] = split
    return HubDataset(repo, None, None, tuple(splits[key] for key in sorted(splits))) if splits else None


def _cached_splits(path: Path) -> Iterator[HubSplit]:
    """The splits of one prepared folder whose Arrow files are all there."""
    from datasets.naming import filenames_for_dataset_split

    told = json.loads(path.read_text("utf-8"))
    for name, split in (told.get("splits") or {}).items():
        naming = (str(path.parent), told.get("dataset_name") or split.get("dataset_name"), name, "arrow")
        files = tuple(filenames_for_dataset_split(*naming, split.get("shard_lengths")))
        if all(Path(file).is_file() for file in files):
            size = sum(Path(file).stat().st_size for file in files)
            yield HubSplit(told.get("config_name") or "default", name, split.get("num_examples"), size, files)


def _read_cached(repo: str, wanted: HubSplit) -> Any:
    """Looked for again, never read by the paths that were found: the look may have been into another cache."""
    from datasets import Dataset, concatenate_datasets

    cached = find_cached(repo)
    split = cached.find(wanted.config, wanted.name) if cached else None
    if split is None:
        raise HubUnreachable(address=ADDRESS, status=None, retries=0)
    return concatenate_datasets([Dataset.from_file(file) for file in split.files])


def _write(data: Any, target: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = {name: feature.names for name, feature in data.features.items() if hasattr(feature, "names")}
    schema = data.features.arrow_schema.remove_metadata()
    for name in names:
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.string()))
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in data.with_format("arrow").iter(BATCH_ROWS):
            for name, classes in names.items():
                numbers = batch.column(name).to_pylist()
                texts = [classes[n] if n is not None and 0 <= n < len(classes) else None for n in numbers]
                batch = batch.set_column(batch.schema.get_field_index(name), name, pa.array(texts, pa.string()))
            writer.write_table(batch.cast(schema))
    return data.num_rows


def cached_bytes(repo: str) -> int:
    """How much of a dataset's files lies in the hub's cache on this machine, those half fetched included."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE) / f"datasets--{repo.replace('/', '--')}" / "blobs"
    return sum(path.stat().st_size for path in folder.glob("*")) if folder.is_dir() else 0


def _check_patterns(repo: str, card: Mapping[str, Any]) -> None:
    """A card may name files anywhere, also on this machine or in its network: only those of the dataset are read."""
    configs = card.get("configs")
    for config in configs if isinstance(configs, list) else []:
        for text in _texts((config or {}).get("data_files")) + _texts((config or {}).get("data_dir")):
            if "://" in text or "::" in text or text.startswith(("/", "~")) or ".." in text.split("/"):
                raise HubDatasetUnfit(repo=repo, cause="elsewhere")


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return [text for inner in value for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def _inside(repo: str, revision: str, address: str) -> str:
    """The name within the repository of a file that `datasets` would read. Raises HubDatasetUnfit for all others."""
    prefix = f"hf://datasets/{repo}@{revision}/"
    if not address.startswith(prefix):
        raise HubDatasetUnfit(repo=repo, cause="elsewhere")
    return address.removeprefix(prefix)


def _check_readable(repo: str, module: str) -> None:
    kind = module.rsplit(".", 1)[-1]
    if kind not in READABLE:
        raise HubDatasetUnfit(repo=repo, cause="kind", kind=kind)


@contextmanager
def _read_errors(repo: str) -> Iterator[None]:
    """What `datasets` raises, as errors with words; what the hub's client raises goes through."""
    from datasets.exceptions import DataFilesNotFoundError, DatasetGenerationError, DatasetNotFoundError

    try:
        yield
    except DataFilesNotFoundError as error:
        raise HubDatasetUnfit(repo=repo, cause="empty") from error
    except DatasetNotFoundError as error:
        raise HubRefused(address=f"{ADDRESS}/datasets/{repo}", status=404, retries=0) from error
    except (DatasetGenerationError, ValueError) as error:
        raise HubDatasetUnfit(repo=repo, cause="damaged", found=str(error.__cause__ or error)[:300]) from error
    except ConnectionError as error:
        raise HubUnreachable(address=ADDRESS, status=None, retries=0) from error
