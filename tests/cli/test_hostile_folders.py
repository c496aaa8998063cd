"""What a stranger's directory makes the commands about documents say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from lettafs.cli.care import problem_line
from lettafs.values.problem import Problem

Run = Callable[..., Result]


def test_nothing_is_listed_behind_a_link_in_the_place_of_folders(
    lettafs: Run, ada: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "payroll.toml").write_text("secret = true\n")
    (ada / "folders").symlink_to(outside)

    done = lettafs("files", ada)

    assert done.exit_code == 0
    assert "payroll" not in done.output


def test_a_name_with_a_sequence_that_does_not_end_hides_nothing_of_what_is_said() -> None:
    problem = Problem("folder", "folders/a\n\x1b]0;.toml", "it is broken", remedy="mend it")
    assert problem_line(problem) == "folders/a : it is broken — mend it"
