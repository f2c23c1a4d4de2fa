"""Files as the readers see them: known again by their bytes, looked at in pieces, read forwards with a place to tell."""

from __future__ import annotations

import gzip
import hashlib

from studio.data.files import Source, content_hash
from studio.store.catalogue import open_catalogue
from tests.dataset_jobs import import_file, write_rows


def test_the_same_bytes_have_the_same_hash_whatever_the_file_is_called(tmp_path):
    path = write_rows(tmp_path / "a.jsonl", 20)
    assert content_hash(path) == hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    before = content_hash(path)
    assert content_hash(path.rename(tmp_path / "b.jsonl")) == before


def test_a_dataset_keeps_the_hash_of_the_file_it_came_from(tmp_path):
    path = write_rows(tmp_path / "a.jsonl", 20)
    imported = import_file(tmp_path / "workspace", path)
    with open_catalogue(imported.workspace) as catalogue:
        assert [entry.source["content_hash"] for entry in catalogue.datasets()] == [content_hash(path)]


def test_a_long_file_is_looked_at_from_its_start_to_its_end_in_bounded_pieces(tmp_path):
    """40 MB: the first 8 whole, then 24 pieces of a quarter of a megabyte, the last of them the end."""
    content = bytes(range(256)) * (40 * 4096)
    (tmp_path / "a").write_bytes(content)
    pieces = list(Source(tmp_path / "a", "a", "a").looks())
    assert b"".join(piece.data for piece in pieces[:8]) == content[: 8 * 1024**2]
    assert pieces[-1].data == content[-256 * 1024 :]
    assert (pieces[0].cut_start, pieces[-1].cut_end) == (False, False)
    assert len(pieces) == 8 + 24


def test_a_short_file_is_one_piece_and_a_packed_one_is_looked_at_from_its_start(tmp_path):
    (tmp_path / "a").write_bytes(b"tea\n")
    assert [tuple(piece) for piece in Source(tmp_path / "a", "a", "a").looks()] == [(b"tea\n", False, False)]
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"tea\n" * 4_000_000))
    packed = Source(tmp_path / "a.gz", "a.gz", "a", "gzip")
    assert b"".join(piece.data for piece in packed.looks()) == b"tea\n" * 2 * 1024**2


def test_how_far_reading_has_come_is_told_in_bytes_of_the_file_on_the_disk(tmp_path):
    """A packed file's own bytes, not those it unpacks to."""
    path = tmp_path / "a.gz"
    path.write_bytes(
        gzip.compress(b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(60_000)))
    )
    source = Source(path, "a.gz", "a", "gzip")
    assert source.bytes_read() == 0
    with source.open() as file:
        file.read(100_000)
        assert 0 < source.bytes_read() < path.stat().st_size
        file.read()
        assert source.bytes_read() == path.stat().st_size
    assert source.bytes_read() == 0
