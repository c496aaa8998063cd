from __future__ import annotations

import io
import random
import re
from typing import Any

import pytest
from rich.console import Console

from lettafs.cli.render import TurnView
from lettafs.cli.screen import Screen
from lettafs.values.agent import AgentType
from lettafs.values.event import (
    Checkpoint,
    Compacted,
    Event,
    Failure,
    MemoryChanged,
    MessageAdded,
    Notice,
    ReasoningDelta,
    RunFinished,
    RunStarted,
    StepStarted,
    TextDelta,
)
from lettafs.values.message import Message, Part, TextPart, ToolCall, ToolReturn
from lettafs.values.run import StopReason, Usage

LONG = "\n\n".join(
    [
        "# A title",
        "Some **bold** words, `code`, and <b>tags</b>.",
        "\n".join(f"{number}. item number {number} of the list" for number in range(1, 41)),
        "```python\n" + "\n".join(f"line_{number} = {number}" for number in range(60)) + "\n```",
        "| name | value |\n|---|---|\n" + "\n".join(f"| row{n} | cell{n} |" for n in range(30)),
        " ".join(f"word{number}" for number in range(600)),
        "The end.",
    ]
)


class Seen:
    """A view, the terminal it draws on, and a clock that only tests move."""

    def __init__(
        self,
        terminal: Any,
        agent_type: AgentType = "letta_v1_agent",
        *,
        width: int = 60,
        height: int = 12,
        dumb: bool = False,
    ) -> None:
        self.output = io.StringIO()
        self.console = Console(
            file=self.output,
            force_terminal=not dumb,
            width=width,
            height=height,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            _environ={"TERM": "dumb" if dumb else "xterm-256color"},
        )
        self.terminal = terminal(width=width, height=height)
        self.now = 100.0
        self.view = TurnView(Screen(self.console), agent_type, clock=lambda: self.now)
        self._at = 0

    def show(self, *events: Event, tick: bool = True) -> None:
        for number, event in enumerate(events, 1):
            self.view.show(event)
            self.now += 0.02
            if tick and (number % 5 == 0 or number == len(events)):
                self.view.tick()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.view.tick()

    @property
    def text(self) -> str:
        """What the terminal shows, scrollback and all."""
        self.terminal.feed(self.output.getvalue()[self._at :].replace("\n", "\r\n"))
        self._at = len(self.output.getvalue())
        return str(self.terminal.text)


def started() -> list[Event]:
    return [RunStarted("run-1", "agent-1", "scripted:x"), StepStarted("step-1", "m1")]


def ended(reason: StopReason = "end_turn", commit: str | None = "abcdef012345") -> list[Event]:
    return [RunFinished("run-1", reason, Usage()), Checkpoint(commit)]


def assistant(*parts: Part, message_id: str = "m1", partial: bool = False) -> MessageAdded:
    return MessageAdded(Message(message_id, "assistant", parts, "t", partial=partial))


def deltas(text: str, *, seed: int = 1) -> list[Event]:
    chance, events, at = random.Random(seed), list[Event](), 0
    while at < len(text):
        size = chance.choice([1, 4, 9, 30])
        events.append(TextDelta("m1", text[at : at + size]))
        at += size
    return events


@pytest.mark.parametrize(("width", "height"), [(60, 12), (100, 50), (30, 4)])
def test_long_reply_is_neither_cut_nor_doubled_in_the_scrollback(
    terminal: Any, width: int, height: int
) -> None:
    seen = Seen(terminal, width=width, height=height)
    seen.show(*started(), *deltas(LONG), assistant(TextPart(LONG)), *ended())

    words = re.findall(r"\w+", seen.text)

    for number in range(60):
        assert words.count(f"line_{number}") == 1
    for number in range(600):
        assert words.count(f"word{number}") == 1
    for number in range(30):
        assert (words.count(f"row{number}"), words.count(f"cell{number}")) == (1, 1)
    assert words.count("title") == words.count("end") == 1
    assert "<b>tags</b>" in " ".join(seen.text.split())


def test_streamed_reply_looks_the_same_as_one_that_came_whole(terminal: Any) -> None:
    streamed, whole = Seen(terminal), Seen(terminal)
    streamed.show(*started(), *deltas(LONG), assistant(TextPart(LONG)), *ended())
    whole.show(*started(), assistant(TextPart(LONG)), *ended(), tick=False)

    assert streamed.text == whole.text


