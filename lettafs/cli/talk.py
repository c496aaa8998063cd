"""A conversation in a terminal: ask for a line, play the turn, and again.

The prompt belongs to prompt_toolkit and the reply to rich; the two never hold the terminal at the
same time. Keys typed during a reply wait for the next prompt.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output.plain_text import PlainTextOutput
from prompt_toolkit.patch_stdout import patch_stdout
from rich.text import Text

from lettafs.cli.file_lines import broken_lines, trouble_lines
from lettafs.cli.keys import echo_keys
from lettafs.cli.line import Line
from lettafs.cli.main import worded
from lettafs.cli.options import text_in
from lettafs.cli.screen import Screen, console_for
from lettafs.cli.signals import EXIT_CODES
from lettafs.cli.slash import Leave, run_slash, suggestions
from lettafs.cli.surroundings import history_file
from lettafs.cli.words import count, line_of
from lettafs.errors import LettafsError
from lettafs.sdk.agent import Agent
from lettafs.sdk.open import model_choices

if TYPE_CHECKING:
    from lettafs.cli.render import TurnView

__all__ = ["talk"]

_TICK_S = 0.1
_SAME_CHANGE_S = 1.0
"""One save of an editor can be several events; within this time they are one."""
_WATCHER_LAG_S = 0.4


def talk(agent: Agent, *, max_steps: int | None = None) -> int:
    """Hold a conversation until the person leaves; return the exit code."""
    return asyncio.run(_Talk(agent, max_steps=max_steps).run())


class _Talk:
    def __init__(self, agent: Agent, *, max_steps: int | None) -> None:
        self._agent = agent
        self._max_steps = max_steps
        self._screen = Screen(console_for())
        self._view: TurnView | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handles: tuple[str, ...] = ()
        self._loaded = threading.Event()
        """Set when the model is loaded or cannot be; nothing runs before, lest it load twice."""
        self._asking = False
        self._leaving = False
        """Whether a Ctrl-C was the last thing typed: the next one leaves."""
        self._ended_by: int | None = None
        self._changes: dict[str, float] = {}
        """When a file was last said to have changed."""
        self._quiet_until = 0.0
        """Until when changes are taken for what we did ourselves: the watcher lags a little."""

    async def run(self) -> int:
        """Hold the conversation; return the exit code."""
        loop = self._loop = asyncio.get_running_loop()
        here = asyncio.current_task()
        assert here is not None  # we are in a coroutine
        watched = []
        for number, code in EXIT_CODES.items():
            if number == signal.SIGINT:  # a key at the prompt; during a turn it stops the turn
                continue
            with suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(number, self._end, here, code)
                watched.append(number)
        try:
            with self._watched(loop), echo_keys(False), _prompts_on(self._screen):
                return await self._converse()
        except asyncio.CancelledError:
            if self._ended_by is None:
                raise
            here.uncancel()
            return self._ended_by
        finally:
            for number in watched:
                loop.remove_signal_handler(number)

    async def _converse(self) -> int:
        self._header()
        session = self._session()
        # A thread that nothing waits for: leaving must not wait for a server that is not there.
        threading.Thread(target=self._get_ready, daemon=True).start()
        while True:
            try:
                typed = await self._ask(session)
            except EOFError:
                return 0
            except KeyboardInterrupt:
                if self._leaving:
                    return 130
                self._leaving = True
                self._screen.lines([Line("Ctrl-C again, or Ctrl-D, leaves", "dim")])
                continue
            self._leaving = False
            if not typed.strip():
                continue
            try:
                await self._interruptible(self._answer(text_in(typed)))
            except Leave:
                return 0
            except Exception as error:  # ours too: one mistake is no reason to end a conversation
                self._screen.lines([Line(worded(error)[0], "warning")], wrap=True)
            self._screen.gap()
            self._quiet_until = time.monotonic() + _WATCHER_LAG_S

    async def _ask(self, session: PromptSession[str]) -> str:
        self._asking = True
        try:
            with patch_stdout(raw=True):  # what is printed meanwhile goes above the prompt
                return await session.prompt_async()
        finally:
            self._asking = False
            self._screen.touched()

    async def _answer(self, typed: str) -> None:
        await asyncio.to_thread(self._loaded.wait)
        if typed.startswith("/"):
            # A thread, because a command may wait: for an editor, or for a server's models.
            lines = await asyncio.to_thread(lambda: list(run_slash(self._agent, typed)))
            self._screen.lines(lines)
        else:
            await self._play(typed)

    async def _interruptible(self, work: Coroutine[None, None, None]) -> None:
        """Wait for some work; Ctrl-C stops it, and the conversation goes on."""
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(work)
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends the chat instead
            loop.add_signal_handler(signal.SIGINT, self._stop, task)
        try:
            await task
        except asyncio.CancelledError:
            if self._ended_by is not None or not self._leaving:
                raise
            self._screen.lines([Line("· stopped; what was done is kept", "dim")])
        finally:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)

    async def _play(self, text: str) -> None:
        """Play one turn."""
        from lettafs.cli.render import TurnView  # late: the prompt comes first

        view = TurnView(self._screen, self._agent.settings.type, clock=time.monotonic)
        self._view = view
        clock = asyncio.create_task(_tick(view))
        try:
            async with aclosing(self._agent.stream(text, max_steps=self._max_steps)) as events:
                async for event in events:
                    view.show(event)
        finally:
            self._view = None
            clock.cancel()
            with suppress(OSError):  # the terminal may have gone: that is why we are here
                view.close()

    def _stop(self, work: asyncio.Task[None]) -> None:
        """Ask the work to stop, once: a turn's end is short, and must not be cut in two."""
        if not self._leaving:
            self._leaving = True
            if self._view is not None:
                self._view.stopping()
            work.cancel()

    def _end(self, here: asyncio.Task[int], code: int) -> None:
        if self._ended_by is None:
            self._ended_by = code
            here.cancel()

    def _header(self) -> None:
        agent = self._agent
        blocks, problems = agent.blocks()
        words = [
            f"{line_of(agent.model_handle, width=60)} ({line_of(agent.model_why, width=60)})",
            count(len(blocks), "block"),
        ]
        if problems:
            words.append(f"{count(len(problems), 'problem')}: lettafs doctor lists them")
        words.append("/help")
        name = Text(line_of(agent.settings.name, width=40), style="bold")
        self._screen.print(name + Text(" · " + " · ".join(words), style="dim"))

    def _session(self) -> PromptSession[str]:
        file = history_file()
        history: History = _QuietHistory(str(file)) if file else InMemoryHistory()
        return PromptSession(
            FormattedText([("bold", "> ")]),
            history=history,
            completer=_Completer(self),
            complete_while_typing=False,
            key_bindings=_bindings(),
            multiline=True,  # a pasted block stays one message; Enter sends all the same
            prompt_continuation="  ",
            enable_history_search=True,
            reserve_space_for_menu=4,
        )

    def _get_ready(self) -> None:
        """Load the model behind the prompt, then look up which others there are.

        What fails here fails again, and is said, where it is asked for.
        """
        try:
            with suppress(Exception):
                import lettafs.cli.render  # noqa: F401 - late: the prompt comes first

                self._agent.model()
        finally:
            self._loaded.set()
        with suppress(Exception):
            self._tell_of_folders()
        with suppress(Exception):
            states = model_choices()
            self._handles = tuple(handle for state in states for handle in state.models)

    def _tell_of_folders(self) -> None:
        """Say which attached folders cannot be read, above the prompt."""
        folders = self._agent.folders()
        lines = [
            *trouble_lines(self._agent, folders, command=False),
            *broken_lines(self._agent, folders, command=False),
        ]
        if lines and self._loop is not None:
            with suppress(RuntimeError):  # the loop has closed: nobody is there to tell
                self._loop.call_soon_threadsafe(partial(self._screen.lines, lines, wrap=True))

    @contextmanager
    def _watched(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Say when a file of the agent is changed from outside, while the block runs."""

        def changed(path: str) -> None:
            with suppress(RuntimeError):  # the loop has closed: nobody is there to tell
                loop.call_soon_threadsafe(self._changed, path)

        with ExitStack() as stack:
            # Without a watcher (none left to have, say) the next turn sees the change all the same.
            with suppress(OSError, LettafsError):
                stack.enter_context(self._agent.watch(changed))
            yield

    def _changed(self, path: str) -> None:
        now = time.monotonic()
        if not self._asking or now < self._quiet_until:
            return
        if now - self._changes.get(path, -_SAME_CHANGE_S) < _SAME_CHANGE_S:
            return
        self._changes[path] = now
        self._screen.lines([Line(f"· {line_of(path)} changed", "dim")])

    @property
    def agent(self) -> Agent:
        """The agent talked with."""
        return self._agent

    @property
    def handles(self) -> tuple[str, ...]:
        """Handles of the models that can be used; empty until they were looked up."""
        return self._handles


@contextmanager
def _prompts_on(screen: Screen) -> Iterator[None]:
    """Let prompts write no escape sequences at all where the terminal would only show them."""
    if screen.console.is_dumb_terminal:
        with create_app_session(output=PlainTextOutput(sys.stdout)):
            yield
    else:
        yield


async def _tick(view: TurnView) -> None:
    while True:
        await asyncio.sleep(_TICK_S)
        view.tick()


class _Completer(Completer):
    """Completes slash commands, block labels and model handles."""

    def __init__(self, chat: _Talk) -> None:
        self._chat = chat

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        typed = document.text_before_cursor
        word = typed.partition(" ")[2] if " " in typed else typed
        for suggestion in suggestions(self._chat.agent, typed, handles=self._chat.handles):
            yield Completion(suggestion, start_position=-len(word))


class _QuietHistory(FileHistory):
    """Typed lines kept in a file; a disk that refuses one is no reason to end a conversation."""

    def store_string(self, string: str) -> None:
        with suppress(OSError, UnicodeError):
            super().store_string(string)


def _bindings() -> KeyBindings:
    """Return the keys of the prompt: Enter sends, Alt-Enter begins a new line."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        menu = buffer.complete_state
        if menu is not None and menu.current_completion is not None:
            buffer.apply_completion(menu.current_completion)
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    return bindings
