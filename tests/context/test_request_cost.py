"""What compiling a prompt costs with a large window: each message is looked at a few times."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest

from lettafs.context.request import compile_prompt
from lettafs.format.recall_line import MessageRecord, WindowRecord
from lettafs.home.home import Home
from lettafs.values.message import Message, Role, TextPart
from tests.support.homes import make_home

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def home_of(root: Path, *, before: int, inside: int) -> Home:
    """Return a home with so many messages before the window and in it."""
    home = make_home(root)

    def row(number: int) -> MessageRecord:
        role: Role = "assistant" if number % 2 else "user"
        words = f"{root} {number}: " + "we spoke of harbours and of winds. " * 8
        return MessageRecord(0, Message(f"m-{number}", role, (TextPart(words),), NOW.isoformat()))

    rows = [row(number) for number in range(before + inside)]
    start = WindowRecord(0, reason="trim", start=f"m-{before}", earlier=before)
    home.recall.append([*rows, start] if before else rows)
    return home


def calls_of(home: Home, *, model: str = "ollama/qwen3") -> Counter[str]:
    """Return how often each Python function is called for a prompt; nothing is measured in time."""
    made: Counter[str] = Counter()

    def called(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            made[frame.f_code.co_name] += 1

    sys.setprofile(called)
    try:
        prompt = compile_prompt(
            home, home.settings().agent, tools=(), now=NOW, context_window=128_000, model=model
        )
    finally:
        sys.setprofile(None)
    assert prompt.left_out == 0
    return made


@pytest.mark.parametrize("model", ["ollama/qwen3", "openai/gpt-4o"])
def test_every_step_counts_each_message_of_the_window_once(model: str, tmp_path: Path) -> None:
    home = home_of(tmp_path / "ada", before=0, inside=400)

    first, second = calls_of(home, model=model), calls_of(home, model=model)

    assert 400 <= first["estimate"] < 420
    assert second["estimate"] == 0
    assert second["message"] == 400
    assert second.total() < 400 * 25


def test_step_costs_the_same_however_long_the_history_is(tmp_path: Path) -> None:
    short = home_of(tmp_path / "short", before=400, inside=100)
    long = home_of(tmp_path / "long", before=4_000, inside=100)

    assert calls_of(long)["parse_record"] < calls_of(short)["parse_record"] * 1.5 + 200
    assert calls_of(long).total() < calls_of(short).total() * 1.2
