"""Zips are whole, the same again for the same files, and hold nothing that runs."""

from __future__ import annotations

import zipfile

import pytest

from studio.errors import DiskFull
from studio.exporting.errors import ExportMismatch
from studio.exporting.packing import check_plain, folder_bytes, iterate_copied, iterate_packed, unpack
from studio.worker.export import check_room


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "polite"
    made.mkdir()
    (made / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 40_000)
    (made / "README.md").write_text("読み方\n" * 500, "utf-8")
    return made


def test_a_zip_gives_the_same_files_back_under_one_folder(folder, tmp_path):
    sizes = list(iterate_packed(folder, tmp_path / "a.zip"))
    assert sum(sizes) == folder_bytes(folder)
    unpack(tmp_path / "a.zip", tmp_path / "out")
    for path in folder.iterdir():
        assert (tmp_path / "out" / "polite" / path.name).read_bytes() == path.read_bytes()


def test_weights_are_stored_and_words_are_squeezed(folder, tmp_path):
    """Weights hardly shrink and take long to try."""
    list(iterate_packed(folder, tmp_path / "a.zip"))
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        kinds = {entry.filename: entry.compress_type for entry in packed.infolist()}
        assert packed.testzip() is None
    assert kinds == {"polite/README.md": zipfile.ZIP_DEFLATED, "polite/adapter_model.safetensors": zipfile.ZIP_STORED}


def test_the_same_files_pack_to_the_same_bytes(folder, tmp_path):
    list(iterate_packed(folder, tmp_path / "a.zip"))
    (folder / "README.md").touch()
    list(iterate_packed(folder, tmp_path / "b.zip"))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_copy_is_told_piece_by_piece(folder, tmp_path):
    pieces = list(iterate_copied(folder / "adapter_model.safetensors", tmp_path / "copy"))
    assert pieces == [8 * 1024**2, 10_240_000 - 8 * 1024**2]
    assert (tmp_path / "copy").read_bytes() == (folder / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["training_args.bin", "optimizer.pt", "pytorch_model.BIN", "x.pkl", "modeling.py"])
def test_a_file_that_runs_code_fails_an_export(folder, name):
    check_plain(folder, "polite")
    (folder / "deep").mkdir()
    (folder / "deep" / name).touch()
    with pytest.raises(ExportMismatch) as caught:
        check_plain(folder, "polite")
    assert name in caught.value.message("en") and name in caught.value.message("ja")


def test_a_disk_without_room_is_told_before_anything_is_written(tmp_path):
    check_room(tmp_path, 1)
    with pytest.raises(DiskFull):
        check_room(tmp_path, 10**18)
