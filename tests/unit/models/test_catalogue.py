"""Bases are found and described without loading a weight, and what is unsafe or torn is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from studio.errors import BaseUnreadable, ModelNotFound, TokenizerMissing, WeightsUnsafe
from studio.models.catalogue import POCKET, POCKET_FOLDER, find_bases, hub_folder, is_hub_name, read_base

NOWHERE = Path("/nonexistent")


def folder_base(root: Path, name: str = "copy") -> Path:
    return Path(shutil.copytree(POCKET_FOLDER, root / name))


def test_the_pocket_model_is_described_from_its_files():
    base = read_base(POCKET, (), NOWHERE)
    assert base.source == "pocket" and base.template == "own"
    assert base.bytes == (POCKET_FOLDER / "model.safetensors").stat().st_size
    assert 2_000_000 < base.parameters < 5_000_000
    assert base.parameters * 2 < base.bytes < base.parameters * 2 + 100_000


def test_stories260k_is_a_base_without_template(shared_data: Path):
    found = {base.id: base for base in find_bases((shared_data / "model",), NOWHERE)}
    base = found["folder:stories260K"]
    assert (base.parameters, base.context, base.vocabulary, base.template) == (260_032, 512, 512, "chosen")


def test_the_parameters_counted_are_those_torch_counts():
    from studio.models.loading import load_model

    base = read_base(POCKET, (), NOWHERE)
    assert sum(parameter.numel() for parameter in load_model(base, "float32", "cpu").parameters()) == base.parameters


def test_pickled_weights_are_refused(tmp_path: Path):
    folder = folder_base(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsUnsafe):
        read_base("folder:copy", (tmp_path,), NOWHERE)
    assert [base.id for base in find_bases((tmp_path,), NOWHERE)] == [POCKET]


@pytest.mark.parametrize("size", [0, 7, 200, -1])
def test_torn_weights_are_named(tmp_path: Path, size: int):
    folder = folder_base(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:size])
    with pytest.raises(BaseUnreadable) as caught:
        read_base("folder:copy", (tmp_path,), NOWHERE)
    assert caught.value.values == {"model": "folder:copy", "file": "model.safetensors"}


@pytest.mark.parametrize("text", ["", "[1]", '{"a":', "\x00"])
def test_a_torn_configuration_is_named(tmp_path: Path, text: str):
    (folder_base(tmp_path) / "config.json").write_text(text, "utf-8")
    with pytest.raises(BaseUnreadable) as caught:
        read_base("folder:copy", (tmp_path,), NOWHERE)
    assert caught.value.values["file"] == "config.json"


def test_a_base_without_tokenizer_file_is_refused(tmp_path: Path):
    (folder_base(tmp_path) / "tokenizer.json").unlink()
    with pytest.raises(TokenizerMissing):
        read_base("folder:copy", (tmp_path,), NOWHERE)


@pytest.mark.parametrize(
    "base_id",
    ["", "nothing", "folder:", "folder:../copy", "folder:/etc", "folder:.hidden", "folder:..", "hub:../../x", "hub:a", "hub:a/b/c",
     "folder:copy\x00", "hub:a/..", "/work", "pocket:1"],
)  # fmt: skip
def test_an_id_never_leads_outside_the_known_folders(tmp_path: Path, base_id: str):
    (tmp_path / "models").mkdir()
    folder_base(tmp_path)
    with pytest.raises(ModelNotFound):
        read_base(base_id, (tmp_path / "models",), tmp_path / "hub")


def test_a_downloaded_base_is_found_by_its_hub_name(tmp_path: Path):
    shutil.copytree(POCKET_FOLDER, hub_folder(tmp_path, "some-org/some.model"))
    ids = [base.id for base in find_bases((), tmp_path)]
    assert ids == [POCKET, "hub:some-org/some.model"]
    assert read_base("hub:some-org/some.model", (), tmp_path).title == "some-org/some.model"


def test_hub_names_are_checked():
    assert is_hub_name("Qwen/Qwen3-0.6B")
    assert not any(map(is_hub_name, ["x", "a/b/c", "../x", "a/../b", "a b/c", "-a/b", "a/b" * 80, "ａ/b"]))


def test_the_licence_comes_from_the_model_card(tmp_path: Path):
    (folder_base(tmp_path) / "README.md").write_text("---\nlicense: apache-2.0\ntags: [x]\n---\n# Card\n", "utf-8")
    assert read_base("folder:copy", (tmp_path,), NOWHERE).licence == "apache-2.0"


def test_parameters_in_several_files_are_added_up(tmp_path: Path):
    folder = folder_base(tmp_path)
    one = read_base("folder:copy", (tmp_path,), NOWHERE).parameters
    header = json.dumps({"extra": {"dtype": "F32", "shape": [3, 5], "data_offsets": [0, 60]}}).encode()
    (folder / "model-2.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(60))
    assert read_base("folder:copy", (tmp_path,), NOWHERE).parameters == one + 15


@pytest.mark.parametrize(
    "form", ["folder:{outside}", "folder:inside/../../copy", "folder:inside/copy", "hub:{outside}"]
)
def test_a_whole_base_outside_the_known_folders_is_not_reached(tmp_path: Path, form: str):
    outside = folder_base(tmp_path)
    (tmp_path / "models" / "inside").mkdir(parents=True)
    folder_base(tmp_path / "models" / "inside")
    with pytest.raises(ModelNotFound):
        read_base(form.format(outside=outside), (tmp_path / "models",), tmp_path / "hub")
