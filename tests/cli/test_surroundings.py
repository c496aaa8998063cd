from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lettafs.cli.surroundings import editor_command, history_file, wants_colour
from lettafs.errors import UsageProblem


def test_visual_goes_before_editor_and_may_have_arguments() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({"VISUAL": " ", "EDITOR": "'my editor' -x"}) == ["my editor", "-x"]


def test_editor_that_cannot_be_read_as_a_command_is_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match="EDITOR"):
        editor_command({"EDITOR": "vi 'open quote"})


def test_without_any_editor_the_problem_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageProblem, match=r"set \$EDITOR"):
        editor_command({})


def test_colour_is_not_wanted_where_the_environment_says_so() -> None:
    assert wants_colour({"TERM": "xterm"})
    assert wants_colour({"NO_COLOR": ""})
    assert not wants_colour({"NO_COLOR": "1"})
    assert not wants_colour({"TERM": "dumb"})


def test_history_is_the_persons_own_file(tmp_path: Path) -> None:
    file = history_file({"LETTAFS_STATE_DIR": str(tmp_path / "new" / "state")})

    assert file == tmp_path / "new" / "state" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_history_that_cannot_be_kept_is_none(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a directory", encoding="utf-8")

    assert history_file({"LETTAFS_STATE_DIR": str(tmp_path / "state")}) is None
