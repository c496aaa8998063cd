"""A home as one text: files in and files out, on one screen.

    --- agent.toml
    name = "Ada"
    --- memory/human.md
    Her name is Chad.

A file is what lies between its line `--- PATH` and the next one, byte for byte. One that does not
end in a line feed has the line `\\ no line feed` behind it, as a diff would show it.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["home_from", "tree_of"]

_OPENING = re.compile(r"^--- (\S.*)\n", re.MULTILINE)
_UNENDED = "\n\\ no line feed\n"


def home_from(text: str, root: Path) -> Path:
    """Write the files of a home and return where it is; nothing is committed yet."""
    before, *rest = _OPENING.split(text)
    assert not before.strip(), f"text before the first file: {before!r}"
    for path, body in zip(rest[::2], rest[1::2], strict=True):
        if body.endswith(_UNENDED):
            body = body.removesuffix(_UNENDED)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body.encode())
    return root


def tree_of(root: Path, *only: str) -> str:
    """Return the files of a home as such a text.

    Args:
        root: the home.
        only: beginnings of the paths that are wanted; none: all but `.git` and `.lettafs`.
    """
    shown = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        hidden = name.startswith((".git/", ".lettafs/"))
        if not path.is_file() or hidden or not name.startswith(only or ("",)):
            continue
        body = path.read_bytes().decode()
        shown.append(f"--- {name}\n{body}" + (_UNENDED if body and body[-1] != "\n" else ""))
    return "".join(shown)
