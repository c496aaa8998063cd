"""What can be typed in a chat beside messages: the slash commands and their completion."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from lettafs.cli.clean import clean
from lettafs.cli.file_lines import broken_lines, chosen, file_lines, given, trouble_lines
from lettafs.cli.line import Line
from lettafs.cli.listings import (
    changes_lines,
    hit_lines,
    log_lines,
    memory_lines,
    undone_lines,
)
from lettafs.cli.prompt import prompt_lines, token_lines
from lettafs.cli.read import edit_block
from lettafs.cli.words import compacted_words, line_of
from lettafs.errors import UsageProblem
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import model_choices

__all__ = ["SLASH_COMMANDS", "Leave", "SlashCommand", "run_slash", "suggestions"]


_FILES_IN_ALL = 20
"""So many files `/files` shows without cutting; of more, the first of each folder."""
_FILES_EACH = 8
_FILES_AT_MOST = 200
"""So many of one folder that is asked for."""


class Leave(Exception):
    """The person is done talking."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command: what it takes, what it does, and the lines it shows."""

    argument: str
    """As help shows it; empty: it takes none."""
    help: str
    run: Callable[[Agent, str], Iterator[Line]]


def run_slash(agent: Agent, typed: str) -> Iterator[Line]:
    """Yield the lines that a slash command shows.

    Raises:
        Leave: it was `/quit`.
        UsageProblem: there is no such command, or it lacks what it needs.
        LettafsError: it failed.
    """
    name, _, argument = typed[1:].partition(" ")
    command = SLASH_COMMANDS.get(name)
    if command is None:
        near = get_close_matches(name, SLASH_COMMANDS, n=1, cutoff=0.5)
        hint = f"Did you mean /{near[0]}?" if near else "/help lists them."
        said = f"/{line_of(name, width=30)}"
        raise UsageProblem(
            f"There is no command {said}. {hint} (To say it to the agent, begin with a space.)"
        )
    argument = argument.strip()
    if not argument and command.argument and not command.argument.startswith("["):
        raise UsageProblem(f"/{name} needs {command.argument}: {command.help}.")
    yield from command.run(agent, argument)


def suggestions(agent: Agent, typed: str, *, handles: tuple[str, ...]) -> list[str]:
    """Return what could stand in place of the last word of `typed`; empty outside of commands."""
    if not typed.startswith("/"):
        return []
    name, blank, argument = typed[1:].partition(" ")
    if not blank:
        return [f"/{known}" for known in SLASH_COMMANDS if known.startswith(name)]
    match name:
        case "memory" | "edit":
            labels = [clean(block.label) for block in agent.blocks()[0]]
            return [label for label in labels if label.startswith(argument)]
        case "files":
            names = [clean(info.folder.name) for info in agent.folders()]
            return [name for name in names if name.startswith(argument)]
        case "model":
            return [handle for handle in handles if handle.startswith(argument)]
        case _:
            return []


def _help(agent: Agent, argument: str) -> Iterator[Line]:
    width = max(len(f"/{name} {command.argument}") for name, command in SLASH_COMMANDS.items())
    for name, command in SLASH_COMMANDS.items():
        yield Line(f"{f'/{name} {command.argument}'.ljust(width)}  {command.help}")
    yield Line("")
    yield Line("Enter sends, Alt-Enter begins a new line, Tab completes.", "dim")
    yield Line("Ctrl-C stops a turn and keeps what was done; Ctrl-D leaves.", "dim")


def _memory(agent: Agent, argument: str) -> Iterator[Line]:
    if not argument:
        yield from memory_lines(agent)
        return
    block = agent.block(argument)
    if block.description:
        yield Line(clean(block.description), "dim")
    yield Line(clean(block.value) or "(empty)")


def _edit(agent: Agent, argument: str) -> Iterator[Line]:
    yield Line(edit_block(agent, argument), "dim")


def _search(agent: Agent, argument: str) -> Iterator[Line]:
    hits = agent.search(argument)
    yield from hit_lines(hits)
    if not hits:
        yield Line("Nothing found.", "dim")


