"""A conversation loads what it needs: the reply does not wait for the rest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lettafs.sdk.open import create_agent, open_agent

TALK = """
import asyncio, json, sys
from lettafs.sdk.open import open_agent
from lettafs.values.event import MessageAdded

processes = []
sys.addaudithook(lambda event, args: event == "subprocess.Popen" and processes.append(args[0]))

async def reply(agent):
    events = agent.stream("hi")
    async for event in events:
        if isinstance(event, MessageAdded) and event.message.role == "assistant":
            loaded = [name for name in sys.argv[2:] if name in sys.modules]
            print(json.dumps([loaded, len(processes)]), flush=True)
    await events.aclose()

asyncio.run(reply(open_agent(sys.argv[1], model="lettafs/offline")))
"""
NOT_BEFORE = ["git", "ruamel.yaml", "tomlkit", "openai", "ollama", "rich", "prompt_toolkit"]
NOT_BEFORE += ["watchdog", "difflib", "lettafs.index.words", "lettafs.home.undo"]
NOT_BEFORE += ["numpy", "whoosh", "usearch", "tiktoken", "Stemmer"]


def test_reply_needs_neither_git_nor_what_other_commands_use(tmp_path: Path) -> None:
    agent = create_agent(tmp_path / "ada")
    ran = subprocess.run(
        [sys.executable, "-c", TALK, str(agent.path), *NOT_BEFORE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    loaded, processes = json.loads(ran.stdout)
    assert loaded == []
    assert processes == 0


def test_who_the_person_is_is_asked_when_they_changed_something(
    tmp_path: Path,
) -> None:
    agent = create_agent(tmp_path / "ada")
    opened = open_agent(tmp_path / "ada")
    config = Path(os.environ["HOME"]) / ".gitconfig"
    config.write_text("[user]\n\tname = Kim\n\temail = kim@example.com\n", encoding="utf-8")
    (tmp_path / "ada" / "memory" / "pets.md").write_text("A cat.", encoding="utf-8")
    opened.remember("A note.")
    entries = [(entry.author, entry.subject) for entry in agent.log()]
    assert entries[:2] == [("Kim", "Remember a passage"), ("Kim", "Edit pets")]
