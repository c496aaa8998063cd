"""Repair: what can be mended without loss. Most of it is what every turn does at its beginning."""

from __future__ import annotations

from lettafs.disk import atomic
from lettafs.errors import LettafsError
from lettafs.format import layout
from lettafs.home.baseline import load_baseline
from lettafs.home.turn import Turn

__all__ = ["rebuild", "repair"]

_MENDED = {"conflict", "healed", "pending", "recovered", "torn-tail"}
"""Codes of the notices that tell of something put in order."""


def repair(turn: Turn) -> list[str]:
    """Mend an open turn's home; return what was done, in words.

    Opening the turn has recovered what a crash left already; its notices say so.
    """
    done = [notice.text for notice in turn.take_notices() if notice.code in _MENDED]
    root = turn.home.root
    for folder in (layout.MEMORY, layout.RECALL, layout.ARCHIVAL):
        if (root / folder).is_dir():
            for path in atomic.clear_temps(root / folder):
                done.append(f"Removed the leftover {path.relative_to(root).as_posix()}.")
    try:
        found = atomic.read_bytes(root / layout.GITIGNORE_FILE)
    except FileNotFoundError:
        found = None
    except LettafsError:
        return done  # a link, say: for the person to look at
    present = found or b""
    missing = [line for line in layout.GITIGNORE.split() if line not in present.split()]
    if missing:
        joint = b"" if not present or present.endswith(b"\n") else b"\n"
        lines = present + joint + b"\n".join(missing) + b"\n"
        turn.write_file(layout.GITIGNORE_FILE, lines, expected=found)
        done.append(f"Added {b', '.join(missing).decode()} to .gitignore.")
        turn.commit_own("Ignore what is not the agent's", {}, author=turn.person)
    return done


def rebuild(turn: Turn) -> list[str]:
    """Make what is derived anew; return what was, in words."""
    home = turn.home
    if not home.git.available:
        return []
    commit = turn.baseline.commit
    atomic.unlink(home.root / layout.FINGERPRINTS)
    turn.baseline = load_baseline(home.root, home.git, commit=commit)
    return [f"The fingerprints of {len(turn.baseline.blobs)} files."]
