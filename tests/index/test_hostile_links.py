"""A directory from a stranger may have links where indexes lie: nothing behind them is read."""

from __future__ import annotations

import os
from pathlib import Path

from lettafs.disk.derived import is_barred
from lettafs.embed.hashed import HashedEmbedder
from lettafs.index.finder import Finder
from lettafs.index.place import IndexPlace
from lettafs.index.vectors.files import path_of
from lettafs.stores.archival import Archival
from lettafs.stores.recall import Recall


def test_vectors_behind_a_link_are_neither_read_nor_listed(tmp_path: Path) -> None:
    root, outside = tmp_path / "ada", tmp_path / "outside"
    (root / ".lettafs").mkdir(parents=True)
    (outside / "vectors").mkdir(parents=True)
    (root / ".lettafs" / "index").symlink_to(outside)
    embedder = HashedEmbedder()
    planted = path_of(
        outside / "vectors", "vectors", identity=embedder.name, dimensions=embedder.dimensions
    )
    planted.write_bytes(b"not ours")
    os.utime(planted, ns=(1, 1))  # so that a look at it would be noted
    place = IndexPlace(root / ".lettafs" / "index", lambda: b"k" * 32, lambda handle: embedder)

    finder = Finder(Recall(root), Archival(root), place=place, embedding=lambda: None)
    assert finder._directory is None  # nowhere: all is kept in memory
    finder.discard()
    finder.catch_up(stop=lambda: False)

    assert planted.read_bytes() == b"not ours"
    assert sorted(path.name for path in (outside / "vectors").iterdir()) == [planted.name]
    assert sorted(path.name for path in outside.iterdir()) == ["vectors"]


def test_what_is_missing_is_no_bar_and_a_link_or_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert not is_barred(tmp_path / "real", root=tmp_path)
    assert not is_barred(tmp_path / "real" / "missing" / "deeper", root=tmp_path)
    assert is_barred(tmp_path / "link", root=tmp_path)
    assert is_barred(tmp_path / "link" / "deeper", root=tmp_path)
    assert not is_barred(tmp_path / "file" / "deeper", root=tmp_path)
    # Elsewhere it is where the person said.
    assert not is_barred(tmp_path / "link" / "deeper", root=tmp_path / "home")
    assert is_barred(tmp_path / "link", root=tmp_path / "home")
