"""History in words: checkpoints, what they changed in memory, and where a line comes from."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from lettafs.disk.git import Commit, Git
from lettafs.errors import HistoryProblem
from lettafs.format import frontmatter, layout
from lettafs.home.home import Home
from lettafs.values.block import Block
from lettafs.values.history import BlameLine, BlockChange, LogEntry, LogKind

__all__ = [
    "blame",
    "block_changes",
    "is_turn",
    "last_turn",
    "log",
    "require_history",
    "undone_among",
]

AGENT_MAIL = "@lettafs.local"


def require_history(home: Home) -> Git:
    """Return the home's git.

    Raises:
        HistoryProblem: there is none, or nothing is committed yet.
    """
    git = home.git
    if not git.available:
        raise HistoryProblem(f"{home.root.name} has no history: {git.why_not}")
    if not git.exists() or git.state().head is None:
        raise HistoryProblem(f"{home.root.name} has no history yet: it begins with the first turn.")
    return git


def log(home: Home, *, limit: int | None = None, paths: Sequence[str] = ()) -> list[LogEntry]:
    """Return the checkpoints, newest first.

    Raises:
        HistoryProblem: there is no history, or git cannot read it.
    """
    git = require_history(home)
    commits = git.log(limit=limit, paths=paths)
    undone = undone_among(commits)
    return [_entry(git, commit, undone) for commit in commits]


def undone_among(commits: Sequence[Commit]) -> set[str]:
    """Return the ids of the commits that an undo among them took back.

    An undo is always newer than what it undid, and names the last commit of a turn: there are more
    when a person edited in its middle what the agent had edited before.
    """
    named = {c.trailers["Lettafs-Undo"] for c in commits if "Lettafs-Undo" in c.trailers}
    runs = {c.trailers["Lettafs-Run"] for c in commits if c.id in named and is_turn(c)}
    return named | {c.id for c in commits if is_turn(c) and c.trailers["Lettafs-Run"] in runs}


def _entry(git: Git, commit: Commit, undone: set[str]) -> LogEntry:
    trailers = commit.trailers
    parent = commit.parents[0] if commit.parents else None
    by_agent = commit.author.email.endswith(AGENT_MAIL)
    return LogEntry(
        commit=commit.id,
        time=commit.time,
        by="agent" if by_agent else "person",
        author=commit.author.name,
        subject=commit.subject,
        kind=_kind(commit),
        changes=tuple(block_changes(git, parent, commit.id)),
        run_id=trailers.get("Lettafs-Run"),
        message_id=trailers.get("Lettafs-Message"),
        model=trailers.get("Lettafs-Model"),
        undoes=trailers.get("Lettafs-Undo"),
        undone=commit.id in undone,
    )


def _kind(commit: Commit) -> LogKind:
    trailers = commit.trailers
    if "Lettafs-Undo" in trailers:
        return "undo"
    if "Lettafs-Recovered" in trailers:
        return "recovered"
    if "Lettafs-Run" in trailers:
        return "turn"
    if not commit.parents:
        return "created"
    return "edit" if "Lettafs-Adopted" in trailers else "other"


def is_turn(commit: Commit) -> bool:
    """Tell whether a commit is an agent's own turn, which undo may take back."""
    return (
        "Lettafs-Run" in commit.trailers
        and commit.author.email.endswith(AGENT_MAIL)
        and len(commit.parents) == 1
    )


def last_turn(git: Git) -> Commit | None:
    """Return the newest turn; None when the agent has not had one."""
    return next((commit for commit in git.log(limit=500) if is_turn(commit)), None)


def block_changes(git: Git, old: str | None, new: str) -> list[BlockChange]:
    """Return how the blocks of two commits differ, by label."""
    found = []
    for change in git.changes(old, new, paths=[layout.MEMORY]):
        if not layout.is_block_path(change.path):
            continue
        before = git.read(old, change.path) if old is not None and change.before else None
        after = git.read(new, change.path) if change.after else None
        label = _label(change.path, after if after is not None else before)
        found.append(BlockChange(label, _value(change.path, before), _value(change.path, after)))
    return sorted(found, key=lambda change: change.label)


def _label(path: str, data: bytes | None) -> str:
    parsed = frontmatter.parse_block(data, path=path) if data is not None else None
    return parsed.label if isinstance(parsed, Block) else layout.path_label(path)


def _value(path: str, data: bytes | None) -> str | None:
    if data is None:
        return None
    parsed = frontmatter.parse_block(data, path=path)
    return parsed.value if isinstance(parsed, Block) else data.decode("utf-8", "replace")


def blame(home: Home, block: Block) -> list[BlameLine]:
    """Return where each line of a block comes from, as it is now.

    Raises:
        HistoryProblem: there is no history, or git cannot read it.
    """
    git = require_history(home)
    head = git.state().head
    assert head is not None, "require_history has seen one"
    now = _lines(block.value)
    committed = git.read(head, block.path)
    if committed is None:
        return [_blamed(home, line, None) for line in now]
    known = git.blame(head, block.path)
    value = _value(block.path, committed) or ""
    lines = _lines(value)
    # The header's lines come first; only what git counts otherwise than we do has no origin.
    above = len(known) - len(lines)
    origins = [known[at][0] if 0 <= at < len(known) else "" for at in range(above, len(known))]
    commits = {commit.id: commit for commit in git.log(limit=None, paths=[block.path])}
    result = []
    matcher = SequenceMatcher(None, lines, now, autojunk=False)
    for tag, i1, _, j1, j2 in matcher.get_opcodes():
        for offset, line in enumerate(now[j1:j2]):
            commit = commits.get(origins[i1 + offset]) if tag == "equal" else None
            result.append(_blamed(home, line, commit))
    return result


def _lines(text: str) -> list[str]:
    """Return the lines as git counts them: a line feed ends one, and nothing else does."""
    lines = text.split("\n")
    return lines[:-1] if not lines[-1] else lines


def _blamed(home: Home, line: str, commit: Commit | None) -> BlameLine:
    line = line.removesuffix("\r")  # of a file saved with CRLF
    if commit is None:
        return BlameLine(line, None, None, None, None, None)
    message_id = commit.trailers.get("Lettafs-Message")
    message = home.recall.message(message_id) if message_id else None
    return BlameLine(
        line=line,
        commit=commit.id,
        time=commit.time,
        by="agent" if commit.author.email.endswith(AGENT_MAIL) else "person",
        author=commit.author.name,
        subject=commit.subject,
        run_id=commit.trailers.get("Lettafs-Run"),
        cause=message.text if message is not None else None,
    )
