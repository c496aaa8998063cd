"""The `chat` command: a conversation in a terminal, or one turn for a script."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack, aclosing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import click

from lettafs.cli.clean import clean
from lettafs.cli.fold import Result, StreamLines, stop_line
from lettafs.cli.options import agent_dir, json_text, read_stdin, text_in
from lettafs.cli.saying import SEND_MESSAGE, said
from lettafs.cli.signals import stopped_by_signals
from lettafs.cli.surroundings import has_terminal
from lettafs.errors import UsageProblem
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import open_agent
from lettafs.values.agent import AgentType
from lettafs.values.event import Event, Failure, MessageAdded, Notice, RunFinished

__all__ = ["chat_command"]

_STOPPED = 130
_VECTORS_S = 3.0
"""What a single turn spends at most, after its reply, on vectors of what was put away."""

OutputFormat = Literal["text", "json", "stream-json"]


@click.command("chat")
@agent_dir
@click.option("-p", "--prompt", "text", metavar="TEXT", help="Say this and leave; - reads stdin.")
@click.option("--model", metavar="HANDLE", help="The model, as provider/name, this time only.")
@click.option("--base-url", metavar="URL", help="Where the model answers, this time only.")
@click.option("--max-steps", metavar="N", type=click.IntRange(min=1), help="Steps a turn may take.")
@click.option(
    "--output-format",
    type=click.Choice(["text", "json", "stream-json"]),
    default="text",
    show_default=True,
    help="What a single turn prints.",
)
@click.option(
    "--at", metavar="CHECKPOINT", help="Talk with the agent as it was then; nothing is kept."
)
@click.pass_context
def chat_command(
    ctx: click.Context,
    agent_dir: Path,
    *,
    text: str | None,
    model: str | None,
    base_url: str | None,
    max_steps: int | None,
    output_format: OutputFormat,
    at: str | None,
) -> None:
    """Talk with an agent.

    With -p, or when stdin is not a terminal, it is one turn: the reply goes to stdout, remarks go
    to stderr, and the exit code is 1 when the turn failed.
    """
    talks = text is None and sys.stdin.isatty()
    if talks and (output_format != "text" or not has_terminal()):
        raise UsageProblem("Say what to send: -p TEXT, or -p - to read it from stdin.")
    with ExitStack() as stack:
        agent = open_agent(agent_dir, model=model, base_url=base_url)
        if at is not None:
            agent = stack.enter_context(agent.at(at))
            then = f"{clean(agent.settings.name)} as of {clean(at)}"
            click.echo(f"This is {then}: a copy. Nothing said here is kept.", err=True)
        if talks:
            from lettafs.cli.talk import talk  # late: prompt_toolkit and rich are for terminals

            ctx.exit(talk(agent, max_steps=max_steps))
        words = read_stdin() if text is None or text == "-" else text_in(text)
        if not words.strip():
            raise UsageProblem("There is nothing to say: the message is empty.")
        agent.in_background = False  # the program ends with the turn: see below
        code = asyncio.run(_one_turn(agent, words, output_format, max_steps=max_steps))
        sys.stdout.flush()
        if at is None and code != _STOPPED and agent.is_behind():
            with suppress(KeyboardInterrupt):  # the turn is over, and its code is what counts
                agent.keep_up(vectors_for_s=_VECTORS_S)
        ctx.exit(code)


class _Sink(Protocol):
    """Where the events of a single turn go."""

    def show(self, event: Event) -> None:
        """Take one event."""
        ...

    def end(self, *, cancelled: bool) -> None:
        """Print what can only be printed when all is known."""
        ...


async def _one_turn(
    agent: Agent, words: str, output_format: OutputFormat, *, max_steps: int | None
) -> int:
    """Play one turn; return the exit code."""
    sink = _sink(output_format, agent.settings.type)
    failed = False
    with stopped_by_signals() as stop:
        try:
            async with aclosing(agent.stream(words, max_steps=max_steps)) as events:
                async for event in events:
                    _tell(event)
                    failed = failed or isinstance(event, Failure)
                    sink.show(event)
        except asyncio.CancelledError:
            if stop.exit_code is None:
                raise
            stop.forgive()
    sink.end(cancelled=stop.exit_code is not None)
    if stop.exit_code is not None:
        click.echo("Stopped; what was done is kept.", err=True)
        return stop.exit_code
    return 1 if failed else 0


def _tell(event: Event) -> None:
    """Say on stderr what is not part of the conversation."""
    match event:
        case Notice(text):
            click.echo(" ".join(clean(text).split()), err=True)
        case Failure(_, text):
            click.echo(f"lettafs: {' '.join(clean(text).split())}", err=True)
        case RunFinished(_, "max_steps"):
            click.echo("Stopped: the run reached its limit of steps.", err=True)
        case _:
            pass


def _sink(output_format: OutputFormat, agent_type: AgentType) -> _Sink:
    match output_format:
        case "text":
            return _Words(agent_type)
        case "json":
            return _OneObject(agent_type)
        case "stream-json":
            return _ObjectLines(agent_type)


class _Words:
    """Prints what the agent says, message by message, and nothing else.

    An agent that speaks with a tool has said something when the call has succeeded.
    """

    def __init__(self, agent_type: AgentType) -> None:
        self._plain = agent_type == "letta_v1_agent"
        self._calls: dict[str, str] = {}
        """Words that are on their way, by the id of their call."""

    def show(self, event: Event) -> None:
        if not isinstance(event, MessageAdded) or event.message.partial:
            return
        message = event.message
        match message.role:
            case "assistant" if self._plain:
                self._say(message.text)
            case "assistant":
                for call in message.tool_calls:
                    if call.name == SEND_MESSAGE:
                        self._calls[call.id] = said(call.arguments) or ""
            case "tool":
                for result in message.tool_returns:
                    words = self._calls.pop(result.call_id, "")
                    if result.status == "success":
                        self._say(words)
            case _:
                pass

    def end(self, *, cancelled: bool) -> None:
        pass

    def _say(self, words: str) -> None:
        if words.strip():
            click.echo(clean(words))


class _OneObject:
    def __init__(self, agent_type: AgentType) -> None:
        self._result = Result(agent_type)

    def show(self, event: Event) -> None:
        self._result.feed(event)

    def end(self, *, cancelled: bool) -> None:
        click.echo(json_text(self._result.value(cancelled=cancelled)))


class _ObjectLines:
    def __init__(self, agent_type: AgentType) -> None:
        self._lines = StreamLines(agent_type, now=lambda: datetime.now(UTC))

    def show(self, event: Event) -> None:
        for line in self._lines.feed(event):
            click.echo(json_text(line))  # echo flushes: each line goes out as it happens

    def end(self, *, cancelled: bool) -> None:
        if cancelled:
            click.echo(json_text(stop_line("cancelled")))
