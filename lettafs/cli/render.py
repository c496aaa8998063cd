"""A turn's events, shown to a person in a terminal as they happen.

The reply is Markdown that prints part by part. Around it, dim and short: what the model thought,
which tools it called, what it changed in its memory, and which checkpoint holds that. While nothing
arrives for a moment, a line at the bottom says what is being waited for.

Everything shown is cleaned first: words, tool output, labels and errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import assert_never

from rich.text import Text

from lettafs.cli.clean import clean
from lettafs.cli.diffs import change_lines
from lettafs.cli.doing import FILE_TOOLS, doing
from lettafs.cli.reply import ReplyText
from lettafs.cli.saying import SEND_MESSAGE, said
from lettafs.cli.screen import Screen
from lettafs.cli.words import compacted_words, line_of, short
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
    StepFinished,
    StepStarted,
    TextDelta,
    ToolCallDelta,
)
from lettafs.values.history import BlockChange
from lettafs.values.message import Message, ReasoningPart, TextPart, ToolCall, ToolReturn
from lettafs.values.run import StopReason

__all__ = ["TurnView"]

_PATIENCE_S = 0.3
"""How long nothing may arrive before the waiting line shows."""
_PATIENCE_IN_REPLY_S = 1.5
"""The same while words are coming: a slow model is no reason for a flickering line."""
_DIFF_LINES = 8
_RULER = re.compile("[=-]{8,}")
"""A line between results, which says nothing where all is on one line."""
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class TurnView:
    """Shows one turn after another on a screen.

    `show` takes the events; `tick`, called about ten times a second, redraws what moves. Without
    ticks the same text is printed, only nothing is redrawn.
    """

    def __init__(
        self, screen: Screen, agent_type: AgentType, *, clock: Callable[[], float]
    ) -> None:
        self._screen = screen
        self._type: AgentType = agent_type
        self._clock = clock
        self._running = False
        self._memory_changed = False
        self._waiting_for = ""
        self._waiting_since = 0.0
        self._patience_s = _PATIENCE_S
        self._last_words = 0.0
        self._replies: dict[str, ReplyText] = {}
        """Replies being written, by message id; at most one in practice."""
        self._told: set[str] = set()
        """Ids of messages whose words came as deltas."""
        self._thoughts: dict[str, _Thought] = {}

    def show(self, event: Event) -> None:  # noqa: C901 - one flat case for each kind of event
        """Show one event."""
        match event:
            case RunStarted():
                self._running, self._memory_changed = True, False
                self._wait("thinking")
            case Notice():
                self._notice(event)
            case StepStarted():
                self._wait("thinking")
            case TextDelta(message_id, text):
                self._speak(message_id, text)
            case ReasoningDelta(message_id, text):
                self._think(message_id, text, aloud=self._thinks_aloud)
            case ToolCallDelta():
                self._call_delta(event)
            case MessageAdded(message):
                self._message(message)
            case MemoryChanged(label, before, after):
                self._memory_changed = True
                width = min(self._screen.console.width, 100)
                change = BlockChange(label, before, after)
                self._screen.lines(change_lines(change, width=width, limit=_DIFF_LINES))
            case Compacted():
                self._aside(compacted_words(event))
                self._wait("thinking")
            case StepFinished():
                self._wait("saving")
            case Failure(_, text):
                self._flush()
                self._screen.gap()
                self._screen.print(Text(" ".join(clean(text).split()), style="red"))
            case RunFinished(_, stop_reason):
                self._flush()
                self._stopped(stop_reason)
                self._wait("saving")
            case Checkpoint(commit):
                if commit and self._memory_changed:
                    self._aside(f"saved as {short(commit)}")
                self.close()
            case _:
                assert_never(event)

    def tick(self) -> None:
        """Redraw the tail: the unfinished part of the reply and the waiting line."""
        if not self._running:
            return
        tail = [shown for reply in self._replies.values() for shown in reply.unfinished()]
        now = self._clock()
        if now - self._last_words >= self._patience_s:
            tail.append(self._waiting_line(now))
        self._screen.tail(tail)

    def stopping(self) -> None:
        """Show that the turn was asked to stop; what it still does is closing its books."""
        self._wait("stopping")

    def close(self) -> None:
        """Print what is left of an unfinished reply and take the tail away."""
        self._flush()
        self._running = False
        self._screen.close()

    @property
    def _thinks_aloud(self) -> bool:
        """Whether plain text is the agent's inner monologue, because it speaks with a tool."""
        return self._type != "letta_v1_agent"

    def _wait(self, what: str, *, patience_s: float = _PATIENCE_S) -> None:
        self._waiting_for, self._patience_s = what, patience_s
        self._waiting_since = self._last_words = self._clock()

    def _waiting_line(self, now: float) -> Text:
        elapsed = now - self._waiting_since
        seconds = f"{elapsed:.1f} s" if elapsed < 10 else f"{elapsed:.0f} s"
        width = max(self._screen.console.width - 2, 8)
        turn = _SPINNER[int(now * 10) % len(_SPINNER)]
        thought = next((t.last_words(width // 2) for t in self._thoughts.values()), "")
        line = f"{turn} {self._waiting_for} {seconds}  {thought}".rstrip()
        return Text(line[:width], style="dim", no_wrap=True)

    def _speak(self, message_id: str, text: str) -> None:
        if not text:
            return
        self._end_thought(message_id)
        if message_id not in self._replies:
            self._replies[message_id] = ReplyText(self._screen)
            self._wait("writing", patience_s=_PATIENCE_IN_REPLY_S)
        self._told.add(message_id)
        self._last_words = self._clock()
        self._replies[message_id].feed(text)

    def _think(self, message_id: str, text: str, *, aloud: bool) -> None:
        if message_id not in self._thoughts:
            self._thoughts[message_id] = _Thought(self._clock(), aloud=aloud)
            self._wait("thinking")
        self._thoughts[message_id].text += text

    def _end_thought(self, message_id: str) -> None:
        thought = self._thoughts.pop(message_id, None)
        if thought is None or not thought.text.strip():
            return
        if thought.aloud:
            self._aside(thought.text)
        elif (seconds := self._clock() - thought.since) >= 1:
            self._aside(f"thought for {seconds:.0f} s")

    def _call_delta(self, delta: ToolCallDelta) -> None:
        self._end_thought(delta.message_id)
        if delta.name:
            self._wait(f"calling {line_of(delta.name, width=40)}")

    def _message(self, message: Message) -> None:
        match message.role:
            case "assistant":
                self._assistant(message)
            case "tool":
                for result in message.tool_returns:
                    self._tool_return(result)
                self._wait("thinking")
            case "user" | "system":
                pass

    def _assistant(self, message: Message) -> None:
        streamed = message.id in self._told
        if message.id not in self._thoughts and not streamed:
            for part in message.parts:
                if isinstance(part, TextPart | ReasoningPart):
                    aloud = isinstance(part, TextPart)
                    if aloud and not self._thinks_aloud:
                        self._speak(message.id, part.text)
                    elif aloud:
                        self._think(message.id, part.text, aloud=True)
        self._end_thought(message.id)
        for call in message.tool_calls:
            words = said(call.arguments) if self._speaks(call.name) else None
            if words is not None and not streamed:
                self._speak(message.id, words)
        self._flush()
        if message.partial:
            self._aside("the reply broke off here")
        for call in message.tool_calls:
            if not self._speaks(call.name):
                self._aside(_call_words(call))
                words = doing(call.name, call.arguments)
                self._wait(words or line_of(call.name, width=40))

    def _tool_return(self, result: ToolReturn) -> None:
        name = line_of(result.name, width=40)
        if result.status == "error":
            self._aside(f"{name} failed: {result.text}", style="dim red")
        elif result.name.endswith("search") or result.name in FILE_TOOLS:
            self._aside(f"{name} gave {_RULER.sub(' ', result.text)}")

    def _speaks(self, tool_name: str) -> bool:
        return self._thinks_aloud and tool_name == SEND_MESSAGE

    def _notice(self, notice: Notice) -> None:
        retries = notice.code == "retry"
        if retries:  # what had come of the reply stands above, and ends here
            self._flush()
        warning = notice.level == "warning"
        self._aside(notice.text, style="yellow" if warning else "dim", wrap=True)
        if retries:
            self._wait("waiting to try again")
        elif notice.code == "compaction":
            self._wait("summing up")

    def _stopped(self, reason: StopReason) -> None:
        match reason:
            case "cancelled":
                self._aside("stopped; what was done is kept")
            case "max_steps":
                self._aside("stopped: the run reached its limit of steps (say something to go on)")
            case "max_tokens_exceeded":
                self._aside("the reply is cut: it reached the limit of tokens")
            case _:  # a plain end says nothing, and a failure has said it
                pass

    def _aside(self, text: str, *, style: str = "dim", wrap: bool = False) -> None:
        """Print a remark beside the conversation, on one line unless it is for reading."""
        if wrap:
            shown = Text("· " + " ".join(clean(text).split()), style=style)
        else:
            width = max(self._screen.console.width - 2, 20)
            shown = Text("· " + line_of(text, width=width), style=style, no_wrap=True)
        self._screen.print(shown)

    def _flush(self) -> None:
        """Print every unfinished reply and thought to its end."""
        for message_id in list(self._thoughts):
            self._end_thought(message_id)
        replies, self._replies = self._replies, {}
        for reply in replies.values():
            reply.finish()


class _Thought:
    """Reasoning that is still arriving."""

    def __init__(self, since: float, *, aloud: bool) -> None:
        self.since = since
        self.aloud = aloud
        """True: inner monologue a person may read; False: a reasoning model's scratch paper."""
        self.text = ""

    def last_words(self, width: int) -> str:
        """Return the end of the thought, on one line."""
        line = " ".join(clean(self.text[-8 * width :]).split())
        return line if len(line) <= width else "…" + line[-width + 1 :]


def _call_words(call: ToolCall) -> str:
    """Return a call as `name(label=human, old_str=…)`."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return f"{call.name} {call.arguments}"
    shown = ", ".join(
        f"{name}={line_of(value if isinstance(value, str) else json.dumps(value), width=40)}"
        for name, value in arguments.items()
        if name not in ("request_heartbeat", "thinking")
    )
    return f"{call.name}({shown})"
