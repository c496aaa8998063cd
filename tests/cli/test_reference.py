from __future__ import annotations

from pathlib import Path

from lettafs.cli.main import COMMANDS
from lettafs.cli.reference import page
from lettafs.cli.slash import SLASH_COMMANDS

PAGE = Path(__file__).parents[2] / "docs/commands.md"


def test_commands_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_page_describes_every_command() -> None:
    text = page()
    for name in COMMANDS:
        assert f"\n## {name}\n" in text
    for name in SLASH_COMMANDS:
        assert f"`/{name}" in text
