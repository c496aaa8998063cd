"""An agent, as programs and surfaces use it.

Reading takes no lock and never waits. Whatever changes the agent takes its turn.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lettafs.context.request import Prompt, Section, compile_prompt
from lettafs.errors import HistoryProblem, UsageProblem
from lettafs.home.begin import begin
from lettafs.home.home import Home
from lettafs.home.turn import Turn, timestamp
from lettafs.llm.base import LanguageModel
from lettafs.llm.catalog import REMOTE_WINDOW, default_window, parse_handle
from lettafs.loop.run import Caller, run
from lettafs.loop.styles import style_of
from lettafs.sdk.answer import Answer, gather, said
from lettafs.sdk.keeper import Keeper
from lettafs.tools import rules as tool_rules
from lettafs.tools.builtin import tools_of
from lettafs.values.agent import AgentSettings, CompactionMode
from lettafs.values.block import Block
from lettafs.values.event import Compacted, Event
from lettafs.values.message import Message
from lettafs.values.passage import Passage
from lettafs.values.problem import Problem
from lettafs.values.progress import Progress

if TYPE_CHECKING:
    from lettafs.disk.trust import Trust
    from lettafs.sdk.open import ModelChoice
    from lettafs.values.file import FileInfo
    from lettafs.values.folder import Folder, FolderInfo
    from lettafs.values.history import BlameLine, BlockChange, LogEntry, Undone
    from lettafs.values.hit import Hit
    from lettafs.values.index_state import IndexState

__all__ = ["Agent", "Answer", "Prompt", "Section", "said"]


class Agent:
    """One agent directory, with a model to answer for it. Made by `open_agent`."""

    def __init__(
        self,
        home: Home,
        *,
        caller: Caller,
        choose: Callable[[str | None, str | None], ModelChoice],
        load: Callable[[ModelChoice], LanguageModel],
        model: str | None = None,
        base_url: str | None = None,
        reopen: Callable[[Path], Agent],
        at: Callable[[str, tuple[str | None, str | None]], AbstractContextManager[Agent]]
        | None = None,
        trust: Trust | None = None,
    ) -> None:
        self.path = home.root
        self._home = home
        self._caller = caller
        self._choose = choose
        self._load = load
        self._wanted = (model, base_url)
        self._reopen = reopen
        self._at = at
        self._trust = trust
        self._keeper = Keeper(home)
        self._choice: ModelChoice | None = None
        self._named: tuple[str | None, str | None] = (None, None)
        """Model and endpoint that agent.toml named when the choice was made."""
        self._model: LanguageModel | None = None
        self.in_background = True
        """Whether indexes are brought up in a thread between turns. A program that ends right after
        a turn sets it to False and calls `keep_up` itself."""
        self._running = 0
        self._watched: list[Callable[[], None]] = []
        """What every watch does when we have ended writing: take the files as known."""

    # -- settings and model --------------------------------------------------------------------

    @property
    def settings(self) -> AgentSettings:
        """What agent.toml says, as it is now."""
        return self._home.settings().agent

    @property
    def choice(self) -> ModelChoice:
        """Which model answers, and why this one; deciding may ask a local server.

        It is decided once, and again when a person has edited what agent.toml says of it.
        """
        agent = self.settings
        named = (agent.model, agent.base_url)
        edited = self._wanted[0] is None and named != self._named
        if self._choice is None or edited:
            self._choice = self._choose(*self._wanted)
            self._named, self._model = named, None
        return self._choice

    @property
    def model_handle(self) -> str:
        """The handle of the model that answers."""
        return self.choice.handle

    @property
    def model_why(self) -> str:
        """Why this model, as a clause."""
        return self.choice.why

    def use_model(self, handle: str, *, base_url: str | None = None) -> None:
        """Let another model answer from now on; agent.toml is not changed.

        Raises:
            UsageProblem: the handle makes no sense.
            ModelProblem: its key is missing, or its endpoint is not vouched for.
        """
        choice = self._choose(handle, base_url)
        self._model = self._load(choice)
        self._choice = choice
        self._wanted = (handle, base_url)

    def model(self) -> LanguageModel:
        """Return the model that answers.

        Raises:
            UsageProblem: the handle makes no sense.
            ModelProblem: its key is missing, or its endpoint is not vouched for.
        """
        choice = self.choice
        if self._model is None:
            self._model = self._load(choice)
        return self._model

    # -- talking -------------------------------------------------------------------------------

    async def stream(
        self, text: str, *, max_steps: int | None = None
    ) -> AsyncGenerator[Event, None]:
        """Say something, and yield what happens.

        Closing the generator, or cancelling its task, ends the turn in order: what was done is
        kept and committed, and the run is recorded as cancelled.

        Raises:
            UsageProblem: the text is empty, or the model's handle makes no sense.
            ModelProblem: the model's key is missing; nothing was written.
            Busy: another process held the turn for five seconds.
        """
        if not text.strip():
            raise UsageProblem("There is nothing to say: the message is empty.")
        if max_steps is not None and max_steps < 1:
            raise UsageProblem(f"A run takes at least one step, not {max_steps}.")
        model = self.model()
        events = run(
            self._home,
            model=model,
            text=text,
            caller=self._caller,
            max_steps=max_steps,
            summarise=self._summariser,
        )
        async with aclosing(self._played(events)) as played:
            async for event in played:
                yield event

    async def _played(self, events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event, None]:
        try:
            # A turn has the processor to itself: indexes are brought up between turns.
            with self._keeper.quiet(), self._writing():
                async with aclosing(events):
                    async for event in events:
                        yield event
        finally:
            if self.in_background:
                self._keeper.nudge()

    def send(self, text: str, *, max_steps: int | None = None) -> Answer:
        """Say something and wait for the answer. Not for use inside an event loop.

        Raises:
            UsageProblem: the text is empty, or the model's handle makes no sense.
            ModelProblem: the model's key is missing; nothing was written.
            Busy: another process held the turn for five seconds.
        """
        import anyio  # late: only a blocking caller needs a loop of its own

        return anyio.run(gather, self.stream(text, max_steps=max_steps))

    async def compacting(self, mode: CompactionMode | None = None) -> AsyncGenerator[Event, None]:
        """Let a summary take the place of older messages in the window, and yield what happens.

        Nothing leaves recall, and an undo takes it back. With nothing to sum up there is a notice.

        Args:
            mode: `sliding_window` or `all`; None: as agent.toml says.

        Raises:
            UsageProblem: the model's handle makes no sense.
            ModelProblem: the model's key is missing; nothing was written.
            Busy: another process held the turn for five seconds.
        """
        from lettafs.loop.compaction import compact_on_request

        events = compact_on_request(
            self._home,
            model=self.model(),
            caller=self._caller,
            mode=mode,
            summarise=self._summariser,
        )
        async with aclosing(self._played(events)) as played:
            async for event in played:
                yield event

    def compact(self, mode: CompactionMode | None = None) -> Compacted | None:
        """Do as `compacting` and return what was done; None: there was nothing to sum up.

        Not for use inside an event loop.

        Raises:
            UsageProblem: the model's handle makes no sense.
            ModelProblem: the model's key is missing; nothing was written.
            Busy: another process held the turn for five seconds.
        """
        import anyio  # as `send`

        async def last() -> Compacted | None:
            done: Compacted | None = None
            async with aclosing(self.compacting(mode)) as events:
                async for event in events:
                    done = event if isinstance(event, Compacted) else done
            return done

        return anyio.run(last)

    def _summariser(self, handle: str) -> LanguageModel:
        """Return the model that agent.toml wants summaries from; its endpoint is as that says.

        Raises:
            UsageProblem: the handle makes no sense.
            ModelProblem: its key is missing, or its endpoint is not vouched for.
        """
        from lettafs.sdk.open import NAMED_BY_AGENT, ModelChoice  # late: it imports this module

        agent = self.settings
        same = (agent.model or "").partition("/")[0] == handle.partition("/")[0]
        place = agent.base_url if same else None
        return self._load(
            ModelChoice(handle, NAMED_BY_AGENT, place, "agent" if place else "default")
        )

    # -- reading -------------------------------------------------------------------------------

    def blocks(self) -> tuple[list[Block], list[Problem]]:
        """Return core memory, sorted by label, and what is wrong with it."""
        loaded = self._home.blocks()
        return list(loaded.blocks), list(loaded.problems)

    def block(self, label: str) -> Block:
        """Return one block.

        Raises:
            UsageProblem: there is none with this label; the error says which there are.
        """
        blocks = {block.label: block for block in self._home.blocks().blocks}
        if label not in blocks:
            known = ", ".join(blocks) or "none"
            raise UsageProblem(f"There is no block labelled {label!r}. Blocks: {known}.")
        return blocks[label]

    def prompt(self) -> Prompt:
        """Return exactly what the model would be sent next, before the next message.

        Where messages have to leave first (`left_out`), the summary that then takes their place is
        not in it: nobody has written it yet.
        """
        agent = self.settings
        tools, _ = tools_of(agent, has_files=self._home.has_files)
        may = tool_rules.allowed(agent.tool_rules, (), tools)
        style = style_of(agent.type)
        window, handle = agent.context_window, agent.model
        try:
            handle = self.model_handle
            window = window or self.model().context_window
        except Exception:  # a missing key must not hide the prompt
            window = window or _window_of(handle)
        return compile_prompt(
            self._home,
            agent,
            tools=style.specs([tools[name] for name in may.names], agent.tool_rules),
            now=self._caller.now(),
            context_window=window,
            model=handle,
        )

    def messages(self, limit: int = 50) -> list[Message]:
        """Return the newest messages, oldest first."""
        return self._home.recall.latest(limit)

    def passages(self) -> list[Passage]:
        """Return archival memory, oldest first."""
        return list(self._home.archival.passages().values())

    def folders(self) -> list[FolderInfo]:
        """Return the attached folders, sorted by name, and how far they have been read."""
        return self._home.files.folders() if self._home.has_files else []

    def files(
        self, *, look: bool = True, progress: Callable[[Progress], None] | None = None
    ) -> list[FileInfo]:
        """Return the files of attached folders, sorted by name.

        Args:
            look: whether the folders are looked at first, and what has changed is read.
            progress: told how many files are read.
        """
        if not self._home.has_files:
            return []
        if look:
            self._home.files.catch_up(progress=progress)
        return self._home.files.listing()

    def search(
        self,
        query: str,
        *,
        sources: Sequence[str] = ("recall", "archival", "files"),
        k: int = 10,
        page: int = 0,
        since: str | None = None,
        until: str | None = None,
        roles: Sequence[str] = ("user", "assistant"),
        conversation_id: str | None = None,
        tags: Sequence[str] = (),
        all_tags: bool = False,
        exact: bool = False,
    ) -> list[Hit]:
        """Return what fits a query, best first; with an empty query the newest first.

        Args:
            query: a question or words, or with `exact` a piece of text.
            sources: some of `recall`, `archival` and `files`.
            k: how many at most.
            page: 0 is the best `k`, 1 the next `k`, and so on.
            since: ISO date or time in the agent's time zone.
            until: likewise; a date alone includes that day.
            roles: whose messages: `user`, `assistant`, `tool`.
            conversation_id: messages of this conversation only.
            tags: passages with one of these tags only.
            all_tags: passages with every one of them.
            exact: the query as it stands, ignoring case.

        Raises:
            UsageProblem: a date, a role, a page or a source makes no sense.
        """
        from lettafs.sdk.search import search  # late: a conversation may search nothing

        return search(
            self._home,
            query,
            now=self._caller.now(),
            sources=sources,
            k=k,
            page=page,
            since=since,
            until=until,
            roles=roles,
            conversation_id=conversation_id,
            tags=tags,
            all_tags=all_tags,
            exact=exact,
        )

    @property
    def search_trouble(self) -> str | None:
        """Why something is found by words only, as a sentence; None: it is not, or unasked."""
        home = self._home
        return home.finder.trouble or (home.files.trouble if home.has_files else None)

    def at(self, checkpoint: str) -> AbstractContextManager[Agent]:
        """Return the agent as it was at a checkpoint, for a `with` block.

        It is a copy that goes with the block: it can be read, searched and talked to, and nothing
        of that is kept.

        Raises:
            HistoryProblem: on entering: there is no history, or no such checkpoint.
        """
        if self._at is None:
            raise HistoryProblem("This agent was opened without its past.")
        return self._at(checkpoint, self._wanted)

    def keep_up(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[Progress], None] | None = None,
        vectors_for_s: float | None = None,
    ) -> None:
        """Bring the indexes up to the files; searches are right without, but slower.

        Args:
            stop: asked often; True ends the work where it stands, to be gone on with later.
            progress: told how far it has come.
            vectors_for_s: seconds spent at most on the vectors of passages, the slowest part;
                None: as long as it takes.
        """
        self._keeper.keep_up(stop=stop, progress=progress, vectors_for_s=vectors_for_s)

    def is_behind(self) -> bool:
        """Tell whether the indexes lag so far behind that `keep_up` is worth its cost."""
        return self._home.is_behind()

    def log(self, limit: int | None = 20) -> list[LogEntry]:
        """Return the checkpoints, newest first.

        Raises:
            HistoryProblem: there is no history.
        """
        from lettafs.home import history  # late: a conversation reads no history and starts sooner

        return history.log(self._home, limit=limit)

    def history(self, label: str, *, limit: int | None = None) -> list[LogEntry]:
        """Return the checkpoints that changed one block, newest first.

        Raises:
            UsageProblem: there is no such block.
            HistoryProblem: there is no history.
        """
        from lettafs.home import history  # as `log`

        return history.log(self._home, limit=limit, paths=[self.block(label).path])

    def blame(self, label: str) -> list[BlameLine]:
        """Return where each line of a block comes from.

        Raises:
            UsageProblem: there is no such block.
            HistoryProblem: there is no history.
        """
        from lettafs.home import history  # as `log`

        return history.blame(self._home, self.block(label))

    def diff(self, a: str | None = None, b: str | None = None) -> list[BlockChange]:
        """Return what changed in memory from checkpoint `a` to `b` (None: the newest).

        With neither: what the agent's last turn changed.

        Raises:
            HistoryProblem: there is no history, or no such checkpoint.
        """
        from lettafs.home import history  # as `log`

        git = history.require_history(self._home)
        if a is None:
            turn = history.last_turn(git)
            if turn is None:
                raise HistoryProblem("The agent has not had a turn yet.")
            return history.block_changes(git, turn.parents[0], turn.id)
        new = git.resolve(b if b is not None else "HEAD")
        return history.block_changes(git, git.resolve(a), new)

    def problems(self) -> list[Problem]:
        """Return every problem of the directory."""
        from lettafs.home.doctor import examine  # as `log`

        _, missing = tools_of(self.settings, has_files=self._home.has_files)
        return [*examine(self._home), *missing]

    def watch(self, changed: Callable[[str], None]) -> AbstractContextManager[None]:
        """Call `changed`, from another thread, with the path of each file a person changes.

        Of documents in attached folders it gets `papers: a.pdf`, or `papers: 12 files`, and what
        has changed is read again in the background.
        """
        from lettafs.sdk.watch import watching  # late: only an interactive surface watches

        return watching(
            self.path.resolve(),
            changed,
            ours=lambda: self._running > 0,
            ended=self._watched,
            attached=self._home.places,
            nudge=self._documents_changed,
        )

    def _documents_changed(self) -> None:
        if self.in_background:
            self._keeper.nudge(surely=True)

    # -- changing ------------------------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        caller = self._caller
        with self._writing():
            turn = begin(
                self._home,
                now=caller.now,
                new_id=caller.new_id,
                person=caller.person,
                about=caller.about,
            )
            with turn:
                yield turn

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """While it is entered, changed files are ours and no news to whoever watches."""
        self._running += 1
        try:
            yield
        finally:
            # In this order: what is told between the two would be our own writes.
            for take_as_known in self._watched:
                take_as_known()
            self._running -= 1

    def remember(self, text: str, *, tags: Sequence[str] = ()) -> Passage:
        """Put a passage into archival memory, and commit it as the person's.

        Raises:
            UsageProblem: the text is empty.
            Busy: another process held the turn for five seconds.
        """
        if not text.strip():
            raise UsageProblem("There is nothing to remember: the text is empty.")
        with self._turn() as turn:
            own = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
            passage = Passage(turn.new_id("passage"), text, turn.time(), own)
            turn.insert_passages([passage])
            turn.commit_own("Remember a passage", {"Lettafs-Adopted": "true"}, author=turn.person)
        return passage

    def forget(self, passage_id: str) -> Passage:
        """Take a passage out of archival memory, and commit that as the person's.

        Raises:
            UsageProblem: there is no such passage.
            Busy: another process held the turn for five seconds.
        """
        with self._turn() as turn:
            passage = self._home.archival.passages().get(passage_id)
            if passage is None:
                raise UsageProblem(
                    f"There is no passage {passage_id!r}. `lettafs search {self.path.name} WORDS "
                    "--in archival` shows passages with their ids."
                )
            turn.delete_passages([passage_id])
            turn.commit_own("Forget a passage", {"Lettafs-Adopted": "true"}, author=turn.person)
        return passage

    def attach(
        self,
        path: Path | str,
        *,
        name: str | None = None,
        description: str = "",
        instructions: str = "",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        gitignore: bool = True,
        archives: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> FolderInfo:
        """Attach a folder of documents, or one document, and read it; commit that as the person's.

        The documents stay where they are. The user who calls this thereby allows this agent, in
        this place, to read them.

        Args:
            path: a directory or a file.
            name: what the agent calls it; None: by the path's last part.
            description: what it holds, told to the agent.
            instructions: what the agent is to do with it.
            include: patterns as in `.gitignore`; empty: all files.
            exclude: patterns of what is left out.
            gitignore: whether its `.gitignore` files count.
            archives: whether the files in a zip are read.
            progress: told how many files are read.

        Raises:
            UsageProblem: there is nothing to attach, or the name is taken.
            Busy: another process held the turn for five seconds.
        """
        from lettafs.sdk.attached import attach  # late: most conversations attach nothing
        from lettafs.values.folder import Folder

        about = Folder(
            "",
            "",
            None,
            description,
            instructions,
            tuple(include),
            tuple(exclude),
            gitignore,
            archives,
        )
        with self._turn() as turn:
            folder = attach(turn, Path(path), name=name, about=about, trust=self._trust)
        self._keeper.rest(wait_s=2.0)
        self._home.files.catch_up(progress=progress)
        return next(info for info in self.folders() if info.folder.name == folder.name)

    def detach(self, name: str) -> Folder:
        """Detach a folder, and commit that as the person's; its documents stay where they are.

        Raises:
            UsageProblem: there is no such folder.
            Busy: another process held the turn for five seconds.
        """
        from lettafs.sdk.attached import detach  # as `attach`

        with self._turn() as turn:
            return detach(turn, name, trust=self._trust)

    def undo(self, *, to: str | None = None) -> list[Undone]:
        """Take back the agent's last turn, or all after a checkpoint; newest first.

        Raises:
            HistoryProblem: there is nothing to undo, or no history.
            UndoConflict: a later edit overlaps.
            Busy: another process held the turn for five seconds.
        """
        from lettafs.home.undo import undo  # as `log`

        with self._turn() as turn:
            return undo(turn, to=to)

    def fork(self, new: Path, *, at: str | None = None, name: str | None = None) -> Agent:
        """Make a second agent from this one, with its own id and the history so far.

        Raises:
            UsageProblem: the place is taken.
            HistoryProblem: `at` names no checkpoint.
        """
        from lettafs.home.fork import fork_home  # late: a rare verb

        caller = self._caller
        fork_home(
            self._home,
            new,
            name=name,
            at=at,
            now=caller.now,
            new_id=caller.new_id,
            person=caller.person,
            about=caller.about,
        )
        if self._trust is not None:
            from lettafs.sdk.attached import allow_alike  # as `attach`

            allow_alike(self._home, new, trust=self._trust, at=timestamp(caller.now()))
        return self._reopen(new)

    def repair(self) -> tuple[list[str], list[Problem]]:
        """Mend what can be mended without loss; return what was done and what is left.

        Raises:
            Busy: another process held the turn for five seconds.
        """
        from lettafs.home.repair import repair  # late: a rare verb

        with self._turn() as turn:
            done = repair(turn)
        return done, self.problems()

    def rebuild(self, *, progress: Callable[[Progress], None] | None = None) -> list[str]:
        """Delete what is derived and make it anew; return what was, in words.

        Vectors that can be trusted stay: only those that are missing are made.

        Args:
            progress: told how far the indexes are.

        Raises:
            Busy: another process held the turn for five seconds.
        """
        from lettafs.home.repair import rebuild

        with self._turn() as turn:
            done = rebuild(turn)
        self._keeper.rest(wait_s=60.0)
        finder = self._home.finder
        finder.discard()
        if self._home.has_files:
            self._home.files.discard()
        self.keep_up(progress=progress)
        state = finder.state()
        if state.messages_indexed:
            done.append(f"The index of recall, messages: {state.messages_indexed}.")
        if state.pieces_indexed:
            done.append(f"The index of archival memory, pieces: {state.pieces_indexed}.")
        kept = finder.keeping_trouble
        if state.vectors and kept is None:
            done.append(f"Vectors by {state.embedder}: {state.vectors}.")
        if self._home.has_files:
            read = sum(info.state == "ready" for info in self._home.files.listing())
            done.append(f"What is known of files: {read} can be read.")
        done += dict.fromkeys(said for said in (kept, state.trouble) if said is not None)
        return done

    @property
    def keeping_trouble(self) -> str | None:
        """Why no index is kept, as a sentence; None: nothing seems to stand in the way."""
        return self._home.finder.keeping_trouble

    def index_state(self) -> IndexState:
        """Return how far the indexes are."""
        return self._home.finder.state()

    def pack(self) -> str:
        """Pack the history, and take away texts of documents that are attached no more.

        Returns what came of it, in words.

        Raises:
            HistoryProblem: there is no history.
            Busy: another process held the turn for five seconds.
        """
        from lettafs.home import history  # as `log`

        with self._turn():
            git = history.require_history(self._home)
            loose = git.loose_count()
            git.pack(whole=True)
            unused = self._home.files.drop_unused()
        packed = f"Packed {loose} loose objects."
        texts = "text of a document" if unused == 1 else "texts of documents"
        return f"{packed} Dropped {unused} {texts} no folder has any more." if unused else packed


def _window_of(handle: str | None) -> int:
    """Return the window to show for a model that cannot be loaded, for want of a key or so."""
    try:
        return REMOTE_WINDOW if handle is None else default_window(parse_handle(handle))
    except UsageProblem:
        return REMOTE_WINDOW