def _remember(agent: Agent, argument: str) -> Iterator[Line]:
    passage = agent.remember(argument)
    yield Line(f"Put away as {clean(passage.id)}.", "dim")


def _files(agent: Agent, argument: str) -> Iterator[Line]:
    known = agent.files()
    attached = agent.folders()
    folders, files = chosen(attached, known, argument or None)
    # All files would push the conversation out of sight; those of a folder are asked for.
    most = _FILES_EACH if not argument and len(files) > _FILES_IN_ALL else _FILES_AT_MOST
    yield from file_lines(folders, files, most=most)
    if any(info.files > most for info in folders):
        all_of_it = f"`lettafs files {given(agent.path)}` lists every file."
        more = "/files NAME shows more of one folder; " if most == _FILES_EACH else ""
        yield Line(f"{more}{all_of_it}", "dim")
    yield from trouble_lines(agent, folders, command=False)
    yield from broken_lines(agent, attached, command=False)
    if not attached:
        attach = f"`lettafs attach {given(agent.path)} FOLDER`"
        yield Line(f"No folder is attached: {attach} attaches one.", "dim")


def _prompt(agent: Agent, argument: str) -> Iterator[Line]:
    prompt = agent.prompt()
    yield from prompt_lines(prompt)
    yield Line("")
    yield from token_lines(prompt)


def _model(agent: Agent, argument: str) -> Iterator[Line]:
    if argument:
        agent.use_model(argument)
        yield Line(f"This chat goes on with {clean(agent.model_handle)}.", "dim")
        return
    yield Line(f"{clean(agent.model_handle)} ({clean(agent.model_why)})")
    for state in model_choices():
        if not state.usable:
            yield Line(f"{clean(state.provider)}: {clean(state.reason)}", "dim")
        for handle in state.models:
            yield Line(f"  {clean(handle)}")


def _compact(agent: Agent, argument: str) -> Iterator[Line]:
    if argument not in ("", "all"):
        raise UsageProblem("/compact takes nothing, or the word all: /compact all.")
    done = agent.compact("all" if argument else None)
    if done is None:
        yield Line("There is nothing to sum up.", "dim")
        return
    yield Line(f"{compacted_words(done)}.", "dim")
    if done.trouble:
        yield Line(f"Rules made the summary: {clean(done.trouble).rstrip('.')}.", "warning")
    yield Line("Searching finds every message as before; /undo takes it back.", "dim")


def _undo(agent: Agent, argument: str) -> Iterator[Line]:
    yield from undone_lines(agent.undo())


def _log(agent: Agent, argument: str) -> Iterator[Line]:
    yield from log_lines(agent.log())


def _diff(agent: Agent, argument: str) -> Iterator[Line]:
    changes = agent.diff()
    yield from changes_lines(changes)
    if not changes:
        yield Line("The last turn changed nothing in memory.", "dim")


def _quit(agent: Agent, argument: str) -> Iterator[Line]:
    raise Leave


SLASH_COMMANDS: Final[dict[str, SlashCommand]] = {
    "help": SlashCommand("", "list these commands", _help),
    "memory": SlashCommand("[LABEL]", "show core memory, or one block", _memory),
    "edit": SlashCommand("LABEL", "open a block in your editor", _edit),
    "search": SlashCommand("QUERY", "search what was said, put away and attached", _search),
    "remember": SlashCommand("TEXT", "put a passage into archival memory", _remember),
    "files": SlashCommand("[NAME]", "list attached folders and their files", _files),
    "prompt": SlashCommand("", "show what the model would be sent next", _prompt),
    "model": SlashCommand("[HANDLE]", "show the models, or use another in this chat", _model),
    "compact": SlashCommand(
        "[all]", "sum up older messages (all: every one), to make room", _compact
    ),
    "undo": SlashCommand("", "take back the last turn, memory and window together", _undo),
    "log": SlashCommand("", "list checkpoints", _log),
    "diff": SlashCommand("", "show what the last turn changed in memory", _diff),
    "quit": SlashCommand("", "leave", _quit),
}
"""By name, in the order of `/help`."""
