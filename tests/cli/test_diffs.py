from __future__ import annotations

from lettafs.cli.diffs import DiffLine, around_change, change_lines, diff_lines
from lettafs.values.history import BlockChange


def test_replaced_line_shows_what_went_and_what_came() -> None:
    shown = [line.text for line in change_lines(BlockChange("human", "a\nold\nb", "a\nnew\nb"))]

    assert shown == ["memory: human", "  - old", "  + new"]


def test_context_stands_around_each_change() -> None:
    before = "\n".join(f"line {number}" for number in range(20))
    after = before.replace("line 3", "LINE 3").replace("line 15", "LINE 15")

    signs = "".join(line.sign for line in diff_lines(before, after, context=1))

    assert signs == " -+  -+ ".replace("  ", "   ")


def test_long_difference_is_cut_and_says_how_much_is_left() -> None:
    change = BlockChange("log", "", "\n".join(str(number) for number in range(20)))

    shown = [line.text for line in change_lines(change, limit=8)]

    assert shown[-1] == "  … 13 more lines"
    assert len(shown) == 1 + 7 + 1


def test_new_and_deleted_blocks_say_so() -> None:
    assert next(change_lines(BlockChange("a", None, "x"))).text == "memory: a (new)"
    assert next(change_lines(BlockChange("a", "x", None))).text == "memory: a (deleted)"


def test_change_of_line_ends_only_is_not_shown_as_nothing() -> None:
    shown = [line.text for line in change_lines(BlockChange("a", "x\n", "x"))]

    assert shown == ["memory: a", "    (only line ends changed)"]


def test_cut_line_keeps_the_change_in_sight() -> None:
    before, after = "word " * 60 + "Chad", "word " * 60 + "Brad"

    old, new = diff_lines(before, after)

    assert "Chad" in around_change(old, width=40)
    assert "Brad" in around_change(new, width=40)
    for line in (old, new, DiffLine("+", "x" * 500)):
        for width in (10, 11, 40, 499, 500):
            assert len(around_change(line, width=width)) <= width


def test_escape_sequences_in_memory_are_not_shown() -> None:
    shown = [line.text for line in change_lines(BlockChange("a\x1b[2J", "", "x\x1b]52;c;AA\x07y"))]

    assert shown == ["memory: a", "  + xy"]
