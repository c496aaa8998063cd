"""Requests with attached files: within the window, and the same for the same files anywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from tests.support.file_tools import ask_home
from tests.support.homes import make_home

LINES = {
    "english": "the quick brown fox jumps over it\n",
    "japanese": "日本語の文章がここにあります。\n",
    "digits": "9f3a7bc2e1d84f60a5b7c8d9e0f1a2b3\n",
}


def agent_with(root: Path, *, window: int, kind: str, line: str, files: int = 80) -> Agent:
    make_home(root)
    settings = (
        f'name = "ada"\ntype = "{kind}"\ncontext_window = {window}\nmodel = "lettafs/offline"\n'
    )
    (root / "agent.toml").write_text(settings, encoding="utf-8")
    (root / "folders").mkdir()
    docs = root / "folders/docs"
    docs.mkdir()
    for number in range(files):
        (docs / f"some long name of a file {number}.txt").write_text(line * 200, encoding="utf-8")
    (root / "folders/docs.toml").write_text('path = "folders/docs"\n', encoding="utf-8")
    agent = open_agent(root)
    agent.in_background = False
    agent.files()
    return agent


def opened(agent: Agent, count: int) -> None:
    names = [f"docs/some long name of a file {number}.txt" for number in range(count)]
    said = ask_home(agent, "open_file", file_requests=[{"file_name": name} for name in names])
    assert said.startswith("Opened"), said


@pytest.mark.parametrize("kind", ["letta_v1_agent", "memgpt_agent"])
@pytest.mark.parametrize("language", list(LINES))
@pytest.mark.parametrize("window", [8_192, 131_072])
def test_open_files_leave_room_to_talk_whatever_is_in_them(
    window: int, language: str, kind: str, tmp_path: Path
) -> None:
    agent = agent_with(tmp_path, window=window, kind=kind, line=LINES[language] * 8)
    opened(agent, 3)

    prompt = agent.prompt()

    assert prompt.total_tokens < window
    assert prompt.room > window // 10
    assert "<value>" in prompt.system


def test_prompt_is_the_same_in_any_process_with_what_is_derived_and_without(
    tmp_path: Path,
) -> None:
    root = tmp_path / "ada"
    agent = agent_with(root, window=32_768, kind="letta_v1_agent", line="hay\n", files=60)
    said = agent.prompt().system
    assert "some long name of a file 7.txt" in said
    program = (
        "import sys, json; from pathlib import Path; from lettafs.sdk.open import open_agent;"
        "print(json.dumps(open_agent(Path(sys.argv[1])).prompt().system))"
    )

    def elsewhere() -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(root)],
            capture_output=True,
            check=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return str(json.loads(done.stdout))

    assert elsewhere() == elsewhere() == said
    for glance in root.rglob("glance.json"):
        glance.unlink()
    assert elsewhere() == said

    opened(agent, 2)
    said = agent.prompt().system
    assert elsewhere() == said
    shutil.rmtree(root / ".lettafs/index", ignore_errors=True)
    open_agent(root).files()
    assert elsewhere() == said
