"""A conversation of any length: it always fits, nothing is lost, and a turn costs what it did."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from lettafs.context.tokens import TokenCounter
from lettafs.llm.base import ModelRequest
from lettafs.stores.recall import Recall
from lettafs.values.event import Compacted, Failure, MessageAdded, RunFinished
from tests.support.talk import Talk, call, of, sent, talk_with, text

WINDOW = 8_000
FACT = "By the way, our boat is called Nadia and lies in Trieste."


def tokens(request: ModelRequest) -> int:
    """Return what a request costs, estimated on the high side, its reply included."""
    counter = TokenCounter()
    asked = counter.system(request.system) + counter.messages(request.messages)
    reply = 0 if request.max_output_tokens is None else request.max_output_tokens
    return asked + counter.tools(request.tools) + reply


def script(turns: int) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for number in range(turns):
        if number % 5 == 4:
            lines.append(call("conversation_search", query=f"harbour {number}", limit=1))
        words = f"Answer {number}. " + "We spoke of harbours and of winds. " * (number % 9)
        lines.append(text(words))
    return lines


def converse(root: Path, turns: int) -> tuple[Talk, list[int], list[float]]:
    """Hold a conversation; return it, the turns in which the window was compacted, and times."""
    talk = talk_with(root, *script(turns), context_window=WINDOW)
    compacted: list[int] = []
    took: list[float] = []
    for number in range(turns):
        begun = time.perf_counter()
        events = talk.hear(FACT if number == 3 else f"Question {number}: what of the harbours?")
        took.append(time.perf_counter() - begun)
        assert of(events, Failure) == []
        assert of(events, RunFinished)[0].stop_reason == "end_turn"
        compacted += [number for _ in of(events, Compacted)]
    return talk, compacted, took


def check(root: Path, turns: int) -> list[float]:
    talk, compacted, took = converse(root, turns)
    assert len(compacted) > turns // 60, "the window was never full"
    # It always fits, with room for the reply, and so do the requests for summaries.
    assert max(map(tokens, talk.model.requests)) <= WINDOW
    assert len(set(compacted)) == len(compacted) <= len(talk.summaries) <= 2 * len(compacted)
    # Between two compactions every request begins with the one before, byte for byte.
    begun_anew = 0
    for before, after in pairwise(talk.requests):
        same = after.system == before.system
        same = same and sent(after)[: len(before.messages)] == sent(before)
        begun_anew += not same
        summaries = [request.messages[0].kind for request in (before, after)]
        assert same or summaries[1] == "summary"
        assert after.messages[0].role == "user"
    assert begun_anew == len(compacted)
    # One summary stands at the front, and it stays as long as it may be.
    last = talk.requests[-1].messages
    assert [row.kind for row in last].count("summary") == 1 and last[0].kind == "summary"
    assert len(last[0].text) < WINDOW
    assert "Nadia" in last[0].text
    # What was said at the beginning is found at the end, word for word.
    talk.model._lines += [call("conversation_search", query="boat Nadia Trieste"), text("Nadia.")]
    events = talk.hear("What is our boat called?")
    (found,) = [r for e in of(events, MessageAdded) for r in e.message.tool_returns]
    assert FACT in [hit["content"] for hit in json.loads(found.text)["results"]]
    # Nothing left recall, and reading the window does not read the years.
    kept = [m.text for m in talk.agent.messages(10**6) if m.role == "user" and m.kind == "message"]
    assert len(kept) == turns + 1 and kept[3] == FACT
    fresh = Recall(root)
    window = fresh.window()
    assert window.messages[1:] == talk.agent.prompt().messages[1:]
    assert len(fresh.segments._parsed) <= 3
    assert talk.agent.problems() == []
    return took


def test_conversation_goes_on_through_many_windows(tmp_path: Path) -> None:
    check(tmp_path, 130)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_thousand_turns_cost_the_same_at_the_end_as_at_the_beginning(tmp_path: Path) -> None:
    took = check(tmp_path, 3_000)
    early, late = median(took[200:500]), median(took[-300:])
    print(f"\na turn: {early * 1000:.1f} ms early, {late * 1000:.1f} ms late")
    assert late < early * 2
