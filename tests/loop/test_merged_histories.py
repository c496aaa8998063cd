"""Two machines' histories, joined by git: the window is one that can be sent, and talk goes on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lettafs.stores.recall import Recall
from lettafs.values.event import Compacted, Failure
from tests.support.talk import Talk, call, of, talk_with, text

WINDOW = 8_000
LONG = "We spoke of harbours and of winds. " * 12


def git(root: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "user.name=Pat", "-c", "user.email=pat@example.com", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def talk_on(talk: Talk, name: str, turns: int) -> int:
    """Talk on; return how often the window was compacted."""
    compacted = 0
    for number in range(turns):
        if number % 4 == 3:
            talk.model._lines.append(call("conversation_search", query=f"harbour {number}"))
        talk.model._lines.append(text(f"{name} answers {number}. {LONG}"))
        events = talk.hear(f"{name} asks {number}.")
        assert of(events, Failure) == []
        compacted += len(of(events, Compacted))
    return compacted


def test_histories_with_a_summary_each_are_joined_into_one_window(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    first = talk_with(here, context_window=WINDOW)
    talk_on(first, "Both", 2)
    shutil.copytree(here, there, symlinks=True)
    second = Talk(there, type(first.model)([], context_window=WINDOW))
    assert talk_on(first, "Here", 24) and talk_on(second, "There", 26)

    branch = git(here, "symbolic-ref", "--short", "HEAD").strip()
    git(here, "fetch", "-q", str(there), f"{branch}:refs/heads/there")
    git(here, "merge", "-q", "-m", "Join", "there")

    window = Recall(here).window()
    assert [row.kind for row in window.messages].count("summary") <= 1
    kept = {row.text for row in first.agent.messages(10_000) if row.role == "user"}
    assert {f"Here asks {n}." for n in range(24)} | {f"There asks {n}." for n in range(26)} <= kept
    joined = Talk(here, type(first.model)([], context_window=WINDOW))
    joined.model._lines.append(text("Here I am."))
    assert joined.say("Are you there?").error is None
    sent = joined.requests[0].messages
    assert sent[0].role == "user" and sent[-1].text == "Are you there?"
    made = [one.id for row in sent for one in row.tool_calls]
    assert made == [back.call_id for row in sent for back in row.tool_returns]
    assert talk_on(joined, "Later", 24)
    before = Recall(here).window()
    joined.model._lines.append(text("Yes."))
    assert joined.say("And now?").error is None
    joined.agent.undo()
    assert Recall(here).window() == before