def test_unfinished_paragraph_is_seen_while_it_is_written(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), TextDelta("m1", "Half a sent"))

    assert "Half a sent" in seen.text
    seen.show(TextDelta("m1", "ence."), assistant(TextPart("Half a sentence.")), *ended())
    assert seen.text.count("Half a sent") == 1


def test_lines_end_where_their_words_end(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), *deltas(LONG), assistant(TextPart(LONG)), *ended(), tick=False)

    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", seen.output.getvalue())
    assert not [line for line in plain.split("\n") if line != line.rstrip(" ")]


def test_code_is_printed_as_the_model_wrote_it(terminal: Any) -> None:
    code = "def f():\n    return {'a': [1, 2]}  # " + "long " * 40
    text = f"```python\n{code}\n```"
    seen = Seen(terminal, width=500)
    seen.show(*started(), *deltas(text), assistant(TextPart(text)), *ended())

    assert code.rstrip() in seen.text


def test_waiting_line_comes_after_a_moment_and_goes_with_the_first_words(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started())
    assert seen.text == ""

    seen.wait(1.2)
    assert re.fullmatch(r". thinking 1\.\d s", seen.text)

    seen.show(TextDelta("m1", "Hello"))
    assert "thinking" not in seen.text
    assert "Hello" in seen.text


def test_compaction_is_waited_for_and_then_said_in_a_line(terminal: Any) -> None:
    seen = Seen(terminal, width=100)

    seen.show(*started()[:1], Notice("24 older messages are being summed up.", code="compaction"))
    seen.wait(2)
    assert "summing up 2.0 s" in seen.text
    usage = Usage()
    seen.show(Compacted("window_full", "m0", 40, 17, 6_900, 4_100, 8_000, "openai/m", "", usage))

    assert "· 24 messages summed up by openai/m: 6,900 tokens before, 4,100 now" in seen.text
    assert "summing up 2.0 s" not in seen.text


def test_waiting_line_names_the_tool_that_runs(terminal: Any) -> None:
    seen = Seen(terminal)
    call = ToolCall("call-1", "conversation_search", '{"query": "Brad"}')
    seen.show(*started(), assistant(call))
    seen.wait(2)

    assert "conversation_search 2." in seen.text


def test_long_reasoning_leaves_one_short_line(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), ReasoningDelta("m1", "first secret thought "))
    seen.wait(3)
    assert "first secret thought" in seen.text

    seen.show(TextDelta("m1", "Hi."), assistant(TextPart("Hi.")), *ended())
    assert "thought for 3 s" in seen.text
    assert "secret" not in seen.text


def test_memory_edit_shows_as_a_small_diff_with_its_checkpoint(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(
        *started(),
        assistant(ToolCall("call-1", "memory_replace", '{"label": "human"}')),
        MemoryChanged("human", "Name: Chad", "Name: Brad"),
        MessageAdded(
            Message(
                "m2", "tool", (ToolReturn("call-1", "memory_replace", "success", "edited"),), "t"
            )
        ),
        *ended(),
    )

    assert seen.text.splitlines() == [
        "· memory_replace(label=human)",
        "memory: human",
        "  - Name: Chad",
        "  + Name: Brad",
        "· saved as abcdef0",
    ]


def test_checkpoint_of_a_turn_without_memory_edits_is_not_shown(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), assistant(TextPart("Hi.")), *ended())

    assert seen.text == "Hi."


def test_big_memory_edit_is_shortened(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), MemoryChanged("log", None, "\n".join("abcdefghijklmnop")), *ended())

    assert len(seen.text.splitlines()) == 1 + 8 + 1
    assert "9 more lines" in seen.text


def test_failed_tool_says_why(terminal: Any) -> None:
    seen = Seen(terminal, width=80)
    result = ToolReturn("call-1", "memory_replace", "error", "no such\ntext")
    seen.show(*started(), MessageAdded(Message("m2", "tool", (result,), "t")), *ended())

    assert seen.text == "· memory_replace failed: no such text"


