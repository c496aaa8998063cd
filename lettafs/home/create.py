"""Making a home: the files of a new agent, then its first turn, which commits them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from lettafs.disk import atomic
from lettafs.errors import DiskProblem, UsageProblem
from lettafs.format import agent_toml, frontmatter, layout
from lettafs.home.begin import begin
from lettafs.home.home import Home
from lettafs.home.turn import Who
from lettafs.ids import NewId
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block

__all__ = ["create_home", "refuse_unless_free", "write_home"]


def refuse_unless_free(root: Path) -> None:
    """Check that a new home may be made at `root`.

    Raises:
        UsageProblem: something is there already.
    """
    if root.is_symlink() or (root.exists() and not root.is_dir()):
        raise UsageProblem(f"{root} is there already and is not a directory. Name another place.")
    # Empty directories are what is left where making an agent failed.
    if root.is_dir() and any(path.is_symlink() or not path.is_dir() for path in root.rglob("*")):
        raise UsageProblem(
            f"{root} is not empty. Name a new directory, or talk to the agent that is there with "
            f"`lettafs chat {root}`."
        )


def create_home(
    root: Path,
    settings: AgentSettings,
    *,
    system: str,
    blocks: Sequence[Block],
    now: Callable[[], datetime],
    new_id: NewId,
    person: Who,
    about: Mapping[str, str],
) -> Home:
    """Make an agent directory with its first commit; return its home.

    Raises:
        UsageProblem: the place is taken.
        DiskProblem: the disk refused.
    """
    refuse_unless_free(root)
    files: dict[str, bytes] = {
        layout.AGENT_TOML: agent_toml.render_agent(settings),
        layout.SYSTEM_MD: system.encode(),
        layout.GITIGNORE_FILE: layout.GITIGNORE,
        layout.GITATTRIBUTES_FILE: layout.GITATTRIBUTES,
    }
    for block in blocks:
        path = layout.block_path(block.label, taken=files)
        says = None if layout.path_label(path) == block.label else block.label
        files[path] = frontmatter.render_block(
            block.value,
            label_in_header=says,
            description=block.description,
            limit_chars=block.limit_chars,
            read_only=block.read_only,
        )
    # agent.toml last: it is what makes the directory an agent, so that a crash leaves either a
    # whole agent or something that is plainly none.
    write_home(root, sorted(files.items(), key=lambda file: file[0] == layout.AGENT_TOML))
    home = Home(root)
    begin(home, now=now, new_id=new_id, person=person, about=about).close()
    return home


def write_home(root: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write the files of a home in this order; where one fails, leave none of them.

    Raises:
        DiskProblem: the disk refused.
    """
    written: list[Path] = []
    try:
        for path, data in files:
            atomic.make_dirs((root / path).parent)
            atomic.replace(root / path, data)
            written.append(root / path)
    except BaseException:
        for done in written:
            with suppress(DiskProblem):
                atomic.unlink(done)
        raise
