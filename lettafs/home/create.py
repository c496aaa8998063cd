"""Making a home: the files of a new agent, then its first turn, which commits them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from lettafs.disk import atomic
from lettafs.errors import UsageProblem
from lettafs.format import agent_toml, frontmatter, layout
from lettafs.home.begin import begin
from lettafs.home.home import Home
from lettafs.home.turn import Who
from lettafs.ids import NewId
from lettafs.values.agent import AgentSettings
from lettafs.values.block import Block

__all__ = ["create_home", "refuse_unless_free"]


def refuse_unless_free(root: Path) -> None:
    """Check that a new home may be made at `root`.

    Raises:
        UsageProblem: something is there already.
    """
    if root.is_symlink() or (root.exists() and not root.is_dir()):
        raise UsageProblem(f"{root} is there already and is not a directory. Name another place.")
    if root.is_dir() and any(root.iterdir()):
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
    for path in sorted(files, key=lambda name: name == layout.AGENT_TOML):
        atomic.make_dirs((root / path).parent)
        atomic.replace(root / path, files[path])
    home = Home(root)
    begin(home, now=now, new_id=new_id, person=person, about=about).close()
    return home
