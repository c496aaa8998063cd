"""The past: a home as it was at a checkpoint, to be read and asked, and then gone.

It is written out beside nothing of the present home: into a directory of its own, which is deleted
afterwards. Whatever is done there is done to a copy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lettafs.disk import atomic
from lettafs.disk.git import Git
from lettafs.errors import DiskProblem
from lettafs.home.fork import committed_files
from lettafs.home.history import require_history
from lettafs.home.home import Home

__all__ = ["past_home"]


@contextmanager
def past_home(source: Home, checkpoint: str) -> Iterator[Path]:
    """Yield the directory of a home as it was at a checkpoint; it goes with the block.

    Raises:
        HistoryProblem: there is no history, no such checkpoint, or it holds no agent.
        DiskProblem: there is no room for it.
    """
    git = require_history(source)
    files = committed_files(git, git.resolve(checkpoint))
    try:
        place = tempfile.TemporaryDirectory(prefix="lettafs-past-", ignore_cleanup_errors=True)
    except OSError as error:
        raise DiskProblem(f"There is no place to lay out {checkpoint}: {error}.") from error
    with place as directory:
        # Named as the agent's directory is, since what is said of it names it.
        root = Path(directory, source.root.resolve().name or "agent")
        for path, data in files.items():
            atomic.make_dirs((root / path).parent)
            atomic.replace(root / path, data, durable=False)
        if git.available:
            # So that nobody is told that a history begins: it would be that of the copy.
            Git(root).init()
        yield root