def test_failure_is_said_once_and_what_was_written_stays(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(
        *started(),
        TextDelta("m1", "I was sayi"),
        assistant(TextPart("I was sayi"), partial=True),
        Failure("llm_error", "the model went away"),
        *ended("llm_api_error"),
    )

    assert seen.text.splitlines() == [
        "I was sayi",
        "· the reply broke off here",
        "",
        "the model went away",
    ]


def test_notices_are_shown_whole(terminal: Any) -> None:
    seen = Seen(terminal, width=30)
    text = "memory/human.md was changed by you and committed in your name"
    seen.show(*started(), Notice(text, "info", "adopted"), *ended())

    assert " ".join(seen.text.split()) == f"· {text}"


@pytest.mark.parametrize(
    ("reason", "words"), [("cancelled", "what was done is kept"), ("max_steps", "limit of steps")]
)
def test_early_end_is_said(terminal: Any, reason: StopReason, words: str) -> None:
    seen = Seen(terminal, width=100)
    seen.show(*started(), *ended(reason))

    assert words in seen.text


def test_older_agent_speaks_as_its_call_arrives_and_thinks_in_one_line(terminal: Any) -> None:
    seen = Seen(terminal, "memgpt_agent")
    arguments = '{"thinking": "x", "message": "Hello **Brad**"}'
    seen.show(
        *started(),
        ReasoningDelta("m1", "I should greet. " * 20),
    )
    assert "Hello" not in seen.text
    seen.show(TextDelta("m1", "Hello **Br"))
    assert "Hello" in seen.text

    seen.show(
        TextDelta("m1", "ad**"),
        assistant(TextPart("I should greet. " * 20), ToolCall("call-1", "send_message", arguments)),
        MessageAdded(
            Message("m2", "tool", (ToolReturn("call-1", "send_message", "success", ""),), "t")
        ),
        *ended(),
    )
    thought, gap, words = seen.text.splitlines()
    assert thought.startswith("· I should greet.")
    assert len(thought) <= 60
    assert (gap, words) == ("", "Hello Brad")


def test_nothing_shown_can_steer_the_terminal(terminal: Any) -> None:
    evil = "\x1b]52;c;AAAA\x07\x1b[2J\x9b2J\u202e"
    seen = Seen(terminal)
    seen.show(
        *started(),
        Notice(f"notice{evil}"),
        TextDelta("m1", "te\x1b]52;"),
        TextDelta("m1", f"c;AA\x07xt{evil}\n\n```py\nco{evil}de\n```\n"),
        assistant(ToolCall("c", f"to{evil}ol", f'{{"a": "va{evil}lue"}}')),
        MemoryChanged(f"la{evil}bel", f"be{evil}fore", f"af{evil}ter"),
        MessageAdded(
            Message("m2", "tool", (ToolReturn("c", f"x{evil}search", "success", evil),), "t")
        ),
        Failure("x", f"bro{evil}ken"),
        *ended(),
    )

    raw = seen.output.getvalue()
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e]", raw)
    assert not re.search(r"\x1b[^\[]", raw)
    assert "\x1b[2J" not in raw
    for word in ("notice", "text", "code", "before", "after", "broken", "label"):
        assert word in seen.text


def test_stopped_turn_leaves_what_was_said_and_no_tail(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(*started(), TextDelta("m1", "Half a"))
    seen.view.stopping()
    seen.wait(1)
    assert "stopping" in seen.text

    seen.view.close()
    assert seen.text == "Half a"


def test_dumb_terminal_gets_plain_words_as_they_come(terminal: Any) -> None:
    seen = Seen(terminal, dumb=True)
    text = "Some **bold** words.\n\n- one"
    seen.show(*started(), TextDelta("m1", text[:9]))
    assert seen.output.getvalue() == text[:9]

    seen.show(TextDelta("m1", text[9:]), assistant(TextPart(text)), *ended())
    assert seen.output.getvalue() == text + "\n"


def test_reply_that_is_tried_again_stands_apart_from_its_first_part(terminal: Any) -> None:
    seen = Seen(terminal)
    seen.show(
        *started(),
        TextDelta("m1", "First par"),
        Notice("trying again in 1 s", "warning", "retry"),
        TextDelta("m1", "First part, whole."),
        assistant(TextPart("First part, whole.")),
        *ended(),
    )

    assert seen.text.splitlines() == [
        "First par",
        "· trying again in 1 s",
        "",
        "First part, whole.",
    ]
