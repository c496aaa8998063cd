"""Blocks: where a new one is put, what is in its way, and that a broken one is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from lettafs.errors import BlockProblem
from lettafs.format import frontmatter
from lettafs.stores import blocks
from lettafs.stores.blocks import BlockWrite

BROKEN = b"---\nlimit: none\n---\nMine.\n"


def _silent(write: BlockWrite) -> None:
    """Announce to nobody."""


def _made(root: Path, label: str, value: str = "x\n") -> str:
    write = blocks.create(
        root,
        label,
        lambda says: frontmatter.render_block(value, label_in_header=says),
        announce=_silent,
    )
    return write.path


def _labels(root: Path) -> list[str]:
    return [block.label for block in blocks.load(root).blocks]


def test_a_broken_block_is_neither_deleted_nor_renamed(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "human.md"
    path.parent.mkdir()
    path.write_bytes(BROKEN)
    with pytest.raises(BlockProblem, match="mend"):
        blocks.delete(tmp_path, "memory/human.md", announce=_silent)
    with pytest.raises(BlockProblem, match="mend"):
        blocks.rename(tmp_path, "memory/human.md", "person", announce=_silent)
    assert [p.name for p in path.parent.iterdir()] == ["human.md"]
    assert path.read_bytes() == BROKEN


def test_a_renamed_block_has_the_label_it_was_given(tmp_path: Path) -> None:
    path = _made(tmp_path, "Proj/a")
    blocks.rename(tmp_path, path, "proj/b", announce=_silent)
    assert _labels(tmp_path) == ["proj/b"]
    (path,) = blocks.block_paths(tmp_path)[0]
    blocks.rename(tmp_path, path, "Human", announce=_silent)
    blocks.rename(tmp_path, "memory/Human.md", "human", announce=_silent)
    assert _labels(tmp_path) == ["human"]


@pytest.mark.parametrize("way", ["file", "directory", "link", "empty"])
def test_a_name_in_the_way_of_a_block_is_avoided(tmp_path: Path, way: str) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    label = "plans/2026"
    match way:
        case "file":
            (memory / "plans").write_text("mine", encoding="utf-8")
        case "link":
            (memory / "plans").symlink_to(tmp_path)
        case "directory":
            (memory / "plans" / "2026.md").mkdir(parents=True)
        case _:
            (memory / "plans").mkdir()
    path = _made(tmp_path, label)
    assert (path == "memory/plans/2026.md") == (way == "empty")
    assert _labels(tmp_path) == [label]


def test_a_linked_room_is_not_written_through(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "ada"
    outside.mkdir()
    root.mkdir()
    (root / "memory").symlink_to(outside)
    with pytest.raises(BlockProblem, match="link"):
        _made(root, "human")
    assert list(outside.iterdir()) == []


def test_labels_that_differ_in_case_alone_live_side_by_side(tmp_path: Path) -> None:
    assert _made(tmp_path, "human") == "memory/human.md"
    assert _made(tmp_path, "Human").startswith("memory/Human~")
    loaded = blocks.load(tmp_path)
    assert [block.label for block in loaded.blocks] == ["Human", "human"]
    assert loaded.problems == ()
    with pytest.raises(BlockProblem, match="already there"):
        _made(tmp_path, "Human")


def test_paths_that_are_one_elsewhere_and_a_label_claimed_twice_are_problems(
    tmp_path: Path,
) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    (memory / "human.md").write_bytes(b"one")
    (memory / "HUMAN.md").write_bytes(b"two")
    if len(list(memory.iterdir())) == 2:
        assert _labels(tmp_path) == ["HUMAN"]
    (memory / "other.md").write_bytes(b"---\nlabel: e\xcc\x81\n---\n")
    (memory / "third.md").write_bytes(b"---\nlabel: \xc3\xa9\n---\n")
    found = blocks.load(tmp_path).problems
    assert {(p.code, p.path) for p in found} >= {("label-collision", "memory/third.md")}


def test_a_block_is_as_large_as_the_format_says(tmp_path: Path) -> None:
    path = tmp_path / "memory" / "big.md"
    path.parent.mkdir()
    path.write_bytes(b"x" * frontmatter.MAX_BLOCK_BYTES)
    assert _labels(tmp_path) == ["big"]
    path.write_bytes(b"x" * (5 * frontmatter.MAX_BLOCK_BYTES))
    (problem,) = blocks.load(tmp_path).problems
    assert (problem.code, problem.path) == ("too-large", "memory/big.md")
    assert str(frontmatter.MAX_BLOCK_BYTES) in problem.message
